"""Crop around the centre, with zeros around an image that is smaller than the crop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_layout
from graphproc.ir.types import TensorType
from graphproc.ops.pad import Pad
from graphproc.sizes import num
from graphproc.sizes.num import Num
from graphproc.sizes.rules import center_window


@op("center_crop")
@dataclass(frozen=True, slots=True)
class CenterCrop(Op):
    """Keep `height` x `width` pixels around the centre.

    Shapes:   (..., C, H, W) -> (..., C, height, width).
    Dtypes:   any; unchanged. Missing pixels are 0.
    Rounding: none of pixels. If an odd number of rows or columns is cut off, one more is cut at the
              bottom or right. If an odd number is missing, one more zero is added at the top or
              left, or on the side that `extra` says.
    Source:   transformers `image_transforms.center_crop` (Pil backend);
              `TorchvisionBackend.center_crop`.

    Attributes:
        height, width: the result's sides, in pixels.
        extra: where the one more zero goes: `before` or `after` the image.
    """

    height: Num
    width: Num
    extra: str = "before"

    def infer(self, x: TensorType) -> TensorType:
        """Return the type with the crop's sides."""
        require_layout(self, x, "CHW")
        if self.extra not in ("before", "after"):
            raise ShapeError(f"center_crop: expected the extra zero 'before' or 'after' the image, got {self.extra!r}")
        for side in (self.height, self.width):
            if isinstance(side, int) and side < 1:
                raise ShapeError(f"center_crop: expected sides of at least 1 pixel, got {self.height} x {self.width}")
        return x.with_sizes(H=self.height, W=self.width)

    def numpy(self, x: Array) -> Array:
        """Copy the overlap of image and crop onto zeros."""
        height, width = num.known(self.height), num.known(self.width)
        canvas = np.zeros((*x.shape[:-2], height, width), dtype=x.dtype)
        (top, rows, above), (left, columns, before) = (
            center_window(side, crop, self.extra) for side, crop in zip(x.shape[-2:], (height, width), strict=True)
        )
        canvas[..., above : above + rows, before : before + columns] = x[..., top : top + rows, left : left + columns]
        return canvas

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit a Slice of the overlap, and Pad unless the image is known to be large enough."""
        t = g.type_of(x)
        (top, rows, above), (left, columns, before) = (
            center_window(t.size(axis), crop, self.extra) for axis, crop in (("H", self.height), ("W", self.width))
        )
        x = g.Slice(x, g.vector(top, left), g.vector(top + rows, left + columns), g.vector(-2, -1))
        if rows == self.height and columns == self.width:
            return x
        return g.apply(Pad.canvas(above, before, self.height, self.width), x, t.with_sizes(H=rows, W=columns))
