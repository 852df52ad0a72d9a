"""Compute float32 weights that give Pillow's bytes in one sum, where its bilinear filter enlarges.

An output then lies between two pixels. It is `x = p1 + w * (p0 - p1)` for a weight `w = a / d` in
lowest terms, where `d` divides `2 * n_out`. So `x` comes in steps, and coarse facts decide how it
is rounded:

- A tie is an `x` half a pixel value from two bytes. An `x` that is no tie is at least
  `1 / (2 * n_out)` away from one: both terms of `2 * a * (p0 - p1) - odd * d` are even if d is
  even, and d divides n_out if it is odd.
- A tie needs an even d of at most 510, and then `p0 - p1` is a multiple of `d / 2`. The rounding
  error of Pillow's weights, in units of 2**-22, decides the tie by its sign. The size of the error
  in these units is `c / d`, with a whole number c, times that of `p0 - p1`. If c is 0, d is a power
  of two, and the tie goes up.

So a float32 weight is `w`, moved by `1 / (510 * k)` in the direction of Pillow's own error, where k
is the smallest even number up to 510 that makes `w * k` whole. At a tie this moves x by at least
`(d / 2) / (510 * k) = 1/1020`. Any other x of such a weight stays at least `1 / (2 * k)` away from
a tie, again 1/1020 or more. Float32 errs by less than 2**-14: two weights, two products and two
additions, in any order, make at most six errors of 2**-17, since nothing exceeds 256. Up to 8192
outputs this is below every distance. The error of Pillow's weights away from a tie, 2**-15, is
below it, too. Float64 errs too little to change the weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphproc.numerics.filters import PRECISION_BITS

Array = np.ndarray[Any, Any]

MOST_OUTPUTS = 8192
"""The most outputs for which the proof holds.

Up to this number, the nearest value that is no tie is further from a tie than float32 errs.
"""
LARGEST_DIVISOR = 510
"""The largest divisor of a tie: twice the largest difference of two bytes."""
NUDGE = 2.0**PRECISION_BITS / LARGEST_DIVISOR
"""How far a weight is moved for a divisor of 1, in units of 2**-22."""


def float32_weights(weights: Array, n_out: int) -> Array:
    """Return the float32 weights of a bilinear enlargement.

    Args:
        weights: Pillow's weights, int32, in units of 2**-22.
        n_out: how many outputs the whole axis has, at most `MOST_OUTPUTS`.

    Returns:
        The weights in the same units and the same shape.
    """
    # 22 bits are enough to find the fraction with the denominator 2 * n_out.
    numerator = np.rint(weights * (2 * n_out / (1 << PRECISION_BITS))).astype(np.int64)
    exact = numerator * (1 << PRECISION_BITS) / (2 * n_out)
    divisor = 2 * n_out // np.gcd(numerator, 2 * n_out)
    divisor *= 1 + divisor % 2
    side = np.sign(np.rint((weights - exact) * divisor))
    return (exact + np.where(divisor <= LARGEST_DIVISOR, side * NUDGE / divisor, 0.0)).astype(np.float32)
