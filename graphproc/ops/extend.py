"""Extend one axis to a length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op
from graphproc.ir.types import TensorType
from graphproc.ops.axes import require_axis, with_length
from graphproc.ops.fill import require_fits, surround
from graphproc.sizes import num
from graphproc.sizes.num import Num


@op("extend")
@dataclass(frozen=True, slots=True)
class Extend(Op):
    """Add elements with one value at the end of an axis, so that it has `length` elements.

    The axis counts from the end.

    Shapes:   the axis gets `length` elements; it must not have more.
    Dtypes:   any that holds `value`; unchanged.
    Rounding: none.
    Source:   numpy.pad(mode="constant"); ONNX Pad-13.
    """

    axis: int
    length: Num
    value: float = 0

    def infer(self, x: TensorType) -> TensorType:
        """Return the type with the axis's new length."""
        require_axis(self, x, self.axis)
        require_fits(self, self.value, x.dtype)
        if num.low(x.shape[self.axis]) > num.high(self.length):
            raise ShapeError(f"extend: axis {self.axis} of {x} is already longer than {self.length}")
        return with_length(x, self.axis, self.length)

    def numpy(self, x: Array) -> Array:
        """Apply `numpy.pad` to the axis."""
        missing = num.known(self.length) - x.shape[self.axis]
        if missing < 0:
            raise ShapeError(f"extend: an axis of {x.shape[self.axis]} is already longer than {self.length}")
        widths = [(0, 0)] * x.ndim
        widths[self.axis] = (0, missing)
        return np.pad(x, widths, constant_values=self.value)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit Pad, or Concat with constant elements if the target's Pad lacks the type."""
        t = g.type_of(x)
        missing = self.length - t.shape[self.axis]
        rank = t.rank + g.leading
        return x if missing == 0 else surround(g, x, rank, {rank + self.axis: (0, missing)}, self.value)
