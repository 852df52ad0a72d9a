"""Fill what lies around a value with one number, or with one for each channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array
from graphproc.sizes.num import Num

Fill = float | tuple[float, ...]
"""A number, or one for each channel, the third axis from the end."""


def require_held(fill: Fill, dtype: np.dtype[Any], name: str) -> None:
    """Raise ShapeError if a whole number is none of a type of whole numbers. numpy cuts off fractions."""
    if dtype.kind in "iu":
        held = np.iinfo(dtype)
        values = fill if isinstance(fill, tuple) else (fill,)
        if beyond := [value for value in values if isinstance(value, int) and not held.min <= value <= held.max]:
            raise ShapeError(f"pad: expected values that {name} holds, got {beyond[0]!r}")


def surrounded(x: Array, widths: list[tuple[int, int]], fill: Fill) -> Array:
    """Apply `numpy.pad`, for each channel if there is a number for each."""
    if isinstance(fill, tuple):
        planes = [surrounded(x[..., c : c + 1, :, :], widths, value) for c, value in enumerate(fill)]
        return np.concatenate(planes, axis=-3)
    return np.pad(x, widths, constant_values=fill)


def emit_surrounded(g: Builder, x: Value, rank: int, widths: Mapping[int, tuple[Num, Num]], fill: Fill) -> Value:
    """Emit Pad, or Concat with constant elements.

    Elements are needed if the target's Pad lacks the type, or if channels have numbers of their own.

    Args:
        g: the emitter's handle.
        x: a tensor.
        rank: how many axes it has, leading ones included.
        widths: the numbers of elements (before, after) by axis, which counts from the front.
        fill: the elements' value.
    """
    integers = g.target == "cuda" and g.dtype(x) not in ("f32", "f64", "bool")  # CUDA's Pad takes no others
    if integers or isinstance(fill, tuple):
        for axis, (before, after) in widths.items():
            x = _joined(g, x, rank, axis, before, after, fill)
        return x
    pads = [[widths.get(axis, (0, 0))[end] for axis in range(rank)] for end in (0, 1)]
    return g.Pad(x, g.vector(*pads[0], *pads[1]), g.constant(fill, g.dtype(x)))


def _joined(g: Builder, x: Value, rank: int, axis: int, before: Num, after: Num, fill: Fill) -> Value:
    """Concatenate `before` and `after` lines of the value along one axis."""
    element = g.constant([[[v]] for v in fill] if isinstance(fill, tuple) else [fill], g.dtype(x))
    outer, inner = g.Shape(x, start=0, end=axis), g.Shape(x, start=axis + 1, end=rank)

    def lines(length: Num) -> list[Value]:
        if length == 0:
            return []
        return [g.Expand(element, g.Concat(outer, g.num(length), inner, axis=0))]

    parts = [*lines(before), x, *lines(after)]
    return g.Concat(*parts, axis=axis) if len(parts) > 1 else x
