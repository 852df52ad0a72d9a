"""Emit the filters as nodes: float64 functions of the distance from an output's centre.

They are those of `numerics.filters`, with the same operations in the same order.
"""

from __future__ import annotations

import math

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value


def filter_weights(
    g: Builder, filter: str, position: Value, center: Value, low: Value, high: Value, n_in: Value, shrink: Value
) -> Value:
    """Emit the filter's value at every position, zero outside an output's own taps `low .. high`.

    Bicubic and lanczos are 0 at the end of their support, and so is their slope. A pixel that `low`
    or `high` leaves out is beyond that end, or short of it by a rounding error, e pixels (under
    2**-35 for images of 65536 pixels a side). It then weighs less than e**2 of its neighbour
    inside. So it does not change the sum, and is quantised to 0. Only pixels past the image must be
    excluded, and those are few: they are moved out of the support.
    """
    if filter in ("bicubic", "lanczos"):
        position = g.Where(g.Less(position, n_in), position, f64(g, 2.0**40))
    distance = g.Mul(g.Add(g.Sub(position, center), f64(g, 0.5)), shrink)
    weights = _FILTERS[filter](g, distance)
    if filter in ("bicubic", "lanczos"):
        return weights
    # The operator Where would take longer than Cast and Mul.
    return g.Mul(weights, g.cast(g.And(g.GreaterOrEqual(position, low), g.Less(position, high)), "f64"))


def f64(g: Builder, value: float) -> Value:
    """Emit one float64 number, [1]."""
    return g.constant([value], "f64")


def _box(g: Builder, x: Value) -> Value:
    inside = g.And(g.Greater(x, f64(g, -0.5)), g.LessOrEqual(x, f64(g, 0.5)))
    return g.cast(inside, "f64")


def _bilinear(g: Builder, x: Value) -> Value:
    return g.Max(g.Sub(f64(g, 1), g.Abs(x)), f64(g, 0))


def _bicubic(g: Builder, x: Value) -> Value:
    """Emit the bicubic filter with a = -1/2.

    Each polynomial is exactly 0 at the end of its range, so clamping its argument there saves
    comparisons.
    """
    x = g.Abs(x)
    near, far = g.Min(x, f64(g, 1)), g.Min(g.Max(x, f64(g, 1)), f64(g, 2))
    inner = g.Sub(g.Mul(f64(g, 1.5), near), f64(g, 2.5))
    inner = g.Add(g.Mul(g.Mul(inner, near), near), f64(g, 1))
    outer = g.Add(g.Mul(g.Sub(far, f64(g, 5)), far), f64(g, 8))
    outer = g.Mul(g.Sub(g.Mul(outer, far), f64(g, 4)), f64(g, -0.5))
    return g.Add(inner, outer)


def _sinc(g: Builder, x: Value) -> Value:
    zero = g.Equal(x, f64(g, 0))
    t = g.Mul(x, f64(g, math.pi))
    return g.Where(zero, f64(g, 1), g.Div(g.Sin(t), t))


def _hamming(g: Builder, x: Value) -> Value:
    x = g.Abs(x)
    cosine = g.Cos(g.Mul(x, f64(g, math.pi)))
    window = g.Add(f64(g, float(np.float32(0.54))), g.Mul(f64(g, float(np.float32(0.46))), cosine))
    return g.Where(g.Less(x, f64(g, 1)), g.Mul(_sinc(g, x), window), f64(g, 0))


def _lanczos(g: Builder, x: Value) -> Value:
    inside = g.And(g.GreaterOrEqual(x, f64(g, -3)), g.Less(x, f64(g, 3)))
    return g.Where(inside, g.Mul(_sinc(g, x), _sinc(g, g.Div(x, f64(g, 3)))), f64(g, 0))


_FILTERS = {"box": _box, "bilinear": _bilinear, "bicubic": _bicubic, "hamming": _hamming, "lanczos": _lanczos}
