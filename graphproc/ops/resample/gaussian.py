"""Blur an image along one axis by a Gaussian of any width, mirrored at the outermost pixels' centres."""

from __future__ import annotations

import math

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array
from graphproc.numerics.gaussian import EXP_POWERS, EXP_TERMS, LN2_HIGH, LN2_LOW, gaussian_weights
from graphproc.numerics.interpolation import mirrored
from graphproc.ops.resample.both_axes import END, column, last_row
from graphproc.sizes import num
from graphproc.sizes.num import Num


def blurred(x: Array, axis: int, sigma: float, radius: int, real: type = np.float32) -> Array:
    """Blur along one axis; sums are rounded to `real`.

    Each sum starts with the pixel itself. Then it adds the two neighbours at one distance together,
    from the farthest to the nearest.
    """
    n_in = x.shape[axis]
    weights = gaussian_weights(sigma, radius)
    if len(weights) == 1:
        return x
    pixels = np.moveaxis(x, axis, -1).astype(np.float64)
    place = np.arange(n_in)
    total = pixels * weights[0]
    for distance in range(len(weights) - 1, 0, -1):
        left, right = (mirrored(place + step, n_in) for step in (-distance, distance))
        total = total + (pixels[..., left] + pixels[..., right]) * weights[distance]
    return np.moveaxis(total.astype(real), -1, axis)


def emit_blur(g: Builder, x: Value, n_in: Num, sigma: Num, radius: Num) -> Value:
    """Emit the blur of the rows `[n_in, any]`, row by row.

    The row itself counts as two neighbours with half its weight each.
    """

    def blur() -> Value:
        if isinstance(radius, int) and isinstance(sigma, float):
            distance = g.constant([0, *range(radius, 0, -1)], "i64")
            values = gaussian_weights(sigma, radius)
            weights = g.constant(np.concatenate([values[:1] / 2, values[:0:-1]]), "f64")
        else:
            distance = g.Concat(g.vector(0), g.Sub(g.num(radius), g.range(radius, "i64")), axis=0)
            weights = _gaussian_weights(g, sigma, radius)
        place = column(g, g.range(n_in, "i64"))
        left, right = (emit_mirrored(g, v, n_in) for v in (g.Sub(place, distance), g.Add(place, distance)))

        def line(left: Value, right: Value) -> Value:
            both = g.Add(*(g.cast(g.Gather(x, rows, axis=0), "f64") for rows in (left, right)))
            return g.cast(last_row(g, g.Mul(both, column(g, weights))), "f32")

        return g.scan((left, right), line)

    return g.cond(radius > 0, blur, lambda: x, names=("shrinks", "grows"))


def _gaussian_weights(g: Builder, sigma: Num, radius: Num) -> Value:
    """Emit the nodes of `gaussian_weights`.

    First comes half the weight of the pixel itself, then the others' weights from the farthest to
    the nearest.
    """
    half = g.constant([0.5], "f64")
    variance = g.Max(g.num(sigma * sigma), g.constant([1e-300], "f64"))
    distance = g.range(radius + 1, "f64")
    t = g.Mul(g.Div(half, variance), g.Mul(distance, distance))
    n = g.Floor(g.Add(g.Mul(t, g.constant([1 / math.log(2)], "f64")), half))
    r = g.Add(g.Sub(g.Mul(n, g.constant([LN2_HIGH], "f64")), t), g.Mul(n, g.constant([LN2_LOW], "f64")))
    phi = g.constant(EXP_TERMS[:1], "f64")
    for term in EXP_TERMS[1:]:
        phi = g.Add(g.Mul(phi, r), g.constant([term], "f64"))
    phi = g.Mul(phi, g.Gather(g.constant(EXP_POWERS, "f64"), g.cast(n, "i64"), axis=0))
    falling = g.Slice(phi, g.vector(-1), g.vector(0), g.vector(0), g.vector(-1))
    sums = g.CumSum(g.Concat(falling, phi, axis=0), g.constant(0, "i64"))
    total = g.Slice(sums, g.vector(-1), g.vector(END), g.vector(0))
    own = g.Mul(g.Slice(phi, g.vector(0), g.vector(1), g.vector(0)), half)
    return g.Div(g.Concat(own, falling, axis=0), total)


def emit_mirrored(g: Builder, index: Value, length: Num) -> Value:
    """Emit the nodes of `mirrored`."""
    period = g.num(num.maximum(2 * length - 2, 1))
    index = g.Mod(index, period)
    return g.Min(index, g.Sub(g.num(2 * length - 2), index)) if length != 1 else index
