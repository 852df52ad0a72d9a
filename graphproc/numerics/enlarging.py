"""Weights with which one float32 sum gives the bytes of Pillow's integers, where its bilinear filter enlarges.

An output then lies between two pixels and is `x = p1 + w * (p0 - p1)` for a weight `w = a / d` in lowest terms, where `d` divides
`2 * n_out`. So `x` comes in steps, and what decides its rounding is coarse:

- Where it is no tie, that is, not half a pixel value from two bytes, it is at least `1 / (2 * n_out)` from one: both terms of
  `2 * a * (p0 - p1) - odd * d` are even where d is even, and d divides n_out where it is odd.
- A tie needs an even d of at most 510, and then `p0 - p1` is a multiple of `d / 2`. Pillow's weights, rounded to 2**-22,
  decide it: by the sign of their error. Its size in those units is `c / d`, with a whole number c, times that of `p0 - p1`.
  Where c is 0, d is a power of two, and the tie goes up.

So a float32 weight is `w`, moved by `1 / (510 * k)` to the side of Pillow's own, where k is the smallest even number up to 510
that makes `w * k` whole. That moves x by `(d / 2) / (510 * k) = 1/1020` or more at a tie; no x of such a weight comes nearer
to a tie than `1 / (2 * k)` with it, again 1/1020 or more. Float32 errs by less than 2**-14: two weights, two products, two
additions, in whatever order, of six times 2**-17 at most, since nothing exceeds 256. Up to 8192 outputs that is below every
distance. So is what Pillow's weights err where there is no tie, 2**-15; and float64 errs too little to change them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphproc.numerics.filters import PRECISION_BITS

Array = np.ndarray[Any, Any]

MOST_OUTPUTS = 8192
"""Up to this number of outputs, the nearest value that is no tie is further from it than float32 errs."""
LARGEST_DIVISOR = 510
"""Ties have no larger one: twice a difference of two bytes."""
NUDGE = 2.0**PRECISION_BITS / LARGEST_DIVISOR
"""By how much a weight in units of 2**-22 is moved, for a divisor of 1."""


def float32_weights(weights: Array, n_out: int) -> Array:
    """The float32 weights of a bilinear enlargement.

    Args:
        weights: Pillow's, int32, in units of 2**-22.
        n_out: how many outputs the whole axis has, at most `MOST_OUTPUTS`.

    Returns:
        In the same units, in the same shape.
    """
    # 22 bits tell a fraction of 2 * n_out.
    numerator = np.rint(weights * (2 * n_out / (1 << PRECISION_BITS))).astype(np.int64)
    exact = numerator * (1 << PRECISION_BITS) / (2 * n_out)
    divisor = 2 * n_out // np.gcd(numerator, 2 * n_out)
    divisor *= 1 + divisor % 2
    side = np.sign(np.rint((weights - exact) * divisor))
    return (exact + np.where(divisor <= LARGEST_DIVISOR, side * NUDGE / divisor, 0.0)).astype(np.float32)
