"""Where a page's content lies: the box around all pixels that are not nearly as light as the lightest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype, require_layout
from graphproc.ir.types import TensorType

_GRAY = (19595, 38470, 7471)
"""Red, green and blue in 65536ths; half a unit is added before the division."""


def _limits(threshold: int) -> Array:
    """For each difference of the lightest and darkest gray, how far above the darkest a pixel is no longer content.

    The comparison is that of float64 arithmetic, which the gray levels' 256 values above the darkest are all put through.
    """
    above = np.arange(257, dtype=np.float64)
    spread = np.maximum(np.arange(256, dtype=np.float64), 1)[:, None]
    inside: Array = above / spread * 255 < threshold
    return np.asarray(np.argmin(inside, axis=1))


@op("content_box")
@dataclass(frozen=True, slots=True)
class ContentBox(Op):
    """The smallest box around the pixels whose gray value, stretched to 0 .. 255, is below `threshold`.

    An image of one gray value is kept whole.

    Shapes:   (..., 3, H, W) -> (..., 4): top, left, height, width, in pixels.
    Dtypes:   u8 -> i64.
    Rounding: gray is `(19595 R + 38470 G + 7471 B + 32768) >> 16`; stretched and compared in float64.
    Source:   transformers `crop_margin` of Nougat (Pil backend); Pillow's conversion to "L".

    Attributes:
        threshold: 1 to 255.
    """

    threshold: int = 200

    def infer(self, x: TensorType) -> TensorType:
        """Four numbers."""
        require_layout(self, x, "CHW")
        require_dtype(self, x, "u8")
        if len(x.layout) != 3 or x.size("C") != 3:
            raise ShapeError(f"content_box: expected one image of 3 channels, got {x}")
        if not 1 <= self.threshold <= 255:
            raise ShapeError(f"content_box: expected a threshold from 1 to 255, got {self.threshold}")
        return TensorType("i64", (4,))

    def numpy(self, x: Array) -> Array:
        """First and last row and column that have content."""
        planes = x.astype(np.int64)
        red, green, blue = (w * planes[..., c, :, :] for c, w in enumerate(_GRAY))
        gray = (red + green + blue + 32768) >> 16
        low, high = (f(axis=(-2, -1), keepdims=True) for f in (gray.min, gray.max))
        inside = (gray - low < _limits(self.threshold)[high - low]) | (low == high)
        corners = []
        for axis in (-1, -2):
            line = inside.any(axis=axis)
            length = line.shape[-1]
            first = np.argmax(line, axis=-1)
            corners.append((first, length - np.argmax(line[..., ::-1], axis=-1) - first))
        (top, height), (left, width) = corners
        return np.stack([top, left, height, width], axis=-1).astype(np.int64)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Gray values in float32, which holds the sum before its division: it is below 2**24."""
        t = g.type_of(x)
        axis = t.rank + g.leading - 3
        channels = g.Split(g.cast(x, "f32"), g.vector(1, 1, 1), axis=axis, outputs=3)
        red, green, blue = (g.Mul(c, g.constant([w], "f32")) for c, w in zip(channels, _GRAY, strict=True))
        total = g.Add(g.Add(g.Add(red, green), blue), g.constant([32768], "f32"))
        gray = g.Floor(g.Mul(total, g.constant([1 / 65536], "f32")))
        low, high = (_reduce(g, name, gray, -3, -2, -1) for name in ("ReduceMin", "ReduceMax"))
        limit = g.Gather(g.constant(_limits(self.threshold), "f32"), g.cast(g.Sub(high, low), "i64"), axis=0, dtype="f32")
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
    """A reduction over axes, which stay; opset 18 made them an input."""
    reduce = getattr(g, operator)
    value: Value = reduce(x, g.vector(*axes)) if g.opset >= 18 else reduce(x, axes=list(axes))
    return value
