"""Compute gray values of RGB floats, unless the image is gray already."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from graphproc.errors import EmitError, ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype, require_layout
from graphproc.ir.types import TensorType

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
              channels.
    Dtypes:   f32; unchanged.
    Rounding: float32 after each product and sum; red and green are added first.
    Source:   transformers `convert_to_grayscale` of SuperPoint, SuperGlue, LightGlue and
              EfficientLoFTR.
    """

    def infer(self, x: TensorType) -> TensorType:
        """Return the type unchanged, or without the fourth channel."""
        require_layout(self, x, "CHW")
        require_dtype(self, x, "f32")
        if x.size("C") not in (1, 3, 4):
            raise ShapeError(f"grayscale: expected 1, 3 or 4 channels, got {x}")
        return x if x.size("C") < 4 else replace(x, shape=(*x.shape[:-3], 3, *x.shape[-2:]))

    def numpy(self, x: Array) -> Array:
        """Compute the weighted sum, and choose it or the image itself, image by image."""
        if x.shape[-3] == 1:
            return x
        red, green, blue = (x[..., c : c + 1, :, :] for c in range(3))
        weights = np.asarray(WEIGHTS, dtype=np.float32)
        gray = red * weights[0] + green * weights[1] + blue * weights[2]
        same = ((red == green) & (green == blue)).all(axis=(-3, -2, -1), keepdims=True)
        if x.shape[-3] == 4:
            return x if same.all() else np.repeat(gray, 3, axis=-3)
        return np.where(same, x, gray)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit the sum, and a Where with the minimum of an equality over the image as its condition.

        Raises:
            EmitError: the image has 4 channels.
        """
        t = g.type_of(x)
        if t.channels == 1:
            return x
        if t.channels == 4:
            raise EmitError("grayscale: expected 1 or 3 channels: with 4, colours decide how many the result has.")
        axis = t.rank + g.leading - 3
        red, green, blue = g.Split(x, g.vector(1, 1, 1), axis=axis, outputs=3)
        first, second, third = (g.Mul(c, g.constant([w], "f32")) for c, w in zip((red, green, blue), WEIGHTS, strict=True))
        gray = g.Add(g.Add(first, second), third)
        same = g.cast(g.And(g.Equal(red, green), g.Equal(green, blue)), "f32")
        axes = (-3, -2, -1)
        all_same = g.ReduceMin(same, g.vector(*axes)) if g.opset >= 18 else g.ReduceMin(same, axes=list(axes))
        return g.Where(g.cast(all_same, "bool"), x, gray)
