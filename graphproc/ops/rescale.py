"""Multiply pixels by a factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op
from graphproc.ir.types import TensorType


@op("rescale")
@dataclass(frozen=True, slots=True)
class Rescale(Op):
    """Compute `float32(float64(x) * factor)`, or the product in float32.

    Shapes:   any; unchanged.
    Dtypes:   any number -> f32.
    Rounding: once in float64, once to float32; with the precision `f32` only once.
    Source:   transformers `image_transforms.rescale` (Pil backend), and
              `TorchvisionBackend.rescale`.

    Attributes:
        factor: the number that pixels are multiplied by.
        precision: the type of the product, `f64` or `f32`.
    """

    factor: float
    precision: str = "f64"

    def infer(self, x: TensorType) -> TensorType:
        """Return the same shape in float32."""
        if self.precision not in ("f32", "f64"):
            raise ShapeError(f"rescale: expected a precision of 'f32' or 'f64', got {self.precision!r}")
        return x.with_dtype("f32")

    def numpy(self, x: Array) -> Array:
        """Multiply, and store as float32."""
        if self.precision == "f32":
            return x.astype(np.float32) * np.float32(self.factor)
        return (x.astype(np.float64) * self.factor).astype(np.float32)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit the definition.

        For uint8 pixels, a pass puts a cheaper form in place of this op, after proving it equal.
        """
        product = g.Mul(g.cast(x, self.precision), g.constant([self.factor], self.precision))
        return g.cast(product, "f32")
