"""Resample along both axes: make an image a matrix of rows, for one axis after the other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.sizes.num import Num

END = np.iinfo(np.int64).max
"""The end of a slice to the last element."""


def along_both(
    g: Builder,
    x: Value,
    size: tuple[Num, Num],
    emit: Callable[[Value, str], Value],
    order: tuple[str, str],
) -> Value:
    """Emit an axis step along each axis of an image `[lead axes..., C, H, W]`.

    Args:
        g: the emitter's handle.
        x: the image, a step's operand.
        size: the result's (height, width).
        emit: gets a matrix and the letter of an axis, which the matrix has as its rows; returns a
            matrix with as many rows as the result has on that axis.
        order: `("W", "H")` to go along the rows first, or the reverse.

    Returns:
        `[lead axes..., C, height, width]`.
    """
    t = g.type_of(x)
    lead = t.rank + g.leading - 2
    shape = g.Concat(g.Shape(x, start=0, end=lead), g.vector(*size), axis=0)
    have, want = {"H": t.size("H"), "W": t.size("W")}, {"H": size[0], "W": size[1]}
    first, second = order
    with g.scope("first"):
        x = g.Reshape(x, g.vector(-1, have["H"], have["W"]))
        x = g.Transpose(x, perm=[2, 0, 1] if first == "W" else [1, 0, 2])  # [first, N, second]
        x = emit(g.Reshape(x, g.vector(have[first], -1)), first)
    with g.scope("second"):
        # In two steps: one transpose that moves single elements across a third axis goes through them one by one.
        x = g.Reshape(g.Transpose(x, perm=[1, 0]), g.vector(-1, have[second], want[first]))
        x = g.Transpose(x, perm=[1, 0, 2])  # [second, N, first]
        x = emit(g.Reshape(x, g.vector(have[second], -1)), second)
    x = g.Reshape(x, g.vector(want[second], -1, want[first]))
    return g.Reshape(g.Transpose(x, perm=[1, 2, 0] if first == "H" else [1, 0, 2]), shape)


def last_row(g: Builder, terms: Value) -> Value:
    """Emit the sum of rows `[n, any]` as `[any]`, adding the first row first.

    With ReduceSum, the order would be up to the runtime.
    """
    sums = g.CumSum(terms, g.constant(0, "i64"))
    return g.Squeeze(g.Slice(sums, g.vector(-1), g.vector(END), g.vector(0)), g.vector(0))


def column(g: Builder, x: Value) -> Value:
    """Emit `[n, 1]` from `[n]`."""
    return g.Unsqueeze(x, g.vector(1))
