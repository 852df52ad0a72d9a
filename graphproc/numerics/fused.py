"""Products that are rounded together with a sum, once, as processors with fused multiply-add have them."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
SPLIT = float(2**27 + 1)
"""What splits a float64 into two halves of 26 bits."""


def multiply_add(a: Any, b: Any, c: Any, real: Any = np.float32) -> Array:
    """`a * b + c`, rounded once to `real`.

    The product of two float32 has a place in float64. That of two float64 is a sum of an upper and a lower
    part, both exact (Dekker, 1971), and so is the rounding error of the sum with the upper part (Knuth): the lower part
    and this error enter the result last.
    """
    a, b, c = (np.asarray(v, dtype=np.float64) for v in (a, b, c))
    if real is not np.float64:
        return np.asarray(a * b + c).astype(real)
    upper = a * b
    (a_high, a_low), (b_high, b_low) = _halves(a), _halves(b)
    lower = ((a_high * b_high - upper) + a_high * b_low + a_low * b_high) + a_low * b_low
    total = c + upper
    back = total - c
    rest = (c - (total - back)) + (upper - back)
    return np.asarray(total + (rest + lower))


def _halves(x: Array) -> tuple[Array, Array]:
    scaled = x * SPLIT
    high = scaled - (scaled - x)
    return high, x - high
