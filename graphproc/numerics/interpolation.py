"""Compute linear and cubic interpolation: the taps of each output along one axis.

A tap is an input pixel and its weight. An output is the sum of its taps.

Sources: the definitions and observable behaviour of `torch.nn.functional.interpolate` and of
`scipy.ndimage`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphproc.numerics.filters import torch_bits
from graphproc.numerics.fused import multiply_add
from graphproc.numerics.narrow import rounded

Array = np.ndarray[Any, Any]
Real = type[np.floating[Any]]
"""The type of weights: float32, or float64 if pixels are float64."""

ALIGNED = "bilinear-aligned"
"""The bilinear filter between the centres of the corner pixels.

This is torch's `align_corners=True`.
"""
GROUP = 4
"""How many products torch's compiled code rounds at a time, for float32.

They fill one vector register. For float64 there are half as many.
"""


@dataclass(frozen=True)
class Taps:
    """Hold what torch adds up for each output of an axis, in its order.

    Attributes:
        index: input pixels, int64 [outputs, taps].
        weights: float32, or float64, [outputs, taps].
        rounded: the number of leading taps with products that are rounded before they are added.
            The other products are fused with the addition: product and sum are rounded together,
            once. Observed with torch 2.14 on processors with AVX2.
        own: which taps an output has, bool [outputs, taps]; None for all. Other taps have weight 0
            and read the output's last own pixel, so that no NaN comes from elsewhere. They are not
            added at all, so that no product with infinity is.
    """

    index: Array
    weights: Array
    rounded: int
    own: Array | None = None


def mirrored(index: Array, length: int) -> Array:
    """Replace the index of pixels outside the image by that of their mirror image.

    The mirrors are the centres of the outermost pixels: -1 becomes 1. Mirroring repeats until the
    index lies inside.
    """
    if length == 1:
        return np.zeros_like(index)
    index = index % (2 * length - 2)
    return np.asarray(np.minimum(index, (2 * length - 2) - index))


def antialias_taps(n_in: int, n_out: int, real: Real = np.float32) -> Taps:
    """Return the taps of torch's antialiased linear interpolation."""
    return _antialias(n_in, n_out, 1, real)


def antialias_cubic_taps(n_in: int, n_out: int, real: Real = np.float32) -> Taps:
    """Return the taps of torch's antialiased cubic interpolation with the parameter -0.5."""
    return _antialias(n_in, n_out, 2, real)


def _antialias(n_in: int, n_out: int, radius: int, real: Real) -> Taps:
    """Return the taps of an antialiased filter.

    `radius` is the filter's, in pixels of the coarser image, input or output. The arithmetic is
    that of `real`, in torch's order. A step that contains a Python float is float64, rounded where
    torch stores it. Weights past an output's own taps are 0.

    torch's compiled code adds up the taps after the first one in groups of `GROUP`: their products are
    rounded before they are added, in order. The products of the taps that fill no group are fused.
    """
    scale = real(n_in) / real(n_out)
    coarser = max(scale, real(1))
    support, shrink = real(radius) * coarser, real(1) / coarser
    center = (np.float64(scale) * (np.arange(n_out) + 0.5)).astype(real)
    low = np.maximum(np.trunc((center - support).astype(np.float64) + 0.5), 0)[:, None]
    high = np.minimum(np.trunc((center + support).astype(np.float64) + 0.5), n_in)[:, None]

    def weights_at(position: Array) -> Array:
        distance = ((position.astype(real) - center[:, None]).astype(np.float64) + 0.5) * np.float64(shrink)
        away = np.abs(distance.astype(real))
        weights = np.maximum(real(1) - away, real(0)) if radius == 1 else antialias_cubic(away, np.where, _fused)
        return np.where(position < high, weights, real(0))

    position = low + np.arange(int((high - low).max()))
    group = GROUP if real is np.float32 else GROUP // 2
    rest = low + 1 + group * np.floor((high - low - 1) / group)
    total = np.cumsum(weights_at(position), axis=1)[:, -1:]
    grouped = position[:, : int((rest - low).max())]
    left_over = rest + np.arange(int((high - rest).max()))
    index = np.concatenate([grouped, left_over], axis=1)
    weights = np.concatenate([np.where(grouped < rest, weights_at(grouped), real(0)), weights_at(left_over)], axis=1)
    own = np.concatenate([grouped < rest, left_over < high], axis=1)
    return Taps(np.minimum(index, high - 1).astype(np.int64), weights / total, grouped.shape[1], None if own.all() else own)


def antialias_cubic(x: Any, where: Callable[[Any, Any, Any], Any], fused: Callable[[Any, Any, float], Any]) -> Any:
    """Compute the cubic filter of parameter -0.5 at distances `x` of 0 or more, float32.

    Args:
        x: an array, or another object with numpy's operators.
        where: numpy's `where`, or a function that does the same.
        fused: `a * b + c`, rounded to float32 once, as torch's compiled code does here.
    """
    near = fused(fused(x, 1.5, -2.5) * x, x, 1.0)
    far = fused(fused(fused(x, -0.5, 2.5), x, -4.0), x, 2.0)
    zero = np.float32(0)
    return where(x < np.float32(1), near, where(x < np.float32(2), far, zero))


def aligned_taps(n_in: int, n_out: int, real: Real = np.float32) -> Taps:
    """Return the taps of torch's linear interpolation with aligned corners."""
    scale = real(n_in - 1) / real(n_out - 1) if n_out > 1 else real(0)
    return _linear(np.minimum(np.trunc(position := scale * np.arange(n_out, dtype=real)), real(n_in - 1)), position, n_in)


def grid_taps(n_in: int, n_out: int) -> tuple[Array, Array]:
    """Return the taps of linear interpolation between pixel centres.

    They are input pixels int64 [outputs, 2] and weights float64 of the same shape. Positions
    outside the outermost centres are mirrored. Source:
    `scipy.ndimage.zoom(order=1, mode="mirror", grid_mode=True)`.
    """
    position = np.abs((np.arange(n_out) + 0.5) * (n_in / n_out) - 0.5)
    if n_in == 1:
        position = np.zeros_like(position)
    low = np.floor(position)
    first = 1.0 - (position - low)
    index = mirrored(np.stack([low, low + 1], axis=1).astype(np.int64), n_in)
    return index, np.stack([first, 1.0 - first], axis=1)


def linear_taps(n_in: int, n_out: int, real: Real = np.float32) -> Taps:
    """Return the taps of torch's linear interpolation between pixel centres."""
    position = np.maximum(_half_pixel(n_in, n_out, real), real(0))
    return _linear(np.minimum(np.floor(position), real(n_in - 1)), position, n_in)


def wide_linear_taps(n_in: int, n_out: int) -> Taps:
    """Return the taps of torch's linear interpolation of float64 between pixel centres, both axes at once.

    Its compiled code has each position twice: with a product that is rounded by itself, which decides
    the pixels, and with one that is not, which decides their weights. Observed with torch 2.14: of
    2 pixels enlarged to 6, the fifth is the second alone, because its rounded position is that centre.
    """
    position = np.maximum(_half_pixel(n_in, n_out, np.float64), 0.0)
    rounded_apart = np.maximum(np.float64(n_in) / np.float64(n_out) * (np.arange(n_out) + 0.5) - 0.5, 0.0)
    return _linear(np.minimum(np.floor(rounded_apart), n_in - 1.0), position, n_in)


def _linear(low: Array, position: Array, n_in: int) -> Taps:
    """Return the pixels on both sides of each position, the farther one first.

    An axis that keeps its length reads the same pixel twice.
    """
    second = np.clip(position - low, 0, 1)
    farther = low if len(position) == n_in else np.minimum(low + 1, n_in - 1)
    index = np.stack([farther, low], axis=1).astype(np.int64)
    return Taps(index, np.stack([second, 1 - second], axis=1), 1)


def narrowed(taps: Taps, kind: str) -> Taps:
    """Round weights to a narrower type, held in float32.

    If there are two taps, torch gets the second weight by subtracting the first from 1 in that
    type.
    """
    weights = rounded(taps.weights, kind)
    if weights.shape[1] == 2:
        weights = np.stack([weights[:, 0], rounded(1 - weights[:, 0], kind)], axis=1)
    return replace(taps, weights=weights)


CUBIC_ORDER = (1, 0, 2, 3)
"""The order in which torch adds up the four pixels of a cubic interpolation."""


def cubic_taps(n_in: int, n_out: int, real: Real = np.float32) -> Taps:
    """Return the taps of torch's cubic interpolation with the parameter -0.75."""
    position = _half_pixel(n_in, n_out, real)
    low = np.floor(position)
    index = np.clip(low[:, None].astype(np.int64) + np.arange(-1, 3), 0, n_in - 1)
    return Taps(index[:, CUBIC_ORDER], np.stack(cubic_weights(position - low, _fused), axis=1)[:, CUBIC_ORDER], 1)


def byte_taps(n_in: int, n_out: int, filter: str) -> tuple[Array, Array, int]:
    """Return the taps of torch's interpolation of uint8 without antialiasing.

    Weights are computed in float64, without normalisation. A tap outside the image reads an
    outermost pixel: where several taps read one pixel, the last one has the sum of their weights,
    and the others have 0. Weights are then rounded, half away from zero, to as many bits as
    torch's antialiased ones.

    Args:
        n_in: the pixels of the axis.
        n_out: its outputs.
        filter: `bilinear`, `bilinear-aligned`, or `bicubic` with the parameter -0.75.

    Returns:
        Input pixels int64 [outputs, taps], weights int64 of the same shape, and the weights'
        fractional bits.
    """
    if filter == ALIGNED:
        position = np.arange(n_out) * ((n_in - 1) / max(n_out - 1, 1))
    else:
        position = (np.arange(n_out) + 0.5) * (n_in / n_out) - 0.5
    if filter == "bilinear":
        position = np.maximum(position, 0.0)
    low = np.minimum(np.floor(position), n_in - 1)
    t = np.clip(position - low, 0.0, 1.0)
    rest = 1.0 - t
    weights = np.stack([rest, t] if filter != "bicubic" else [_far(t + 1.0), _near(t), _near(rest), _far(rest + 1.0)], axis=1)
    taps = weights.shape[1]
    index = np.clip(low[:, None].astype(np.int64) + np.arange(1 - taps // 2, 1 + taps // 2), 0, n_in - 1)
    same = index[:, 1:] == index[:, :-1]
    for tap in range(1, taps):
        weights[:, tap] += np.where(same[:, tap - 1], weights[:, tap - 1], 0.0)
    bits = torch_bits(weights.max())  # partial sums included, which become 0 below
    weights[:, :-1][same] = 0.0
    scaled = weights * (1 << bits)
    return index, np.trunc(scaled + np.where(scaled < 0, -0.5, 0.5)).astype(np.int64), bits


def _near(x: Array) -> Array:
    """Compute Keys' filter of parameter -0.75 at distances from 0 to 1."""
    return np.asarray((1.25 * x - 2.25) * x * x + 1.0)


def _far(x: Array) -> Array:
    """Compute Keys' filter of parameter -0.75 at distances from 1 to 2."""
    return np.asarray(((-0.75 * x + 3.75) * x - 6.0) * x + 3.0)


def cubic_weights(t: Any, fused: Callable[[Any, Any, float], Any]) -> tuple[Any, Any, Any, Any]:
    """Return the weights of the pixels at -1, 0, 1 and 2 for a position `t` from 0 to 1, float32.

    Args:
        t: an array, or another object with numpy's operators.
        fused: `a * b + c`, rounded to float32 once, as torch's compiled code does here.
    """
    one = np.float32(1)

    def near(x: Any) -> Any:
        """Compute the filter from 0 to 1, with a = -0.75: `((a + 2) x - (a + 3)) x^2 + 1`."""
        return fused(x, 1.25, -2.25) * x * x + one

    def far(x: Any) -> Any:
        """Compute the filter from 1 to 2: `((a x - 5a) x + 8a) x - 4a`."""
        return fused(fused(x, -0.75, 3.75), x, -6.0) * x + np.float32(3)

    rest = t * -one + one
    return far(t + one), near(t), near(rest), far(rest + one)


def _fused(a: Any, b: Any, c: float) -> Array:
    return multiply_add(a, b, c, np.asarray(a).dtype.type)


def _half_pixel(n_in: int, n_out: int, real: Real) -> Array:
    """Return the position of each output's centre among the inputs' centres, in `real`.

    The product is not rounded by itself.
    """
    scale = real(n_in) / real(n_out)
    return multiply_add(scale, np.arange(n_out) + 0.5, -0.5, real)
