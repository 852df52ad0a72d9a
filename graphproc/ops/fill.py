"""Fill with one value: check which values a type can hold, and emit padding."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Op
from graphproc.ir.types import DTYPES
from graphproc.sizes.num import Num


def require_fits(op: Op, value: float, dtype: str) -> None:
    """Raise ShapeError if a value is not exactly a value of a dtype of whole numbers or bools.

    Every value fits a float dtype.
    """
    if dtype not in DTYPES:
        raise ShapeError(f"{op.name}: expected a dtype of {sorted(DTYPES)}, got {dtype!r}")
    target = DTYPES[dtype]
    if target.kind == "f":
        return
    low, high = (0, 1) if target.kind == "b" else (np.iinfo(target).min, np.iinfo(target).max)
    if not (low <= value <= high and value == int(value)):
        raise ShapeError(f"{op.name}: {dtype} cannot hold {value!r}")


def surround(g: Builder, x: Value, rank: int, sides: Mapping[int, tuple[Num, Num]], value: float | tuple[float, ...]) -> Value:
    """Emit constant elements before and after the elements of some axes.

    Args:
        g: the emitter's handle.
        x: a tensor.
        rank: how many axes it has, leading ones included.
        sides: the numbers of elements (before, after) by axis, which counts from the front.
        value: the elements' value; a tuple has one for each channel, the third axis from the end.
    """
    integers = g.target == "cuda" and g.dtype(x) not in ("f32", "f64", "bool")  # CUDA's Pad takes no others
    if integers or isinstance(value, tuple):
        for axis, (before, after) in sides.items():
            x = _join(g, x, rank, axis, before, after, value)
        return x
    pads = [[sides.get(axis, (0, 0))[end] for axis in range(rank)] for end in (0, 1)]
    return g.Pad(x, g.vector(*pads[0], *pads[1]), g.constant(value, g.dtype(x)))


def _join(g: Builder, x: Value, rank: int, axis: int, before: Num, after: Num, value: float | tuple[float, ...]) -> Value:
    """Concatenate `before` and `after` lines of the value along one axis."""
    element = g.constant([[[v]] for v in value] if isinstance(value, tuple) else [value], g.dtype(x))
    outer, inner = g.Shape(x, start=0, end=axis), g.Shape(x, start=axis + 1, end=rank)

    def lines(length: Num) -> list[Value]:
        if length == 0:
            return []
        return [g.Expand(element, g.Concat(outer, g.num(length), inner, axis=0))]

    parts = [*lines(before), x, *lines(after)]
    return g.Concat(*parts, axis=axis) if len(parts) > 1 else x
