"""One of two values, by a condition on sizes."""

from __future__ import annotations

from dataclasses import dataclass, replace

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op
from graphproc.ir.types import TensorType
from graphproc.sizes import num
from graphproc.sizes.num import Bool


@op("select")
@dataclass(frozen=True, slots=True)
class Select(Op):
    """The first operand where `when` holds, else the second; both are computed.

    Shapes:   two values of the same rank and layout, of any sizes -> the chosen one's sizes.
    Dtypes:   any, the same for both; unchanged.
    Rounding: none.
    Source:   Python's conditional expression.
    """

    when: Bool

    def infer(self, x: TensorType, y: TensorType) -> TensorType:
        """The chosen operand's sizes."""
        if (x.dtype, x.layout, x.rank) != (y.dtype, y.layout, y.rank):
            raise ShapeError(f"select: expected operands of the same type but for their sizes, got {x} and {y}")
        return replace(x, shape=tuple(num.where(self.when, a, b) for a, b in zip(x.shape, y.shape, strict=True)))

    def numpy(self, x: Array, y: Array) -> Array:
        """A conditional expression."""
        return x if self.when else y

    def onnx(self, g: Builder, x: Value, y: Value) -> Value:
        """If, whose branches pass on a value from outside."""
        dtype = g.dtype(x)
        return g.cond(self.when, lambda: x, lambda: g.cast(y, dtype), names=("first", "second"))
