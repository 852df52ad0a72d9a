"""Rescale and normalize as the cheapest function of a byte, proved by trying every byte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

import numpy as np

from graphproc.ir.op import Op
from graphproc.ir.program import Program
from graphproc.ops import ByteMap, Normalize, Rescale
from graphproc.passes.base import Pass, chain, replace_chain

Array = np.ndarray[Any, Any]
Forms = tuple[tuple[str, tuple[float, ...]], ...]


class FoldByteMap(Pass):
    """`rescale; normalize` on uint8 pixels, or either alone, becomes one `byte_map`.

    Candidate forms are tried from the cheapest on, over all 256 values of every channel; the first whose float32 results
    are all bit-equal to the definition's is taken. The last candidate looks the rescaled value up in a table, so one
    always is.
    """

    name: ClassVar[str] = "fold-byte-map"
    numerics: ClassVar[Literal["bit-exact", "reassociates"]] = "bit-exact"

    def run(self, program: Program) -> Program:
        """Rewrite every chain that starts from uint8."""
        index = 0
        while index < len(program.steps):
            for kinds in ((Rescale, Normalize), (Rescale,), (Normalize,)):
                ops = chain(program, index, *kinds)
                if ops and program.value(program.steps[index].inputs[0]).type.dtype == "u8":
                    program = replace_chain(program, index, len(kinds), [ByteMap(cheapest_form(ops))])
                    break
            index += 1
        return program


def cheapest_form(ops: Sequence[Op]) -> Forms:
    """The first candidate that equals the ops on every byte and channel, bit for bit (signs of zero included)."""
    channels = max((len(op.mean) for op in ops if isinstance(op, Normalize)), default=1)
    bytes_ = np.broadcast_to(np.arange(256, dtype=np.uint8), (channels, 1, 256))
    wanted: Array = bytes_
    for op in ops:
        wanted = op.numpy(wanted)
    for forms in sorted(_candidates(ops), key=_cost):
        found = np.broadcast_to(ByteMap(forms).numpy(bytes_), wanted.shape)
        if found.tobytes() == np.ascontiguousarray(wanted).tobytes():
            return forms
    raise AssertionError("the table of rescaled values is the definition")


def _cost(forms: Forms) -> int:
    """Roughly how many passes over the pixels a form takes."""
    return sum({"split": 3, "table": 4}.get(form, 1) for form, _ in forms)


def _candidates(ops: Sequence[Op]) -> Iterator[Forms]:
    """Two operations, three, an exact product in two parts, a table; among forms of one cost the first is the best."""
    rescale = next((op for op in ops if isinstance(op, Rescale)), None)
    normalize = next((op for op in ops if isinstance(op, Normalize)), None)
    factor = rescale.factor if rescale else 1.0
    heads = list(_scales(factor)) if rescale else [()]
    if normalize is None:
        yield from heads
        return
    mean, std = (np.asarray(v, dtype=np.float32).astype(np.float64) for v in (normalize.mean, normalize.std))
    tail: Forms = ()
    if mean.any() or np.signbit(mean).any():  # subtracting -0.0 turns a -0.0 into 0.0
        tail += (("sub", normalize.mean),)
    if (std != 1).any():
        tail += (("div", normalize.std),)
    if factor and (std != 0).all():
        ratio = np.broadcast_to(std / factor, np.broadcast_shapes(std.shape, mean.shape))
        offset = np.broadcast_to(mean / std, ratio.shape)
        # a standard deviation that is a power of two moves through the subtraction without another rounding
        yield (("div", _tuple(ratio)), ("sub", _tuple(offset)))
        yield (("mul", _tuple(1 / ratio)), ("sub", _tuple(offset)))
        yield (("sub", _tuple(offset * ratio)), ("div", _tuple(ratio)))
    for head in heads:
        yield head + tail


def _scales(factor: float) -> Iterator[Forms]:
    """Ways to compute float32(float64(byte) * factor)."""
    if factor:
        yield (("div", (1 / factor,)),)
    yield (("mul", (factor,)),)
    # a 16-bit leading part times a byte is exact in float32, so the sum rounds once, almost as the definition does
    high = float(np.float32(factor))
    mantissa, exponent = np.frexp(factor)
    high = float(np.ldexp(np.round(np.ldexp(mantissa, 16)), exponent - 16))
    yield (("split", (high, factor - high)),)
    table = Rescale(factor).numpy(np.arange(256, dtype=np.uint8))
    yield (("table", _tuple(table)),)


def _tuple(values: Array) -> tuple[float, ...]:
    return tuple(float(v) for v in np.asarray(values).reshape(-1))
