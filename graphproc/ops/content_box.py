"""Find where a page's content lies.

It is the box around all pixels that are clearly darker than the lightest one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype, require_layout
from graphproc.ir.types import TensorType
from graphproc.numerics.filters import PILLOW, TORCH_BYTES
from graphproc.ops.grayscale import WEIGHTS
from graphproc.sizes import num

_GRAY = (19595, 38470, 7471)
"""Pillow's weights of red, green and blue, in units of 1/65536.

Half a unit is added before the division.
"""
_SHARES = tuple(float(np.float32(weight)) for weight in WEIGHTS)
"""Torchvision's weights of red, green and blue, float32."""


def _limits(threshold: int, arithmetic: str) -> Array:
    """Return, for each range of gray values, how far above the darkest one content ends.

    The range is the difference of an image's lightest and darkest gray, 0 to 255. The limits are
    found by trying all 256 differences in the comparison itself, in float64, or in float32 for
    `torch_bytes`.
    """
    dtype = np.float32 if arithmetic == TORCH_BYTES else np.float64
    above = np.arange(257, dtype=dtype)
    spread = np.maximum(np.arange(256, dtype=dtype), 1)[:, None]
    inside: Array = above / spread * 255 < threshold
    return np.asarray(np.argmin(inside, axis=1))


@op("content_box")
@dataclass(frozen=True, slots=True)
class ContentBox(Op):
    """Return the smallest box around the pixels with a gray value below `threshold`.

    Gray values are first stretched to 0 .. 255. An image of one gray value is kept whole.

    Shapes:   (..., C, H, W) -> (..., 4): top, left, height, width, in pixels. C is 3. With
              torchvision it may also be 1, which is gray; with Pillow 2 or 4, and the last channel
              is then alpha, which is ignored.
    Dtypes:   u8 -> i64.
    Rounding: gray is `(19595 R + 38470 G + 7471 B + 32768) >> 16`; it is stretched and compared in
              float64. Torchvision's gray is `0.2989 R + 0.587 G + 0.114 B`, with exact products,
              rounded to float32 after each sum, then truncated; it is stretched and compared in
              float32.
    Source:   transformers `crop_margin` of Nougat; Pillow's conversion to "L"; torchvision's
              `rgb_to_grayscale`.

    Attributes:
        threshold: 1 to 255.
        arithmetic: the library that makes gray values: `pillow` or `torch_bytes`, as in `Resample`.
    """

    threshold: int = 200
    arithmetic: str = PILLOW

    def infer(self, x: TensorType) -> TensorType:
        """Return the type of four numbers."""
        require_layout(self, x, "CHW")
        require_dtype(self, x, "u8")
        channels = (2, 3, 4) if self.arithmetic == PILLOW else (1, 3)
        if len(x.layout) != 3 or x.size("C") not in channels:
            raise ShapeError(f"content_box: expected one image of {' or '.join(map(str, channels))} channels, got {x}")
        if not 1 <= self.threshold <= 255:
            raise ShapeError(f"content_box: expected a threshold from 1 to 255, got {self.threshold}")
        if self.arithmetic not in (PILLOW, TORCH_BYTES):
            raise ShapeError(f"content_box: expected the arithmetic of {PILLOW} or {TORCH_BYTES}, got {self.arithmetic!r}")
        return TensorType("i64", (4,))

    def numpy(self, x: Array) -> Array:
        """Find the first and last row and column with content."""
        gray = self._gray(x)
        low, high = (f(axis=(-2, -1), keepdims=True) for f in (gray.min, gray.max))
        inside = (gray - low < _limits(self.threshold, self.arithmetic)[high - low]) | (low == high)
        corners = []
        for axis in (-1, -2):
            line = inside.any(axis=axis)
            length = line.shape[-1]
            first = np.argmax(line, axis=-1)
            corners.append((first, length - np.argmax(line[..., ::-1], axis=-1) - first))
        (top, height), (left, width) = corners
        return np.stack([top, left, height, width], axis=-1).astype(np.int64)

    def _gray(self, x: Array) -> Array:
        if x.shape[-3] < 3:
            return x[..., 0, :, :].astype(np.int64)
        if self.arithmetic == TORCH_BYTES:
            red, green, blue = (w * x[..., c, :, :].astype(np.float64) for c, w in enumerate(_SHARES))
            total = red.astype(np.float32)
            for further in (green, blue):
                total = (total + further).astype(np.float32)
            return total.astype(np.int64)
        shares = (w * x[..., c, :, :].astype(np.int64) for c, w in enumerate(_GRAY))
        return np.asarray((sum(shares) + 32768) >> 16)

    def _emit_gray(self, g: Builder, x: Value, axis: int) -> Value:
        """Emit the gray values, in float32.

        Float32 holds Pillow's sum before its division, because the sum is below 2**24.
        Torchvision's products need float64.
        """
        pillow, count = self.arithmetic == PILLOW, num.known(g.type_of(x).size("C"))
        dtype, weights = ("f32", _GRAY) if pillow or count < 3 else ("f64", _SHARES)
        x = g.cast(x, dtype)
        if count == 1:
            return x
        channels = g.Split(x, g.vector(*[1] * count), axis=axis, outputs=count)
        if count == 2:
            return channels[0]
        red, green, blue = (g.Mul(c, g.constant([w], dtype)) for c, w in zip(channels, weights, strict=False))
        if pillow:
            total = g.Add(g.Add(g.Add(red, green), blue), g.constant([32768], "f32"))
            return g.Floor(g.Mul(total, g.constant([1 / 65536], "f32")))
        total = g.cast(red, "f32")
        for further in (green, blue):
            total = g.cast(g.Add(g.cast(total, "f64"), further), "f32")
        return g.Floor(total)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit the first and last line with content.

        They are the smallest and the largest of the lines' numbers that a Where keeps.
        """
        t = g.type_of(x)
        axis = t.rank + g.leading - 3
        gray = self._emit_gray(g, x, axis)
        low, high = (_reduce(g, name, gray, -3, -2, -1) for name in ("ReduceMin", "ReduceMax"))
        limits = g.constant(_limits(self.threshold, self.arithmetic), "f32")
        limit = g.Gather(limits, g.cast(g.Sub(high, low), "i64"), axis=0, dtype="f32")
        inside = g.Or(g.Less(g.Sub(gray, low), limit), g.Equal(low, high))
        inside = g.cast(inside, "f32")
        corners = []
        for line, letter in ((_reduce(g, "ReduceMax", inside, -1), "H"), (_reduce(g, "ReduceMax", inside, -2), "W")):
            line = g.cast(g.Reshape(line, g.vector(*[0] * axis, -1)), "bool")
            place = g.range(t.size(letter), "i64")
            first = _reduce(g, "ReduceMin", g.Where(line, place, g.num(t.size(letter))), -1)
            last = _reduce(g, "ReduceMax", g.Where(line, place, g.constant([-1], "i64")), -1)
            corners.append((first, g.Add(g.Sub(last, first), g.constant([1], "i64"))))
        (top, height), (left, width) = corners
        return g.Concat(top, left, height, width, axis=axis)


def _reduce(g: Builder, operator: str, x: Value, *axes: int) -> Value:
    """Emit a reduction over axes, which stay with one element.

    Before opset 18, axes were an attribute instead of an input.
    """
    reduce = getattr(g, operator)
    value: Value = reduce(x, g.vector(*axes)) if g.opset >= 18 else reduce(x, axes=list(axes))
    return value
