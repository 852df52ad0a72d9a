"""Cut a range of elements out of one axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op
from graphproc.ir.types import TensorType
from graphproc.ops.axes import known_stretch, require_axis, require_inside, with_length
from graphproc.sizes.num import Num


@op("take")
@dataclass(frozen=True, slots=True)
class Take(Op):
    """Return the `length` elements from `start` on of one axis, which counts from the end.

    All of these elements must exist.

    Shapes:   the axis gets `length` elements.
    Dtypes:   any; unchanged.
    Rounding: none.
    Source:   numpy slices; ONNX Slice-13.
    """

    axis: int
    start: Num
    length: Num

    def infer(self, x: TensorType) -> TensorType:
        """Return the type with the axis's new length."""
        require_axis(self, x, self.axis)
        require_inside(self, self.start, self.length, x.shape[self.axis])
        return with_length(x, self.axis, self.length)

    def numpy(self, x: Array) -> Array:
        """Slice the axis."""
        stretch = known_stretch(self, self.start, self.length, x.shape[self.axis])
        index: tuple[Any, ...] = (..., stretch, *[slice(None)] * (-self.axis - 1))
        return np.asarray(x[index])

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit Slice."""
        return g.Slice(x, g.vector(self.start), g.vector(self.start + self.length), g.vector(self.axis))
