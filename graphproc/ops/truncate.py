"""Floats as whole numbers, rounded toward zero."""

from __future__ import annotations

from dataclasses import dataclass

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype
from graphproc.ir.types import DTYPES, FLOATS, TensorType

WHOLE = ("i8", "u16", "i16", "i32", "i64")


@op("truncate")
@dataclass(frozen=True, slots=True)
class Truncate(Op):
    """The whole part of each number.

    Shapes:   any; unchanged.
    Dtypes:   floats -> ints; what does not fit has no meaning.
    Rounding: toward zero.
    Source:   numpy.ndarray.astype; ONNX Cast-13.
    """

    dtype: str

    def infer(self, x: TensorType) -> TensorType:
        """The same shape in the new type."""
        require_dtype(self, x, *FLOATS)
        if self.dtype not in WHOLE:
            raise ShapeError(f"truncate: expected one of {', '.join(WHOLE)}, got {self.dtype!r}")
        return x.with_dtype(self.dtype)

    def numpy(self, x: Array) -> Array:
        """`astype`."""
        return x.astype(DTYPES[self.dtype])

    def onnx(self, g: Builder, x: Value) -> Value:
        """Cast."""
        return g.cast(x, self.dtype)
