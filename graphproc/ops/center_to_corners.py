"""Convert boxes from centre and size to corners."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype
from graphproc.ir.types import TensorType


@op("center_to_corners")
@dataclass(frozen=True, slots=True)
class CenterToCorners(Op):
    """Convert boxes (center x, center y, width, height) to (left, top, right, bottom).

    Shapes:   (..., 4) -> the same.
    Dtypes:   f32; unchanged.
    Rounding: float32: half the width or height, then the difference or the sum.
    Source:   transformers `image_transforms.center_to_corners_format`.
    """

    def infer(self, x: TensorType) -> TensorType:
        """Return the same type."""
        require_dtype(self, x, "f32")
        if x.shape[-1:] != (4,):
            raise ShapeError(f"center_to_corners: expected boxes of 4 numbers, got {x}")
        return x

    def numpy(self, x: Array) -> Array:
        """Compute centre minus and plus half the size, from the two halves of the last axis."""
        center, half = x[..., :2], np.float32(0.5) * x[..., 2:]
        return np.concatenate([center - half, center + half], axis=-1)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit the same from two slices."""
        center = g.Slice(x, g.vector(0), g.vector(2), g.vector(-1))
        half = g.Mul(g.Slice(x, g.vector(2), g.vector(4), g.vector(-1)), g.constant([0.5], "f32"))
        return g.Concat(g.Sub(center, half), g.Add(center, half), axis=-1)
