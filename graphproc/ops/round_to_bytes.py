"""Floats rounded to bytes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype
from graphproc.ir.types import TensorType


@op("round_to_bytes")
@dataclass(frozen=True, slots=True)
class RoundToBytes(Op):
    """The byte next to each number; 0 below the bytes and 255 above them.

    Shapes:   any; unchanged.
    Dtypes:   f32 -> u8.
    Rounding: half to even.
    Source:   `image.round().clamp(0, 255).to(torch.uint8)`; ONNX Round-11.
    """

    def infer(self, x: TensorType) -> TensorType:
        """The same shape in bytes."""
        require_dtype(self, x, "f32")
        return x.with_dtype("u8")

    def numpy(self, x: Array) -> Array:
        """`numpy.rint`, clipped."""
        return np.clip(np.rint(x), 0, 255).astype(np.uint8)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Round, Clip and Cast."""
        return g.cast(g.Clip(g.Round(x), g.constant(0, "f32"), g.constant(255, "f32")), g.pixel_dtype)
