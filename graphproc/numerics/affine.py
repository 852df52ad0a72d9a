"""Fit `byte * scale + offset` to functions of a byte."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_STEPS = (0, -1, 1, -2, 2)
"""How many float32 numbers beside the first guess are tried for a scale, and for an offset."""


def fitted(table: Array) -> tuple[Array, Array, float]:
    """Return the scale and offset with the smallest largest difference from a function of a byte.

    The line through the first and the last value is the first guess, and neighbouring float32
    numbers are tried. The difference is that of float32 arithmetic, whether the product is rounded
    by itself or only the sum is (one instruction on many processors).

    Args:
        table: float32 [functions, 256], the values of each function.

    Returns:
        The scales and the offsets, float32 [functions], and the largest absolute difference; 0 if
        no value of a byte differs in a bit, but for the sign of zero. It is infinite if a value is
        infinite or no number.
    """
    bytes_ = np.arange(256, dtype=np.float64)
    scale = ((table[:, -1].astype(np.float64) - table[:, 0]) / 255).astype(np.float32)
    scales, offsets = _near(scale)[:, :, None], _near(table[:, 0])[:, None, :]
    products = bytes_ * scales[..., None].astype(np.float64)  # 8 and 24 bits: exact
    with np.errstate(over="ignore", invalid="ignore"):
        once = (products + offsets[..., None]).astype(np.float32)
        twice = products.astype(np.float32) + offsets[..., None]
        wanted = table[:, None, None, :].astype(np.float64)
        gaps = np.maximum(abs(once - wanted), abs(twice - wanted)).max(axis=-1)
    gaps = np.nan_to_num(gaps, nan=np.inf, posinf=np.inf).reshape(len(table), -1)
    best, rows = gaps.argmin(axis=1), np.arange(len(table))
    found_scale, found_offset = (
        np.broadcast_to(values, (len(table), len(_STEPS), len(_STEPS))).reshape(len(table), -1)[rows, best]
        for values in (scales, offsets)
    )
    return found_scale, found_offset, float(gaps[rows, best].max())


def _near(values: Array) -> Array:
    """Return each float32 number with its neighbours, the number itself first: [numbers, steps]."""
    spacing = np.spacing(np.abs(values))
    near: Array = values[:, None] + spacing[:, None] * np.array(_STEPS, dtype=np.float32)
    return near
