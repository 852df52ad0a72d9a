"""Resample uint8 images axis by axis in numpy, in exact integer arithmetic.

This is the numpy rule of resize; the arithmetic is Pillow's or torch's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphproc.numerics.filters import NEAREST, PILLOW, PRECISION_BITS, coefficients, nearest_indices

Array = np.ndarray[Any, Any]


def resample_axis(x: Array, n_out: int, filter: str, axis: int, extent: float | None = None, arithmetic: str = PILLOW) -> Array:
    """Resample one axis of a uint8 array to `n_out` pixels; the result is rounded to uint8.

    Each output is `clip((2**21 + sum(weight * pixel)) >> 22, 0, 255)` in int32. An axis that keeps
    its length is returned as it is: its weights are 1 at the pixel itself. With an `extent`, the
    outputs cover only this many pixels of the axis.
    """
    n_in = x.shape[axis]
    if n_in == n_out and extent in (None, n_in):
        return x
    if filter == NEAREST:
        return np.take(x, nearest_indices(n_in, n_out), axis=axis)
    k = coefficients(n_in, n_out, filter, extent=extent, arithmetic=arithmetic)
    x = np.moveaxis(x, axis, 0)
    column = (n_out,) + (1,) * (x.ndim - 1)
    total = np.full((n_out, *x.shape[1:]), 1 << (PRECISION_BITS - 1), dtype=np.int32)
    for tap in range(k.weights.shape[1]):
        rows = np.minimum(k.start + tap, n_in - 1)
        total += k.weights[:, tap].reshape(column) * x[rows]
    return np.moveaxis(np.clip(total >> PRECISION_BITS, 0, 255).astype(np.uint8), 0, axis)


def resize(
    x: Array,
    height: int,
    width: int,
    filter: str,
    vertical_first: bool,
    extent: tuple[float, ...] = (),
    arithmetic: str = PILLOW,
) -> Array:
    """Resize uint8 `[..., H, W]` to `[..., height, width]`, one axis after the other.

    With an `extent` (height, width), only the first pixels of each axis are resized.
    """
    rows, columns = extent or (None, None)
    vertical, horizontal = (-2, height, rows), (-1, width, columns)
    for axis, size, covered in (vertical, horizontal) if vertical_first else (horizontal, vertical):
        x = resample_axis(x, size, filter, axis, covered, arithmetic)
    return x
