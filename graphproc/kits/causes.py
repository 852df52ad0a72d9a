"""Name the likely cause of a difference, where a known mistake gives exactly the values that were found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from itertools import permutations
from typing import Any

import numpy as np

from graphproc.errors import GraphprocError
from graphproc.ir.op import Op
from graphproc.ir.program import Step
from graphproc.sizes.evaluation import evaluate
from graphproc.sizes.expression import Expression

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Made:
    """How a value is made.

    Attributes:
        step: its step.
        op: the step's op, for the image's size.
        operands: what it reads, as it should be.
        sizes: the sizes of the image, by symbol.
    """

    step: Step
    op: Op
    operands: tuple[Array, ...]
    sizes: dict[str, int]


MOST_AXES = 5
"""How many axes a value has at most for their orders to be tried."""


def cause(expected: Array, found: Array, made: Made | None) -> str:
    """Return the mistake that gives exactly the values found, in words; empty if none that is known does.

    Args:
        expected: the value as it should be.
        found: the value as it is.
        made: how it is made, if that is known.
    """
    for words, wrong in _mistakes(expected, found, made):
        if wrong.shape == found.shape and wrong.dtype == found.dtype and np.array_equal(wrong, found):
            return words
    return "" if made is None or expected.shape == found.shape else _other_sides(found, made)


def _mistakes(expected: Array, found: Array, made: Made | None) -> Iterator[tuple[str, Array]]:
    """Yield mistakes, in words, with what they give."""
    if expected.dtype != found.dtype:
        yield f"the numbers are right, but of type {found.dtype}", expected.astype(found.dtype)
        return
    layout = "" if made is None else made.step.output.type.layout
    for words, op in _variants(made.op) if made is not None else ():
        assert made is not None
        try:
            op.infer(*(_type_of(made, place) for place in range(len(made.operands))))
            yield words, np.asarray(op.numpy(*made.operands))
        except (GraphprocError, ArithmeticError, ValueError, IndexError):
            continue  # an op without this variant
    if "C" in layout:
        yield "red and blue are swapped", np.flip(expected, layout.index("C"))
    if sorted(expected.shape) == sorted(found.shape) and expected.ndim <= MOST_AXES:
        for order in permutations(range(expected.ndim)):
            axes = [layout[axis] if layout else str(axis) for axis in order]
            yield f"the axes are in the order {' '.join(axes)}", expected.transpose(order)


def _type_of(made: Made, place: int) -> Any:
    from graphproc.ir.types import DTYPES, TensorType

    array = made.operands[place]
    dtype = next(name for name, dtype in DTYPES.items() if dtype == array.dtype)
    return TensorType(dtype, array.shape, LAYOUTS.get(array.ndim, "")[-array.ndim :])


LAYOUTS = {3: "CHW", 4: "NCHW"}


def _variants(op: Op) -> Iterator[tuple[str, Op]]:
    """Yield an op with other settings, as they are easily confused, and what is wrong then."""
    from graphproc.numerics.filters import FILTER_NAMES
    from graphproc.ops.resample.registry import ARITHMETICS

    has = {field.name: getattr(op, field.name) for field in fields(op)}  # type: ignore[arg-type]
    if "antialias" in has:
        yield f"{'without' if has['antialias'] else 'with'} antialiasing", _with(op, antialias=not has["antialias"])
    if "filter" in has:
        for name in FILTER_NAMES.values():
            yield f"the filter is {name}, not {has['filter']}", _with(op, filter=name)
            if "antialias" in has:
                yield f"the filter is {name}, not {has['filter']}, without antialiasing", _with(op, filter=name, antialias=False)
    if "arithmetic" in has:
        for name in ARITHMETICS:
            yield f"the arithmetic is {name}, not {has['arithmetic']}", _with(op, arithmetic=name)
    for names in (("mean",), ("std",), ("mean", "std")):
        if all(isinstance(has.get(name), tuple) for name in names):
            words = f"{' and '.join(names)} {'are' if len(names) > 1 else 'is'} in the reverse order of channels"
            yield words, _with(op, **{name: has[name][::-1] for name in names})


def _with(op: Op, **changes: Any) -> Op:
    changed: Op = replace(op, **changes)  # type: ignore[type-var]
    return changed


ROUNDINGS = ("round", "trunc", "floor", "ceil")


def _other_sides(found: Array, made: Made) -> str:
    """Return which rounding in place of another gives the shape found; empty if none does."""
    shape = made.step.output.type.shape
    for have in ROUNDINGS:
        for other in ROUNDINGS:
            changed = tuple(_rounded(side, have, other) for side in shape)
            try:
                sides = tuple(evaluate(side, made.sizes) for side in changed)
            except (ArithmeticError, KeyError, ValueError):
                continue
            if changed != shape and sides == found.shape:
                return f"sides are {list(sides)} with {other} in place of {have}"
    return ""


def _rounded(x: Any, have: str, other: str) -> Any:
    """Return an expression with another rounding in place of one."""
    if not isinstance(x, Expression) or x.op in ("symbol", "table"):
        return x
    args = tuple(_rounded(a, have, other) for a in x.args)
    return type(x)(other if x.op == have else x.op, args, x.kind, x.low, x.high)
