"""Compute gray values of RGB pixels, unless the image is gray already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphproc.errors import EmitError, ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype, require_layout
from graphproc.ir.types import TensorType
from graphproc.numerics.fused import emit_multiply_add, multiply_add

WEIGHTS = (0.2989, 0.5870, 0.1140)
"""The weights of red, green and blue.

Their sum is 0.9999, so they would change a gray image.
"""


@op("grayscale")
@dataclass(frozen=True, slots=True)
class Grayscale(Op):
    """Put `0.2989 R + 0.587 G + 0.114 B` in all three channels.

    An image with equal channels everywhere is unchanged.

    Shapes:   (..., C, H, W) -> the same; C is 3, or 1, which is gray. A fourth channel is dropped,
              unless the colours of the image are equal everywhere; graphs cannot take four
              channels, and `fused` refuses that image.
    Dtypes:   f32, and with `fused` any number; unchanged. Graphs take f32 and u8.
    Rounding: after the first product, and after each product and sum; red and green are added
              first. To float32, and with `fused` to the pixels' own floats. The sums of whole
              numbers are cut off. Of float16 numbers, torch's code for the last few pixels of an
              image rounds products by themselves, so that these may differ by a last place.
    Source:   transformers `convert_to_grayscale` of SuperPoint, SuperGlue, LightGlue and
              EfficientLoFTR; with `fused` torchvision `rgb_to_grayscale`.

    Attributes:
        fused: whether product and sum are rounded together, as torch does.
    """

    fused: bool = False

    def infer(self, x: TensorType) -> TensorType:
        """Return the type unchanged, or without the fourth channel."""
        require_layout(self, x, "CHW")
        if not self.fused:
            require_dtype(self, x, "f32")
        if x.size("C") not in (1, 3, 4):
            raise ShapeError(f"grayscale: expected 1, 3 or 4 channels, got {x}")
        return x if x.size("C") < 4 else replace(x, shape=(*x.shape[:-3], 3, *x.shape[-2:]))

    def numpy(self, x: Array) -> Array:
        """Compute the weighted sum, and choose it or the image itself, image by image.

        Raises:
            ShapeError: with `fused`, the image has 4 channels and is not gray.
        """
        if x.shape[-3] == 1:
            return x
        red, green, blue = (x[..., c : c + 1, :, :] for c in range(3))
        same = ((red == green) & (green == blue)).all(axis=(-3, -2, -1), keepdims=True)
        if self.fused and x.shape[-3] == 4 and not same.all():
            raise ShapeError("grayscale: expected 1 or 3 channels where colours differ, got 4")
        gray = _fused_sum(red, green, blue) if self.fused else _sum(red, green, blue)
        if x.shape[-3] == 4:
            return x if same.all() else np.repeat(gray, 3, axis=-3)
        return np.where(same, x, gray)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit the sum, and a Where with the minimum of an equality over the image as its condition.

        Raises:
            EmitError: the image has 4 channels, or pixels that are neither f32 nor u8.
        """
        t = g.type_of(x)
        if t.channels == 1:
            return x
        if t.dtype not in ("f32", "u8"):
            raise EmitError(f"grayscale: expected pixels of f32 or u8 in a graph, got {t.dtype}. Use the engine 'numpy'.")
        if t.channels == 4:
            raise EmitError("grayscale: expected 1 or 3 channels: with 4, colours decide how many the result has.")
        axis = t.rank + g.leading - 3
        red, green, blue = g.Split(x, g.vector(1, 1, 1), axis=axis, outputs=3)
        colors = [g.cast(c, "f32") for c in (red, green, blue)]
        gray = self._emit_sum(g, colors)
        if t.dtype == "u8":
            gray = g.cast(g.Floor(gray), g.pixel_dtype)
        same = g.cast(g.And(g.Equal(colors[0], colors[1]), g.Equal(colors[1], colors[2])), "f32")
        axes = (-3, -2, -1)
        all_same = g.ReduceMin(same, g.vector(*axes)) if g.opset >= 18 else g.ReduceMin(same, axes=list(axes))
        return g.Where(g.cast(all_same, "bool"), x, gray)

    def _emit_sum(self, g: Builder, colors: Sequence[Value]) -> Value:
        """Emit the weighted sum of three channels of f32."""
        if not self.fused:
            first, second, third = (g.Mul(c, g.constant([w], "f32")) for c, w in zip(colors, WEIGHTS, strict=True))
            return g.Add(g.Add(first, second), third)
        total = g.Mul(colors[0], g.constant([WEIGHTS[0]], "f32"))
        for color, weight in zip(colors[1:], WEIGHTS[1:], strict=True):
            total = emit_multiply_add(g, color, g.constant([weight], "f32"), total)
        return total


def _sum(red: Array, green: Array, blue: Array) -> Array:
    weights = np.asarray(WEIGHTS, dtype=np.float32)
    return np.asarray(red * weights[0] + green * weights[1] + blue * weights[2])


def _fused_sum(red: Array, green: Array, blue: Array) -> Array:
    """Compute in the pixels' own floats, or float32 for other numbers, and return the pixels' type.

    torch multiplies float16 numbers by a float32 weight, and adds them times a float16 weight.
    """
    real: Any = red.dtype.type if red.dtype.kind == "f" else np.float32
    wide: Any = np.float64 if real is np.float64 else np.float32
    gray: Array = (red.astype(wide) * wide(WEIGHTS[0])).astype(real)
    for color, weight in ((green, WEIGHTS[1]), (blue, WEIGHTS[2])):
        gray = multiply_add(color.astype(real), real(weight), gray, wide).astype(real)
    return gray.astype(red.dtype)
