"""Sum up to each element."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype
from graphproc.ir.types import TensorType
from graphproc.ops.axes import require_axis


@op("cum_sum")
@dataclass(frozen=True, slots=True)
class CumSum(Op):
    """Return the sum of each element of the last axis and all before it.

    For bools, this is how many are true so far.

    Shapes:   at least one axis; unchanged.
    Dtypes:   bool or i64 -> i64.
    Rounding: none.
    Source:   numpy.cumsum; ONNX CumSum-14.
    """

    def infer(self, x: TensorType) -> TensorType:
        """Return the same shape in i64."""
        require_axis(self, x, -1)
        require_dtype(self, x, "bool", "i64")
        return x.with_dtype("i64")

    def numpy(self, x: Array) -> Array:
        """Apply `numpy.cumsum`."""
        return np.cumsum(x, axis=-1, dtype=np.int64)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit CumSum."""
        return g.CumSum(g.cast(x, "i64"), g.constant(-1, "i64"))
