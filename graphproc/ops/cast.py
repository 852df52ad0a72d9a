"""Changing the element type."""

from __future__ import annotations

from dataclasses import dataclass

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op
from graphproc.ir.types import DTYPES, FLOATS, TensorType


@op("cast")
@dataclass(frozen=True, slots=True)
class Cast(Op):
    """The same values in another element type.

    Shapes:   any; unchanged.
    Dtypes:   any -> `dtype`, except floats to ints. Ints that do not fit lose their high bits; what is not 0 is true.
    Rounding: to the nearest, ties to even, from i32, i64 and f64 to f32, from i64 to f64, and to f16.
    Source:   numpy.ndarray.astype.
    """

    dtype: str

    def infer(self, x: TensorType) -> TensorType:
        """The same shape in the new type."""
        if self.dtype in DTYPES and x.dtype in FLOATS and self.dtype not in (*FLOATS, "bool"):
            raise ShapeError(f"cast: expected ints or bools for {self.dtype}, got {x}. Say how to round first.")
        return x.with_dtype(self.dtype)

    def numpy(self, x: Array) -> Array:
        """`astype`."""
        return x.astype(DTYPES[self.dtype])

    def onnx(self, g: Builder, x: Value) -> Value:
        """Cast; where bytes are held as floats, the low byte is a remainder."""
        have = g.type_of(x).dtype
        if have == self.dtype:
            return x
        dtype = g.pixel_dtype if self.dtype == "u8" else self.dtype
        y = x
        if self.dtype == "u8" and dtype != "u8" and have != "bool":
            y = g.Mod(x, g.constant([256], have))
        y = g.cast(y, dtype)
        return g.Identity(y) if y is x else y  # a value has one IR type
