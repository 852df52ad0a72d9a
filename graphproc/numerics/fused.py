"""Compute a product and a sum with one rounding, as processors with fused multiply-add do."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value

Array = np.ndarray[Any, Any]
SPLIT = float(2**27 + 1)
"""The factor that splits a float64 into two halves of 26 bits."""


def multiply_add(a: Any, b: Any, c: Any, real: Any = np.float32) -> Array:
    """Return `a * b + c`, rounded once to `real`.

    Float64 holds the product of two float32 numbers exactly. The product of two float64 numbers is
    the sum of an upper and a lower part, both exact (Dekker, 1971). The rounding error of the sum
    with the upper part is exact as well (Knuth). The lower part and this error are added last.
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
    # The errors of an infinity or of NaN are no numbers.
    return np.asarray(np.where(np.isfinite(total), total + (rest + lower), total))


def emit_multiply_add(g: Builder, a: Value, b: Value, c: Value) -> Value:
    """Emit `a * b + c` of float32 numbers, rounded once to float32."""
    a, b, c = (g.cast(v, "f64") for v in (a, b, c))
    return g.cast(g.Add(g.Mul(a, b), c), "f32")


def _halves(x: Array) -> tuple[Array, Array]:
    scaled = x * SPLIT
    high = scaled - (scaled - x)
    return high, x - high
