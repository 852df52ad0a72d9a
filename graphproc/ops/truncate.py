"""Floats as whole numbers, rounded toward zero."""

from __future__ import annotations

from dataclasses import dataclass

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype
from graphproc.ir.types import DTYPES, TensorType


@op("truncate")
@dataclass(frozen=True, slots=True)
class Truncate(Op):
    """The whole part of each number.

    Shapes:   any; unchanged.
    Dtypes:   f32 or f64 -> i32 or i64; what does not fit has no meaning.
    Rounding: toward zero.
    Source:   numpy.ndarray.astype; ONNX Cast-13.
    """

    dtype: str

    def infer(self, x: TensorType) -> TensorType:
        """The same shape in the new type."""
        require_dtype(self, x, "f32", "f64")
        if self.dtype not in ("i32", "i64"):
            raise ShapeError(f"truncate: expected i32 or i64, got {self.dtype!r}")
        return x.with_dtype(self.dtype)

    def numpy(self, x: Array) -> Array:
        """`astype`."""
        return x.astype(DTYPES[self.dtype])

    def onnx(self, g: Builder, x: Value) -> Value:
        """Cast."""
        return g.cast(x, self.dtype)
