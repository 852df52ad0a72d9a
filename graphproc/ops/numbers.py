"""Make sizes data: original sizes, grids of patches, counts of tiles."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op
from graphproc.ir.types import DTYPES, TensorType
from graphproc.sizes import num
from graphproc.sizes.num import Bool, Num

# The element types that each kind of number converts to.
_INTO = {"bool": ("bool", "i32", "i64", "f32", "f64"), "int": ("i32", "i64", "f32", "f64"), "float": ("f32", "f64")}


@op("numbers")
@dataclass(frozen=True, slots=True)
class Numbers(Op):
    """Return numbers that depend on sizes alone.

    They are a vector, or have the shape `shape`: `()` makes a scalar, `(1, 3)` a row.

    Shapes:   no operand -> `shape`, with axes named by `layout`; one axis if `shape` is None.
    Dtypes:   `dtype`: any but u8 that the numbers' kinds convert to. Floats do not convert to ints
              here, so round them first.
    Rounding: ints and float64 once if the dtype is f32; ints above 2**53 once if it is f64.
    Source:   numpy.array.
    """

    values: tuple[Num | Bool, ...]
    dtype: str = "i64"
    shape: tuple[int, ...] | None = None
    layout: str = ""

    def infer(self) -> TensorType:
        """Return the type with the given shape."""
        shape = (len(self.values),) if self.shape is None else self.shape
        if math.prod(shape) != len(self.values):
            raise ShapeError(f"numbers: expected {math.prod(shape)} numbers for the shape {shape}, got {len(self.values)}")
        for value in self.values:
            if self.dtype not in _INTO[num.kind_of(value)]:
                raise ShapeError(f"numbers: {num.kind_of(value)} `{value}` cannot become {self.dtype}")
        return TensorType(self.dtype, shape, self.layout)

    def numpy(self) -> Array:
        """Make each number int64, float64 or bool, then convert it to the dtype."""
        kinds = {"bool": np.bool_, "int": np.int64, "float": np.float64}
        dtype = DTYPES[self.dtype]
        values = [np.asarray(_known(value), dtype=kinds[num.kind_of(value)]).astype(dtype) for value in self.values]
        return np.array(values, dtype=dtype).reshape((-1,) if self.shape is None else self.shape)

    def onnx(self, g: Builder) -> Value:
        """Emit a constant, or the nodes of the sizes concatenated."""
        if not any(num.is_sym(value) for value in self.values):
            return g.constant(self.numpy(), self.dtype)
        if all(num.kind_of(value) == "int" for value in self.values):
            row = g.cast(g.vector(*self.values), self.dtype)
        else:
            items = [g.cast(g.num(value), self.dtype) for value in self.values]
            row = g.Concat(*items, axis=0) if len(items) > 1 else items[0]
        return row if self.shape in (None, (len(self.values),)) else g.Reshape(row, g.vector(*self.shape))


def _known(value: Num | Bool) -> float:
    return num.known(value) if isinstance(value, num.Sym) else value
