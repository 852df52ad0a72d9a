"""Compute the resampling filters of Pillow and torch, and their integer coefficients.

They are computed from their definition. Both libraries have the same weights in float64 and
quantise them differently: Pillow to 22 fractional bits, torch to as many bits as let the
largest weight of an axis fit into 16 bits.

Sources: Keys, "Cubic convolution interpolation" (1981) for bicubic with a = -1/2; Lanczos with
three lobes. The observable behaviour of Pillow's `Image.resize`, and of
`torch.nn.functional.interpolate(antialias=True)` on uint8, shows where support begins, how weights
are normalised and how they are quantised.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

PRECISION_BITS = 22
"""Fractional bits of Pillow's weights, and the most that torch's have.

32 bits, less 8 bits of pixel and 2 bits of headroom, leave 22.
"""
LARGEST_WEIGHT = 1 << 15
"""Torch's quantised weights are below this."""

PILLOW, TORCH_BYTES = "pillow", "torch_bytes"
"""The two arithmetics with integer weights.

The first is that of Pillow 13. The second is torch's for bytes, which the torchvision backend uses.
"""


def _libm(function: Callable[[float], float]) -> Callable[[Array], Array]:
    """Make a C library function work element by element.

    numpy's own vector functions differ from it by some ulp (units in the last place).
    """
    ufunc = np.frompyfunc(function, 1, 1)
    return lambda x: np.asarray(ufunc(x), dtype=np.float64)


_sin, _cos = _libm(math.sin), _libm(math.cos)


def _box(x: Array) -> Array:
    return np.where((x > -0.5) & (x <= 0.5), 1.0, 0.0)


def _bilinear(x: Array) -> Array:
    return np.maximum(1.0 - np.abs(x), 0.0)


def _hamming(x: Array) -> Array:
    """Compute the Hamming window times a sinc; its constants 0.54 and 0.46 are float32."""
    x = np.abs(x)
    t = np.where(x == 0.0, 1.0, x) * math.pi
    window = float(np.float32(0.54)) + float(np.float32(0.46)) * _cos(t)
    return np.where(x == 0.0, 1.0, np.where(x < 1.0, _sin(t) / t * window, 0.0))


def _bicubic(x: Array) -> Array:
    """Compute Keys' filter with a = -1/2: two polynomials, nearer and farther than one pixel."""
    a = -0.5
    x = np.abs(x)
    near = ((a + 2.0) * x - (a + 3.0)) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * a
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))


def _sinc(x: Array) -> Array:
    t = np.where(x == 0.0, 1.0, x) * math.pi
    return np.where(x == 0.0, 1.0, _sin(t) / t)


def _lanczos(x: Array) -> Array:
    return np.where((x >= -3.0) & (x < 3.0), _sinc(x) * _sinc(x / 3), 0.0)


@dataclass(frozen=True, slots=True)
class Filter:
    """Describe a resampling filter.

    Attributes:
        name: its name.
        code: Pillow's code for it.
        support: half its width at scale 1, in pixels.
        negative: whether it has weights below zero, so that a result may be outside the range of a
            byte.
        weight: a function from distances from the centre to weights.
    """

    name: str
    code: int
    support: float
    negative: bool
    weight: Callable[[Array], Array]


FILTERS: Mapping[str, Filter] = {
    filter.name: filter
    for filter in (
        Filter("lanczos", 1, 3.0, True, _lanczos),
        Filter("bilinear", 2, 1.0, False, _bilinear),
        Filter("bicubic", 3, 2.0, True, _bicubic),
        Filter("box", 4, 0.5, False, _box),
        Filter("hamming", 5, 1.0, False, _hamming),
    )
}
"""The antialiased filters by name. Nearest neighbour has code 0 and no weights."""
ANTIALIASED: Mapping[str, tuple[str, ...]] = {PILLOW: tuple(FILTERS), TORCH_BYTES: ("lanczos", "bilinear", "bicubic")}
"""The names of the antialiased filters that each arithmetic has."""

NEAREST = "nearest"
FILTER_NAMES: Mapping[int, str] = {0: NEAREST, **{filter.code: filter.name for filter in FILTERS.values()}}
"""The filters' names by Pillow's integer code, which the setting `resample` holds: 3 is bicubic."""


@dataclass(frozen=True, slots=True)
class Coefficients:
    """Hold the integer weights of one axis.

    Output `i` is the sum of `weights[i, t] * input[start[i] + t]`.

    Attributes:
        start: int64 [outputs], the first input pixel of each output.
        weights: int32 [outputs, taps], in units of 2**-22; zero past an output's own taps.
        bits: how many fractional bits the weights have: 22, or fewer if torch's weights are
            multiples of 2**(22 - bits).
    """

    start: Array
    weights: Array
    bits: int = PRECISION_BITS


def coefficients(
    n_in: int,
    n_out: int,
    name: str,
    first: int = 0,
    count: int | None = None,
    extent: float | None = None,
    arithmetic: str = PILLOW,
) -> Coefficients:
    """Return the coefficients that resample `n_in` pixels to `n_out`.

    They are those of the outputs `first .. first + count`. All outputs together cover the first
    `extent` of the `n_in` pixels, rounded to float32 as in Pillow. Without an extent they cover all
    pixels.

    All arithmetic is float64 in the order of the definition. The centre is `(i + 0.5) * scale`.
    Support and weights are stretched by the reduction, and bounds are truncated. Weights are summed
    from the first tap to the last, divided by the sum, multiplied by 2**22 and rounded half away
    from zero. Torch multiplies by 2**`torch_bits` instead.
    """
    filter = FILTERS[name]
    stop = n_out if count is None else first + count
    # Torch's precision depends on all outputs of the axis.
    low, weights = _normalised(n_in, n_out, filter, *((0, n_out) if arithmetic == TORCH_BYTES else (first, stop)), extent)
    bits = torch_bits(weights.max()) if arithmetic == TORCH_BYTES else PRECISION_BITS
    scaled = weights * (1 << bits)
    quantised = np.trunc(scaled + np.where(scaled < 0, -0.5, 0.5)).astype(np.int32) << (PRECISION_BITS - bits)
    if arithmetic == TORCH_BYTES:
        low, quantised = low[first:stop], quantised[first:stop]
    return Coefficients(low.astype(np.int64), quantised, bits)


def _normalised(n_in: int, n_out: int, filter: Filter, first: int, stop: int, extent: float | None) -> tuple[Array, Array]:
    """Return the first input pixel of each output, and its weights.

    The weights are [outputs, taps], those of an output add up to 1, and both arrays are float64.
    """
    scale = (n_in if extent is None else float(np.float32(extent))) / n_out
    stretch = max(scale, 1.0)
    support = filter.support * stretch
    center = (np.arange(first, stop, dtype=np.float64) + 0.5) * scale
    low = np.maximum(np.trunc(center - support + 0.5), 0.0)
    high = np.minimum(np.trunc(center + support + 0.5), float(n_in))
    taps = int((high - low).max())
    position = low[:, None] + np.arange(taps)
    weights = filter.weight((position - center[:, None] + 0.5) * (1.0 / stretch))
    weights = np.where(position < high[:, None], weights, 0.0)
    total = np.cumsum(weights, axis=1)[:, -1:]  # cumsum adds one tap after the other, as the definition does
    return low, weights / np.where(total == 0.0, 1.0, total)


def torch_bits(largest: float) -> int:
    """Return the number of fractional bits of torch's weights on an axis.

    It is the largest number for which the largest weight is below 2**15, but at most 22.
    """
    return next((bits for bits in range(PRECISION_BITS) if int(0.5 + largest * (2 << bits)) >= LARGEST_WEIGHT), PRECISION_BITS)


def nearest_indices(n_in: int, n_out: int) -> Array:
    """Return the input pixel of each output of Pillow's nearest filter, int64 [n_out].

    Positions start at half a step, and steps are added up in float64. This sum decides, not
    `(i + 0.5) * scale`, which may be rounded differently.
    """
    steps = np.full(n_out, n_in / n_out)
    steps[0] = n_in / n_out * 0.5
    return np.minimum(np.cumsum(steps).astype(np.int64), n_in - 1)
