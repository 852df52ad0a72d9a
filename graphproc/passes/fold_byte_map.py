"""Write rescale and normalize as the cheapest function of a byte, proved by trying every byte."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import takewhile
from typing import Any, ClassVar

import numpy as np

from graphproc.ir.op import Op
from graphproc.ops import Binary, ByteMap, Normalize, Rescale
from graphproc.passes.base import Declined, Kinds, Many, Match, Pass

Array = np.ndarray[Any, Any]
Operations = tuple[tuple[str, tuple[float, ...]], ...]


_ARITHMETIC: Mapping[str, str] = {"add": "add", "subtract": "sub", "multiply": "mul", "divide": "div"}
"""The operators of `Binary` that a map has, and its names for them."""


class FoldByteMap(Pass):
    """Make one `byte_map` of `rescale; normalize` of bytes, or of either.

    The map takes in the float32 arithmetic with numbers behind, too. Candidates are tried from the cheapest on, over
    all 256 values of every channel. The first with float32 results that are bit-equal to the
    definition's is taken. The last candidate looks the rescaled value up in a table, so there
    always is one.
    """

    name = "fold-byte-map"
    matches: ClassVar[tuple[Kinds | Many, ...]] = (Rescale | Normalize, Many(Normalize | Binary))

    def rewrite(self, match: Match) -> Sequence[Op] | Declined:
        """Return the map, if the operand is bytes, and what follows it that is no arithmetic with a number."""
        if match.x.type.dtype != "u8":
            return Declined(f"{match.x.name} is {match.x.type.dtype}, not u8")
        mapped = [match.ops[0], *takewhile(_is_arithmetic, match.ops[1:])]
        return [ByteMap(cheapest_operations(mapped)), *match.ops[len(mapped) :]]


def _is_arithmetic(op: Op) -> bool:
    """Tell whether an op is a normalization, or arithmetic with a known number."""
    return isinstance(op, Normalize) or (
        isinstance(op, Binary) and op.operator in _ARITHMETIC and isinstance(op.number, (int, float))
    )


def cheapest_operations(ops: Sequence[Op]) -> Operations:
    """Return the first candidate that equals the ops on every byte and channel, bit for bit.

    Signs of zero count as well.
    """
    channels = max((len(v) for op in ops if isinstance(op, Normalize) for v in (op.mean, op.std)), default=1)
    bytes_ = np.broadcast_to(np.arange(256, dtype=np.uint8), (channels, 1, 256))
    wanted: Array = bytes_
    for op in ops:
        wanted = op.numpy(wanted)
    for operations in sorted(_candidates(ops), key=_cost):
        found = np.broadcast_to(ByteMap(operations).numpy(bytes_), wanted.shape)
        if found.tobytes() == np.ascontiguousarray(wanted).tobytes():
            return operations
    raise AssertionError("the table of rescaled values is the definition")


def _cost(operations: Operations) -> int:
    """Return roughly how often operations go over the pixels."""
    return sum({"split": 3, "table": 4}.get(operation, 1) for operation, _ in operations)


def _candidates(ops: Sequence[Op]) -> Iterator[Operations]:
    """Yield candidates: two operations, three, an exact product in two parts, and a table.

    Among candidates of one cost the first is the best.
    """
    factor = ops[0].factor if isinstance(ops[0], Rescale) else 1.0
    heads: list[Operations] = list(_scales(ops[0])) if isinstance(ops[0], Rescale) else [()]
    rest = ops[1:] if isinstance(ops[0], Rescale) else ops
    with np.errstate(all="ignore"):
        divisor, offset = _affine(rest)
        both = np.broadcast_arrays(divisor / factor if factor else np.zeros(1), offset)
        # Dividing by a power of two before a sum or after it rounds alike, and sums of such values are often exact.
        if rest and all(np.isfinite(v).all() for v in both) and both[0].all():
            ratio, offset = both
            yield (("div", _tuple(ratio)), ("sub", _tuple(offset)))
            yield (("mul", _tuple(1 / ratio)), ("sub", _tuple(offset)))
            yield (("sub", _tuple(offset * ratio)), ("div", _tuple(ratio)))
            if len(rest) > 1:
                for head in heads:
                    yield (*head, ("sub", _tuple(offset * ratio * factor)), ("div", _tuple(ratio * factor)))
    for head in heads:
        yield head + _steps(rest)


def _steps(ops: Sequence[Op]) -> Operations:
    """Return the float32 operations of the definitions, without those that change nothing."""
    operations: Operations = ()
    for op in ops:
        if isinstance(op, Normalize):
            mean, std = (np.asarray(v, dtype=np.float32) for v in (op.mean, op.std))
            if mean.any() or np.signbit(mean).any():  # subtracting -0.0 turns a -0.0 into 0.0
                operations += (("sub", op.mean),)
            if (std != 1).any():
                operations += (("div", op.std),)
        elif isinstance(op, Binary) and isinstance(op.number, (int, float)):
            operations += ((_ARITHMETIC[op.operator], (float(op.number),)),)
    return operations


def _affine(ops: Sequence[Op]) -> tuple[Array, Array]:
    """Return the divisor and offset of the ops without their rounding: `x / divisor - offset`.

    Both are float64, of one element or one for each channel.
    """
    divisor, offset = np.ones(1), np.zeros(1)
    for op in ops:
        if isinstance(op, Normalize):
            mean, std = (np.asarray(v, dtype=np.float32).astype(np.float64) for v in (op.mean, op.std))
            divisor, offset = divisor * std, (offset + mean) / std
        elif isinstance(op, Binary) and isinstance(op.number, (int, float)):
            number = float(np.float32(op.number))
            if op.operator in ("multiply", "divide"):
                scale = number if op.operator == "multiply" else np.divide(1, number)
                divisor, offset = divisor / scale if scale else divisor * np.inf, offset * scale
            else:
                offset = offset - number if op.operator == "add" else offset + number
    return divisor, offset


def _scales(rescale: Rescale) -> Iterator[Operations]:
    """Yield ways to rescale a byte."""
    factor = rescale.factor
    if factor:
        yield (("div", (1 / factor,)),)
    yield (("mul", (factor,)),)
    # a byte times a small whole number is exact, and its quotient by another rounds once: 0.0078 is 39 / 5000
    simple = Fraction(factor).limit_denominator(2**15)
    if 1 < abs(simple.numerator) < 2**15:
        yield (("mul", (float(simple.numerator),)), ("div", (float(simple.denominator),)))
    # a 16-bit leading part times a byte is exact in float32, so the sum rounds once, almost as the definition does
    mantissa, exponent = np.frexp(factor)
    high = float(np.ldexp(np.round(np.ldexp(mantissa, 16)), exponent - 16))
    yield (("split", (high, factor - high)),)
    table = rescale.numpy(np.arange(256, dtype=np.uint8))
    yield (("table", _tuple(table)),)


def _tuple(values: Array) -> tuple[float, ...]:
    return tuple(float(v) for v in np.asarray(values).reshape(-1))
