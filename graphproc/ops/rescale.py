"""Multiplying pixels by a factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op
from graphproc.ir.types import TensorType


@op("rescale")
@dataclass(frozen=True, slots=True)
class Rescale(Op):
    """`float32(float64(x) * factor)`.

    Shapes:   any; unchanged.
    Dtypes:   any number -> f32.
    Rounding: once in float64, once to float32.
    Source:   transformers `image_transforms.rescale` (Pil backend).
    """

    factor: float

    def infer(self, x: TensorType) -> TensorType:
        """The same shape in float32."""
        return x.with_dtype("f32")

    def numpy(self, x: Array) -> Array:
        """Multiply in float64, store as float32."""
        return (x.astype(np.float64) * self.factor).astype(np.float32)

    def onnx(self, g: Builder, x: Value) -> Value:
        """The definition; uint8 pixels get a cheaper form that a pass has proved equal."""
        product = g.Mul(g.cast(x, "f64"), g.constant([self.factor], "f64"))
        return g.cast(product, "f32")
