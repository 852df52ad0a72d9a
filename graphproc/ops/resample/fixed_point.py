"""Resample bytes with a bilinear filter with weights of 11 bits, rounded once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array
from graphproc.ops.resample.arithmetic import Arithmetic
from graphproc.ops.resample.both_axes import along_both, column
from graphproc.sizes import num
from graphproc.sizes.num import Num

if TYPE_CHECKING:
    from graphproc.ops.resample.op import Resample

FIXED_POINT = "fixed_point"
_F = np.float32
_WHOLE_PIXEL = 2048
"""The weight of a whole pixel: weights have 11 bits."""
_SPLIT = 1024
"""The divisor that splits a sum along a row in two parts.

With it, the products of both parts stay below 2**24.
"""


class FixedPoint(Arithmetic):
    """Read two neighbours along each axis, in the fixed-point arithmetic that transformers writes out.

    Rounding: positions in float32; weights to 11 bits, halves up; the sum of four products, in
              units of 2**-22, to a byte, halves up.
    Source:   `SLANeXtImageProcessor._resize` of transformers. OpenCV itself also rounds in between
              (`opencv`).
    """

    name = FIXED_POINT
    plain = ("bilinear",)
    dtypes = ("u8",)

    def numpy(self, op: Resample, x: Array) -> Array:
        """Sum along the rows, then down the columns, in int64."""
        index, weights = _taps(x.shape[-1], num.known(op.width))
        pixels = x.astype(np.int64)
        rows = pixels[..., index[0]] * weights[0] + pixels[..., index[1]] * weights[1]
        index, weights = _taps(x.shape[-2], num.known(op.height))
        first, second = (rows[..., i, :] * w[:, None] for i, w in zip(index, weights, strict=True))
        return ((first + second + _WHOLE_PIXEL * _WHOLE_PIXEL // 2) // (_WHOLE_PIXEL * _WHOLE_PIXEL)).astype(np.uint8)

    def onnx(self, op: Resample, g: Builder, x: Value) -> Value:
        """Emit integers in float32.

        Sums along a row have 19 bits, and are split in two before they are multiplied again.
        """
        t = g.type_of(x)

        def weighted(rows: Value, letter: str, side: Num) -> Value:
            index, weights = _emit_taps(g, t.size(letter), side)
            terms = (g.Mul(g.cast(g.Gather(rows, i, axis=0), "f32"), column(g, w)) for i, w in zip(index, weights, strict=True))
            return g.Add(*terms)

        def emit(rows: Value, letter: str) -> Value:
            if letter == "W":
                return weighted(rows, "W", op.width)
            high = g.Floor(g.Mul(rows, g.constant([1 / _SPLIT], "f32")))
            low = g.Sub(rows, g.Mul(high, g.constant([_SPLIT], "f32")))
            below = g.Floor(g.Mul(weighted(low, "H", op.height), g.constant([1 / _SPLIT], "f32")))
            unit = _WHOLE_PIXEL * _WHOLE_PIXEL // _SPLIT
            total = g.Add(g.Add(weighted(high, "H", op.height), below), g.constant([unit // 2], "f32"))
            return g.cast(g.Floor(g.Mul(total, g.constant([1 / unit], "f32"))), g.pixel_dtype)

        return along_both(g, x, (op.height, op.width), emit, ("W", "H"))


def _taps(n_in: int, n_out: int) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return the two pixels of each output and their weights, int64.

    Before the first pixel's centre and after the last one's, that pixel has all the weight.
    """
    position = (np.arange(n_out, dtype=_F) + _F(0.5)) * _F(n_in / n_out) - _F(0.5)
    low = np.floor(position)
    part = np.where(low < 0, _F(0), position - low)
    low = np.maximum(low, _F(0))
    part = np.where(low >= n_in - 1, _F(1), part)
    low = np.minimum(low, _F(max(n_in - 2, 0))).astype(np.int64)
    second = np.floor(part * _F(_WHOLE_PIXEL) + _F(0.5)).astype(np.int64)
    return (low, np.minimum(low + 1, n_in - 1)), (_WHOLE_PIXEL - second, second)


def _emit_taps(g: Builder, n_in: Num, n_out: Num) -> tuple[tuple[Value, Value], tuple[Value, Value]]:
    """Emit the nodes of `_taps`; weights are float32."""
    if isinstance(n_in, int) and isinstance(n_out, int):
        index, weights = _taps(n_in, n_out)
        first, other = (g.constant(w, "f32") for w in weights)
        return (g.constant(index[0], "i64"), g.constant(index[1], "i64")), (first, other)
    zero, half, one, whole = (g.constant([v], "f32") for v in (0, 0.5, 1, _WHOLE_PIXEL))
    last = g.cast(g.num(n_in - 1), "f32")
    position = g.Sub(g.Mul(g.Add(g.range(n_out, "f32"), half), g.cast(g.num(n_in / n_out), "f32")), half)
    low = g.Floor(position)
    part = g.Where(g.Less(low, zero), zero, g.Sub(position, low))
    low = g.Max(low, zero)
    part = g.Where(g.Less(low, last), part, one)
    low = g.Max(g.Min(low, g.Sub(last, one)), zero)
    second = g.Floor(g.Add(g.Mul(part, whole), half))
    places = (low, g.Min(g.Add(low, one), last))
    near, far = (g.cast(place, "i64") for place in places)
    return (near, far), (g.Sub(whole, second), second)
