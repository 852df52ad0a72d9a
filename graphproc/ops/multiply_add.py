"""Multiply floats by a constant and add another, the same for all channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype
from graphproc.ir.types import TensorType


@op("multiply_add")
@dataclass(frozen=True, slots=True)
class MultiplyAdd(Op):
    """Compute `x * scale + offset`, both rounded to float32.

    A scale of 1 or an offset of 0 does nothing.

    Shapes:   any; unchanged.
    Dtypes:   f32; unchanged.
    Rounding: float32 after the product and after the sum, never fused.
    Source:   transformers' `rescale_offset` of EfficientNet and `offset` of Vivit (scale 1, offset
              -1), `map_pixels` of Flava (scale 1 - 2 * 0.1, offset 0.1).
    """

    scale: float = 1.0
    offset: float = 0.0

    def infer(self, x: TensorType) -> TensorType:
        """Return the type unchanged."""
        require_dtype(self, x, "f32")
        return x

    def numpy(self, x: Array) -> Array:
        """Multiply, then add, in float32."""
        if self.scale != 1:
            x = x * np.float32(self.scale)
        return x + np.float32(self.offset) if self.offset else x

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit Mul and Add, each only if it changes something."""
        if self.scale != 1:
            x = g.Mul(x, g.constant([self.scale], "f32"))
        return g.Add(x, g.constant([self.offset], "f32")) if self.offset else x
