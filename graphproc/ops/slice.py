"""Cut a range of elements out of one axis or several: windows of images, rows of tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op
from graphproc.ir.types import TensorType
from graphproc.ops.axes import SIDES, known_stretch, require_axes, require_inside
from graphproc.sizes.num import Num


@op("slice")
@dataclass(frozen=True, slots=True)
class Slice(Op):
    """Return the `lengths` elements from `starts` on of some axes, which count from the end.

    All of these elements must exist.

    Shapes:   each of the axes gets its length.
    Dtypes:   any; unchanged.
    Rounding: none.
    Source:   numpy slices; ONNX Slice-13.

    Attributes:
        axes: the axes; -1 is the last.
        starts: for each axis, the first element that is kept.
        lengths: for each axis, how many elements are kept.
    """

    axes: tuple[int, ...]
    starts: tuple[Num, ...]
    lengths: tuple[Num, ...]

    @classmethod
    def window(cls, top: Num, left: Num, height: Num, width: Num) -> Slice:
        """Return the op that cuts out the `height` x `width` pixels from (`top`, `left`) on."""
        return cls(SIDES, (top, left), (height, width))

    def infer(self, x: TensorType) -> TensorType:
        """Return the type with the axes' new lengths."""
        require_axes(self, x, self.axes, self.starts, self.lengths)
        shape = list(x.shape)
        for axis, start, length in zip(self.axes, self.starts, self.lengths, strict=True):
            require_inside(self, start, length, shape[axis])
            shape[axis] = length
        return replace(x, shape=tuple(shape))

    def numpy(self, x: Array) -> Array:
        """Slice the axes."""
        index: list[Any] = [slice(None)] * x.ndim
        for axis, start, length in zip(self.axes, self.starts, self.lengths, strict=True):
            index[axis] = known_stretch(self, start, length, x.shape[axis])
        return np.asarray(x[tuple(index)])

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit Slice."""
        ends = g.vector(*(start + length for start, length in zip(self.starts, self.lengths, strict=True)))
        return g.Slice(x, g.vector(*self.starts), ends, g.vector(*self.axes))
