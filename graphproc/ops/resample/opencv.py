"""Resize bytes as OpenCV's bilinear resize does, in its fixed-point arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array
from graphproc.ir.types import TensorType
from graphproc.ops.resample.arithmetic import Arithmetic
from graphproc.ops.resample.both_axes import column
from graphproc.sizes import num
from graphproc.sizes.num import Num

if TYPE_CHECKING:
    from graphproc.ops.resample.op import Resample

OPENCV = "opencv"
_F = np.float32
_WHOLE_PIXEL = 2048
"""The weight of a whole pixel: weights have 11 bits."""
_CHANNELS = (1, 3, 4)
"""The numbers of channels that it resamples."""


class OpenCV(Arithmetic):
    """Read two neighbours along each axis, for images of 1, 3 or 4 channels.

    Rounding: positions in float64, rounded to float32; weights to 11 bits, halves to even. The sum
              along a row is exact and loses its last 4 bits. Each of its two products loses 16
              bits. Their sum is rounded to a byte, halves up. For a result of half the sides, this
              is the rounded mean of four pixels.
    Source:   `cv2.resize(interpolation=cv2.INTER_LINEAR)` of uint8, as OpenCV 4 and 5 compute it on
              x86-64.
    """

    name = OPENCV
    plain = ("bilinear",)
    dtypes = ("u8",)

    def check(self, op: Resample, x: TensorType) -> None:
        """Refuse other numbers of channels.

        For 2 channels, OpenCV computes results of half the sides in another way.
        """
        if x.channels not in _CHANNELS:
            raise ShapeError(f"resample: opencv takes 1, 3 or 4 channels, got {x}. Select channels first.")

    def numpy(self, op: Resample, x: Array) -> Array:
        """Sum along the rows, then down the columns, in int64."""
        index, weights = _taps(x.shape[-1], num.known(op.width))
        pixels = x.astype(np.int64)
        rows = (pixels[..., index[0]] * weights[0] + pixels[..., index[1]] * weights[1]) >> 4
        index, weights = _taps(x.shape[-2], num.known(op.height))
        first, second = ((rows[..., i, :] * w[:, None]) >> 16 for i, w in zip(index, weights, strict=True))
        return ((first + second + 2) >> 2).astype(np.uint8)

    def onnx(self, op: Resample, g: Builder, x: Value) -> Value:
        """Emit a Gather of the needed rows and columns, then integers in float32.

        Products are split in two, so that they stay below 2**24.
        """
        t = g.type_of(x)
        sides = t.size("H"), t.size("W")
        shape = g.Concat(g.Shape(x, start=0, end=t.rank + g.leading - 2), g.vector(op.height, op.width), axis=0)
        return g.Reshape(_resampled(op, g, g.Reshape(x, g.vector(-1, *sides)), sides), shape)


def _resampled(op: Resample, g: Builder, x: Value, sides: tuple[Num, Num]) -> Value:
    """Emit channels `[N, height, width]` from `[N, H, W]`.

    It gathers both neighbours of every row first, then computes one column after another.
    """
    index, weights = _emit_taps(g, sides[0], op.height)
    x = g.Gather(x, g.Concat(*index, axis=0), axis=1)
    x = g.Reshape(g.Transpose(x, perm=[2, 0, 1]), g.vector(sides[1], -1))  # [W, N * 2 * height]
    columns, shares = _emit_taps(g, sides[1], op.width)
    sixteenth = g.constant([1 / 16], "f32")
    terms = [
        g.Mul(g.cast(g.Gather(x, i, axis=0), "f32"), column(g, g.Mul(w, sixteenth))) for i, w in zip(columns, shares, strict=True)
    ]
    rows = g.Reshape(g.Floor(g.Add(*terms)), g.vector(-1, 2, op.height))  # below 2**15
    # A product of 15 and 12 bits without its last 16 bits, from two products that float32 holds.
    weight = g.Reshape(g.Concat(*weights, axis=0), g.vector(2, op.height))
    low_bits = g.constant([1 / 64], "f32")
    high = g.Floor(g.Mul(weight, low_bits))
    low = g.Sub(g.Mul(weight, low_bits), high)
    product = g.Add(g.Mul(rows, high), g.Floor(g.Mul(rows, low)))
    total = g.ReduceSum(g.Floor(g.Mul(product, g.constant([1 / 1024], "f32"))), g.vector(1), keepdims=0)
    total = g.Floor(g.Mul(g.Add(total, g.constant([2], "f32")), g.constant([0.25], "f32")))
    y = g.Reshape(g.cast(total, g.pixel_dtype), g.vector(op.width, -1, op.height))
    return g.Transpose(y, perm=[1, 2, 0])


def _taps(n_in: int, n_out: int) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return the two pixels of each output and their weights, int64.

    Beyond the centre of an outermost pixel, both are that pixel.
    """
    scale = 1.0 / (n_out / n_in)
    position = ((np.arange(n_out) + 0.5) * scale - 0.5).astype(_F)
    low = np.floor(position)
    fraction = position - low
    index = (np.clip(low + step, 0, n_in - 1).astype(np.int64) for step in (0, 1))
    weights = (np.rint(share * _F(_WHOLE_PIXEL)).astype(np.int64) for share in (_F(1) - fraction, fraction))
    return (next(index), next(index)), (next(weights), next(weights))


def _emit_taps(g: Builder, n_in: Num, n_out: Num) -> tuple[tuple[Value, Value], tuple[Value, Value]]:
    """Emit the nodes of `_taps`; weights are float32."""
    if isinstance(n_in, int) and isinstance(n_out, int):
        index, weights = _taps(n_in, n_out)
        first, second = (g.constant(w, "f32") for w in weights)
        return (g.constant(index[0], "i64"), g.constant(index[1], "i64")), (first, second)
    one, zero, half = g.constant([1], "f32"), g.constant([0], "f32"), g.constant([0.5], "f64")
    last = g.cast(g.num(n_in - 1), "f32")
    scale = g.num(1.0 / (n_out / n_in))
    position = g.cast(g.Sub(g.Mul(g.Add(g.range(n_out, "f64"), half), scale), half), "f32")
    low = g.Floor(position)
    fraction = g.Sub(position, low)
    near, far = (g.cast(g.Min(g.Max(v, zero), last), "i64") for v in (low, g.Add(low, one)))
    whole = g.constant([_WHOLE_PIXEL], "f32")
    return (near, far), (g.Round(g.Mul(g.Sub(one, fraction), whole)), g.Round(g.Mul(fraction, whole)))
