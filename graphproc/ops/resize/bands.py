"""Band matrices: the weights of one axis, cut into blocks of consecutive outputs.

Block `b` holds outputs `b*T .. b*T + T` and the `L` input rows that they read, so a pass is one batched product of
`[blocks, T, L]` weights with `[blocks, L, ...]` gathered rows. The same integers come out whether they are computed
here in numpy (sizes known) or by nodes in the graph (sizes symbolic).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.numerics.filters import FILTERS, PRECISION_BITS, coefficients
from graphproc.sizes import num
from graphproc.sizes.num import Num

if TYPE_CHECKING:
    from graphproc.ops.resize.emit import Axis

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Bands:
    """The blocks of one axis.

    Attributes:
        rows: int64 [blocks, L], the gathered input rows of each block, counted from the region's first row.
        weights: float64 [blocks, T, L], integers in units of 2**-22.
        taps: the largest number of nonzero weights of one output, or an upper bound.
        length: T.
        padded: whether the last block has more outputs than are wanted.
    """

    rows: Value
    weights: Value
    taps: Num
    length: int
    padded: bool


def block_length(count: Num) -> int:
    """How many outputs a block holds: near 8, where products are fast, and wasting few; 8 where the count is not known."""
    if not isinstance(count, int):
        return 8
    return min(range(6, 13), key=lambda t: (-count % t / count, abs(t - 8)))


def known_bands(axis: Axis, filter: str, length: int) -> tuple[Array, Array, int]:
    """Row indices, weights and taps for known sizes."""
    n_in, n_out, first, count, begin, end = (
        int(v) for v in (axis.n_in, axis.n_out, axis.first, axis.count, axis.begin, axis.end)
    )
    k = coefficients(n_in, n_out, filter, first, count)
    blocks = -(-count // length)
    output = np.minimum(np.arange(blocks * length), count - 1).reshape(blocks, length)  # repeats of the last are cut off
    start, taps = k.start[output], k.weights.shape[1]
    width = min(int((start[:, -1] - start[:, 0]).max()) + taps, end - begin)
    low = np.minimum(start[:, :1], end - width)  # a block at the far edge starts earlier rather than reading past it
    weights = np.zeros((blocks, length, width))
    block, row = np.indices(output.shape)
    for tap in range(taps):
        position = start - low + tap
        inside = position < width
        weights[block[inside], row[inside], position[inside]] = k.weights[output, tap][inside]
    return (low + np.arange(width)) - begin, weights, taps


def emit_bands(g: Builder, axis: Axis, filter: str) -> Bands:
    """The bands as values in the graph: constants for known sizes, else nodes in float64."""
    length = block_length(axis.count)
    known = all(isinstance(v, int) for v in (axis.n_in, axis.n_out, axis.first, axis.count))
    if known:
        rows, weights, taps = known_bands(axis, filter, length)
        padded = rows.shape[0] * length != axis.count
        return Bands(g.constant(rows, "i64"), g.constant(weights, "f64"), taps, length, padded)
    with g.scope("weights"):
        return _traced_bands(g, axis, filter, length)


def _traced_bands(g: Builder, axis: Axis, filter: str, length: int) -> Bands:
    """The arithmetic of `numerics.filters.coefficients` on the band's own grid, node by node and in its order.

    Positions outside an output's own taps get weight zero, and adding zeros changes no sum.
    """
    blocks = (axis.count + (length - 1)) // length
    padded = not isinstance(axis.count, int) or axis.count % length != 0
    scale = axis.n_in / axis.n_out
    stretch = num.maximum(scale, 1.0)
    support = FILTERS[filter].support * stretch
    n_in, half = g.num(num.as_float(axis.n_in)), g.constant([0.5], "f64")

    output = g.range(blocks * length, "f64")
    if padded:
        output = g.Min(output, g.num(num.as_float(axis.count - 1)))
    center = g.Add(g.Reshape(output, g.vector(-1, length, 1)), g.num(num.as_float(axis.first) + 0.5))
    center = g.Mul(center, g.num(scale))
    low = g.Max(g.Floor(g.Add(g.Sub(center, g.num(support)), half)), g.constant([0], "f64"))
    high = g.Min(g.Floor(g.Add(g.Add(center, g.num(support)), half)), n_in)

    # The rows from a block's first tap to its last: an upper bound needs no reduction over the blocks.
    taps = num.floor(2 * support) + 2
    width = num.minimum(num.floor((length - 1) * scale + 2 * support) + 2, axis.n_in)
    start = g.Slice(low, g.vector(0), g.vector(1), g.vector(1))
    position = g.Add(start, g.range(width, "f64"))
    distance = g.Mul(g.Add(g.Sub(position, center), half), g.num(1.0 / stretch))
    inside = g.And(g.GreaterOrEqual(position, low), g.Less(position, high))
    weights = g.Where(inside, _WEIGHT[filter](g, distance), g.constant([0], "f64"))
    # CumSum adds one tap after the other, as the definition does; ReduceSum's order is up to the runtime.
    running = g.CumSum(weights, g.constant(2, "i64"))
    total = g.Slice(running, g.vector(-1), g.vector(np.iinfo(np.int64).max), g.vector(2))
    scaled = g.Mul(g.Div(weights, total), g.constant([1 << PRECISION_BITS], "f64"))
    away = g.Add(scaled, g.Mul(g.Sign(scaled), half))
    weights = g.cast(g.cast(away, "i32"), "f64")
    # Rows past the image have weight zero; read its last row instead.
    rows = g.Sub(g.Min(position, g.num(num.as_float(axis.end - 1))), g.num(num.as_float(axis.begin)))
    rows = g.Reshape(g.cast(rows, "i64"), g.vector(0, -1))
    return Bands(rows, weights, taps, length, padded)


def _f64(g: Builder, value: float) -> Value:
    return g.constant([value], "f64")


def _box(g: Builder, x: Value) -> Value:
    inside = g.And(g.Greater(x, _f64(g, -0.5)), g.LessOrEqual(x, _f64(g, 0.5)))
    return g.cast(inside, "f64")


def _bilinear(g: Builder, x: Value) -> Value:
    return g.Max(g.Sub(_f64(g, 1), g.Abs(x)), _f64(g, 0))


def _bicubic(g: Builder, x: Value) -> Value:
    """The far polynomial is exactly 0 at 2, so clamping the distance there spares a comparison."""
    x = g.Min(g.Abs(x), _f64(g, 2))
    near = g.Sub(g.Mul(_f64(g, 1.5), x), _f64(g, 2.5))
    near = g.Add(g.Mul(g.Mul(near, x), x), _f64(g, 1))
    far = g.Add(g.Mul(g.Sub(x, _f64(g, 5)), x), _f64(g, 8))
    far = g.Mul(g.Sub(g.Mul(far, x), _f64(g, 4)), _f64(g, -0.5))
    return g.Where(g.Less(x, _f64(g, 1)), near, far)


def _sinc(g: Builder, x: Value) -> Value:
    zero = g.Equal(x, _f64(g, 0))
    t = g.Mul(x, _f64(g, math.pi))
    return g.Where(zero, _f64(g, 1), g.Div(g.Sin(t), t))


def _hamming(g: Builder, x: Value) -> Value:
    x = g.Abs(x)
    cosine = g.Cos(g.Mul(x, _f64(g, math.pi)))
    window = g.Add(_f64(g, float(np.float32(0.54))), g.Mul(_f64(g, float(np.float32(0.46))), cosine))
    return g.Where(g.Less(x, _f64(g, 1)), g.Mul(_sinc(g, x), window), _f64(g, 0))


def _lanczos(g: Builder, x: Value) -> Value:
    inside = g.And(g.GreaterOrEqual(x, _f64(g, -3)), g.Less(x, _f64(g, 3)))
    return g.Where(inside, g.Mul(_sinc(g, x), _sinc(g, g.Div(x, _f64(g, 3)))), _f64(g, 0))


_WEIGHT = {"box": _box, "bilinear": _bilinear, "bicubic": _bicubic, "hamming": _hamming, "lanczos": _lanczos}
