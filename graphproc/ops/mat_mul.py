"""Multiply matrices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype
from graphproc.ir.types import TensorType


@op("mat_mul")
@dataclass(frozen=True, slots=True)
class MatMul(Op):
    """Multiply two matrices of each image.

    Shapes:   (..., m, k) and (..., k, n) -> (..., m, n).
    Dtypes:   f32; unchanged.
    Rounding: float32 sums in the runtime's order. Results differ by at most 1e-6, relative to the
              sum of magnitudes.
    Source:   numpy.matmul; ONNX MatMul-13.
    """

    def infer(self, left: TensorType, right: TensorType) -> TensorType:
        """Return the type with the outer sizes."""
        require_dtype(self, left, "f32")
        require_dtype(self, right, "f32")
        if left.rank != 2 or right.rank != 2 or left.shape[1] != right.shape[0]:
            raise ShapeError(f"mat_mul: expected matrices [m, k] and [k, n], got {left} and {right}")
        return TensorType("f32", (left.shape[0], right.shape[1]))

    def numpy(self, left: Array, right: Array) -> Array:
        """Apply `numpy.matmul`."""
        return np.asarray(np.matmul(left, right))

    def onnx(self, g: Builder, left: Value, right: Value) -> Value:
        """Emit MatMul."""
        return g.MatMul(left, right)
