"""Make sure that a map has two different values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype, require_layout
from graphproc.ir.types import FLOATS, TensorType


@op("distinct")
@dataclass(frozen=True, slots=True)
class Distinct(Op):
    """Compute `x * scale`; if all products are equal, add `amount` to the first row.

    Shapes:   (..., H, W); unchanged.
    Dtypes:   i32 or floats -> f32.
    Rounding: after the product and after the sum to float64, or to the floats' type; then to
              float32.
    Source:   transformers `PromptDepthAnythingImageProcessor` (both backends). It scales depths to
              metres, and in this way a constant depth is not divided by a range of 0.
    """

    scale: float
    amount: float = 1e-6

    def infer(self, x: TensorType) -> TensorType:
        """Return the same shape in float32."""
        require_layout(self, x, "HW")
        require_dtype(self, x, "i32", *FLOATS)
        return x.with_dtype("f32")

    def numpy(self, x: Array) -> Array:
        """Compare the extremes of each map."""
        y = (x if x.dtype.kind == "f" else x.astype(np.float64)) * self.scale
        equal = y.min(axis=(-2, -1), keepdims=True) == y.max(axis=(-2, -1), keepdims=True)
        first = np.arange(x.shape[-2])[:, None] == 0
        return np.where(equal & first, y + self.amount, y).astype(np.float32)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit the same, with ReduceMin and ReduceMax of the products."""
        dtype = g.dtype(x) if g.dtype(x) in FLOATS else "f64"
        y = g.Mul(g.cast(x, dtype), g.constant([self.scale], dtype))
        axes = {} if g.opset >= 18 else {"axes": [-2, -1]}
        inputs = (g.vector(-2, -1),) if g.opset >= 18 else ()
        low, high = (reduce(y, *inputs, **axes) for reduce in (g.ReduceMin, g.ReduceMax))
        first = g.Equal(g.range(g.type_of(x).size("H"), "i64"), g.vector(0))
        chosen = g.And(g.Equal(low, high), g.Unsqueeze(first, g.vector(1)))
        return g.cast(g.Where(chosen, g.Add(y, g.constant([self.amount], dtype)), y), "f32")
