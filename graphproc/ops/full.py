"""Make a tensor of one value, with a shape that depends on sizes alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op
from graphproc.ir.types import DTYPES, TensorType
from graphproc.ops.fill import require_fits
from graphproc.sizes import num
from graphproc.sizes.num import Num


@op("full")
@dataclass(frozen=True, slots=True)
class Full(Op):
    """Return a tensor with `value` in every element: masks of ones, zeros to fill up with.

    Shapes:   no operand -> `shape`, with axes named by `layout`.
    Dtypes:   `dtype`, which must hold the value exactly; floats are rounded.
    Rounding: `value` once, to a float dtype.
    Source:   numpy.full.
    """

    shape: tuple[Num, ...]
    value: float
    dtype: str
    layout: str = ""

    def infer(self) -> TensorType:
        """Return the type with the given shape."""
        require_fits(self, self.value, self.dtype)
        return TensorType(self.dtype, self.shape, self.layout)

    def numpy(self) -> Array:
        """Apply `numpy.full`."""
        return np.full(tuple(num.known(size) for size in self.shape), self.value, dtype=DTYPES[self.dtype])

    def onnx(self, g: Builder) -> Value:
        """Emit ConstantOfShape."""
        dtype = g.pixel_dtype if self.dtype == "u8" else self.dtype
        return g.full(g.vector(*self.shape), self.value, dtype) if self.shape else g.constant(self.value, dtype)
