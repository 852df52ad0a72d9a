"""Compute Gaussian weights from sums and products alone, so that a graph computes the same bits.

Source: `scipy.ndimage.gaussian_filter1d`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

LN2_HIGH = float.fromhex("0x1.62e42fee00000p-1")
LN2_LOW = 1.9082149292705877e-10
"""The logarithm of 2 in two parts; the first has 32 bits, so that its small multiples are exact."""
EXP_TERMS = tuple(1.0 / math.factorial(k) for k in range(14, -1, -1))
"""The Taylor coefficients of exp, highest power first: enough for 53 bits if |r| <= ln 2 / 2."""
EXP_POWERS = tuple(math.ldexp(1.0, -n) for n in range(64))
"""The powers 2**-n, which are exp(-n ln 2), for n from 0 to 63."""
CUT_OFF = 4.0
"""The distance at which scipy cuts a Gaussian off, in standard deviations."""


def exp_negative(t: Array) -> Array:
    """Return `exp(-t)` for 0 <= t < 43, float64.

    The result is within 2 units in the last place of the true value.
    """
    n = np.floor(t * (1 / math.log(2)) + 0.5)
    r = (n * LN2_HIGH - t) + n * LN2_LOW
    total = np.full_like(r, EXP_TERMS[0])
    for term in EXP_TERMS[1:]:
        total = total * r + term
    return np.asarray(total * np.asarray(EXP_POWERS)[n.astype(np.int64)])


def gaussian_weights(sigma: float, radius: int) -> Array:
    """Return a sampled Gaussian's weights at distances `0 .. radius`, float64.

    The weights of both sides together add up to 1. The radius is at most 8 standard deviations.
    """
    distance = np.arange(radius + 1, dtype=np.float64)
    phi = exp_negative((0.5 / max(sigma * sigma, 1e-300)) * (distance * distance))
    return np.asarray(phi / np.cumsum(np.concatenate([phi[:0:-1], phi]))[-1])
