"""Cut out a window."""

from __future__ import annotations

from dataclasses import dataclass

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_layout
from graphproc.ir.types import TensorType
from graphproc.ops.axes import known_stretch, require_inside
from graphproc.sizes.num import Num


@op("crop")
@dataclass(frozen=True, slots=True)
class Crop(Op):
    """Return the `height` x `width` pixels from (`top`, `left`) on.

    All of them lie inside the image.

    Shapes:   (..., H, W) -> (..., height, width).
    Dtypes:   any; unchanged.
    Rounding: none.
    Source:   numpy slices; ONNX Slice-13.
    """

    top: Num
    left: Num
    height: Num
    width: Num

    def infer(self, x: TensorType) -> TensorType:
        """Return the type with the window's sides."""
        require_layout(self, x, "HW")
        require_inside(self, self.top, self.height, x.size("H"))
        require_inside(self, self.left, self.width, x.size("W"))
        return x.with_sizes(H=self.height, W=self.width)

    def numpy(self, x: Array) -> Array:
        """Slice the last two axes."""
        rows = known_stretch(self, self.top, self.height, x.shape[-2])
        columns = known_stretch(self, self.left, self.width, x.shape[-1])
        return x[..., rows, columns]

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit Slice."""
        ends = g.vector(self.top + self.height, self.left + self.width)
        return g.Slice(x, g.vector(self.top, self.left), ends, g.vector(-2, -1))
