"""Multiplying pixels by a factor."""

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
    """`float32(float64(x) * factor)`, or the product in float32.

    Shapes:   any; unchanged.
    Dtypes:   any number -> f32.
    Rounding: once in float64, once to float32; with precision `f32` once.
    Source:   transformers `image_transforms.rescale` (Pil backend), and `TorchvisionBackend.rescale`.

    Attributes:
        factor: what pixels are multiplied by.
        precision: `f64` or `f32`, in which they are.
    """

    factor: float
    precision: str = "f64"

    def infer(self, x: TensorType) -> TensorType:
        """The same shape in float32."""
        if self.precision not in ("f32", "f64"):
            raise ShapeError(f"rescale: expected a precision of 'f32' or 'f64', got {self.precision!r}")
        return x.with_dtype("f32")

    def numpy(self, x: Array) -> Array:
        """Multiply, store as float32."""
        if self.precision == "f32":
            return x.astype(np.float32) * np.float32(self.factor)
        return (x.astype(np.float64) * self.factor).astype(np.float32)

    def onnx(self, g: Builder, x: Value) -> Value:
        """The definition; uint8 pixels get a cheaper form that a pass has proved equal."""
        product = g.Mul(g.cast(x, self.precision), g.constant([self.factor], self.precision))
        return g.cast(product, "f32")
