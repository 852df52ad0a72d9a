"""Concatenate values along an axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op
from graphproc.ir.types import TensorType
from graphproc.ops.axes import require_axis, with_length
from graphproc.sizes.num import Num


@op("concat")
@dataclass(frozen=True, slots=True)
class Concat(Op):
    """Put the operands one after another along an axis, which counts from the end.

    Shapes:   operands of the same shape except for the axis -> the sum of their lengths there. Two
              sizes count as the same if their expressions are.
    Dtypes:   any, the same for all; unchanged.
    Rounding: none.
    Source:   numpy.concatenate.
    """

    axis: int

    def infer(self, *xs: TensorType) -> TensorType:
        """Return the type with the sum of the lengths."""
        if not xs:
            raise ShapeError("concat: expected one operand or more")
        for x in xs:
            require_axis(self, x, self.axis)
            if with_length(x, self.axis, 0) != with_length(xs[0], self.axis, 0):
                raise ShapeError(f"concat: expected operands alike but for axis {self.axis}, got {xs[0]} and {x}")
        total: Num = sum(x.shape[self.axis] for x in xs)
        return with_length(xs[0], self.axis, total)

    def numpy(self, *xs: Array) -> Array:
        """Apply `numpy.concatenate`."""
        return np.concatenate(xs, axis=self.axis)

    def onnx(self, g: Builder, *xs: Value) -> Value:
        """Emit Concat."""
        return g.Concat(*(g.cast(x, g.dtype(xs[0])) for x in xs), axis=self.axis) if len(xs) > 1 else xs[0]
