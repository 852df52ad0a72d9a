"""Linear interpolation of floats and Gaussian weights: the input pixels and weights of each output of one axis.

Sources: the definitions and observable behaviour of `torch.nn.functional.interpolate` and of `scipy.ndimage`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
_F = np.float32

LN2_HIGH = float.fromhex("0x1.62e42fee00000p-1")
LN2_LOW = 1.9082149292705877e-10
"""The logarithm of 2 in two parts; the first has 32 bits, so that its small multiples are exact."""
EXP_TERMS = tuple(1.0 / math.factorial(k) for k in range(14, -1, -1))
"""The Taylor coefficients of exp, highest power first: enough for 53 bits where |r| <= ln 2 / 2."""
EXP_POWERS = tuple(math.ldexp(1.0, -n) for n in range(64))
TRUNCATE = 4.0
"""Where a Gaussian ends, in standard deviations."""


def exp_negative(t: Array) -> Array:
    """`exp(-t)` for 0 <= t < 43, float64, from sums and products alone, so that a graph computes the same bits.

    Within 2 units in the last place of the true value.
    """
    n = np.floor(t * (1 / math.log(2)) + 0.5)
    r = (n * LN2_HIGH - t) + n * LN2_LOW
    total = np.full_like(r, EXP_TERMS[0])
    for term in EXP_TERMS[1:]:
        total = total * r + term
    return np.asarray(total * np.asarray(EXP_POWERS)[n.astype(np.int64)])


def gaussian_weights(sigma: float) -> Array:
    """A sampled Gaussian's weights at distances `0 .. radius`, float64; those of both sides add up to 1.

    The radius is 4 standard deviations, rounded half up. Source: `scipy.ndimage.gaussian_filter1d`.
    """
    radius = int(TRUNCATE * sigma + 0.5)
    distance = np.arange(radius + 1, dtype=np.float64)
    phi = exp_negative((0.5 / max(sigma * sigma, 1e-300)) * (distance * distance))
    return np.asarray(phi / np.cumsum(np.concatenate([phi[:0:-1], phi]))[-1])


def mirrored(index: Array, length: int) -> Array:
    """Pixels outside the image, mirrored at the centres of its outermost pixels as often as it takes."""
    if length == 1:
        return np.zeros_like(index)
    index = index % (2 * length - 2)
    return np.asarray(np.minimum(index, (2 * length - 2) - index))


def antialias_taps(n_in: int, n_out: int) -> tuple[Array, Array]:
    """Input pixels int64 [outputs, taps] and weights float32 of torch's antialiased linear interpolation.

    The arithmetic is float32, in torch's order; a step with a Python float in it is float64, rounded to float32 where torch
    stores it. Weights past an output's own taps are 0.
    """
    scale = _F(n_in) / _F(n_out)
    support = max(scale, _F(1))
    shrink = _F(1) / support
    center = (np.float64(scale) * (np.arange(n_out) + 0.5)).astype(_F)
    low = np.maximum(np.trunc((center - support).astype(np.float64) + 0.5), 0)
    high = np.minimum(np.trunc((center + support).astype(np.float64) + 0.5), n_in)
    position = low[:, None] + np.arange(int((high - low).max()))
    distance = ((position.astype(_F) - center[:, None]).astype(np.float64) + 0.5) * np.float64(shrink)
    weights = np.maximum(_F(1) - np.abs(distance.astype(_F)), _F(0))
    weights = np.where(position < high[:, None], weights, _F(0))
    return np.minimum(position, n_in - 1).astype(np.int64), weights / np.cumsum(weights, axis=1)[:, -1:]


def aligned_taps(n_in: int, n_out: int) -> tuple[Array, Array]:
    """Input pixels int64 [outputs, 2] and weights float32 of torch's linear interpolation with aligned corners."""
    scale = _F(n_in - 1) / _F(n_out - 1) if n_out > 1 else _F(0)
    position = scale * np.arange(n_out, dtype=_F)
    low = np.minimum(np.trunc(position), _F(n_in - 1))
    second = np.clip(position - low, _F(0), _F(1))
    index = np.stack([low, np.minimum(low + 1, n_in - 1)], axis=1).astype(np.int64)
    return index, np.stack([_F(1) - second, second], axis=1)


def grid_taps(n_in: int, n_out: int) -> tuple[Array, Array]:
    """Input pixels int64 [outputs, 2] and weights float64 of linear interpolation between pixel centres.

    Positions outside the outermost centres are mirrored. Source: `scipy.ndimage.zoom(order=1, mode="mirror",
    grid_mode=True)`.
    """
    position = np.abs((np.arange(n_out) + 0.5) * (n_in / n_out) - 0.5)
    if n_in == 1:
        position = np.zeros_like(position)
    low = np.floor(position)
    first = 1.0 - (position - low)
    index = mirrored(np.stack([low, low + 1], axis=1).astype(np.int64), n_in)
    return index, np.stack([first, 1.0 - first], axis=1)


def linear_taps(n_in: int, n_out: int) -> tuple[Array, Array]:
    """Input pixels int64 [outputs, 2] and weights float32 of torch's linear interpolation between pixel centres."""
    position = np.maximum(_half_pixel(n_in, n_out), _F(0))
    low = np.minimum(np.floor(position), _F(n_in - 1))
    second = np.clip(position - low, _F(0), _F(1))
    index = np.stack([low, np.minimum(low + 1, n_in - 1)], axis=1).astype(np.int64)
    return index, np.stack([_F(1) - second, second], axis=1)


def cubic_taps(n_in: int, n_out: int) -> tuple[Array, Array]:
    """Input pixels int64 [outputs, 4] and weights float32 of torch's cubic interpolation, whose parameter is -0.75."""
    position = _half_pixel(n_in, n_out)
    low = np.floor(position)
    index = low[:, None].astype(np.int64) + np.arange(-1, 3)
    return np.clip(index, 0, n_in - 1), np.stack(cubic_weights(position - low, _fused), axis=1)


def cubic_weights(t: Any, fused: Callable[[Any, Any, float], Any]) -> tuple[Any, Any, Any, Any]:
    """The weights of the pixels at -1, 0, 1 and 2 for a position `t` behind 0, float32.

    Args:
        t: an array, or whatever else has numpy's operators.
        fused: `a * b + c`, rounded to float32 once, as torch's compiler has it in this kernel.
    """
    one = _F(1)

    def near(x: Any) -> Any:
        """At distances to 1, with a = -0.75: `((a + 2) x - (a + 3)) x^2 + 1`."""
        return fused(fused(x, 1.25, -2.25) * x, x, 1.0)

    def far(x: Any) -> Any:
        """At distances from 1 to 2: `((a x - 5a) x + 8a) x - 4a`."""
        return fused(fused(fused(x, -0.75, 3.75), x, -6.0), x, 3.0)

    rest = t * -one + one
    return far(t + one), near(t), near(rest), far(rest + one)


def _fused(a: Any, b: Any, c: float) -> Array:
    return np.asarray(np.asarray(a, dtype=np.float64) * np.asarray(b, dtype=np.float64) + c).astype(_F)


def _half_pixel(n_in: int, n_out: int) -> Array:
    """The position of each output's centre among the inputs' centres, float32; the product is not rounded by itself."""
    scale = _F(n_in) / _F(n_out)
    return (np.float64(scale) * (np.arange(n_out) + 0.5) - 0.5).astype(_F)
