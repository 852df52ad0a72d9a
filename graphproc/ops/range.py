"""Count from 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op
from graphproc.ir.types import TensorType
from graphproc.sizes import num
from graphproc.sizes.num import Num


@op("range")
@dataclass(frozen=True, slots=True)
class Range(Op):
    """Return `[0, 1, ..., length - 1]`.

    Shapes:   no operand -> (length,).
    Dtypes:   i64.
    Rounding: none.
    Source:   numpy.arange; ONNX Range-11.
    """

    length: Num

    def infer(self) -> TensorType:
        """Return the type of one axis."""
        if num.high(self.length) < 0:
            raise ShapeError(f"range: expected a length of at least 0, got {self.length}")
        return TensorType("i64", (self.length,))

    def numpy(self) -> Array:
        """Apply `numpy.arange`."""
        return np.arange(num.known(self.length), dtype=np.int64)

    def onnx(self, g: Builder) -> Value:
        """Emit Range."""
        return g.range(self.length, "i64")
