"""Resample bytes as Pillow does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op
from graphproc.ir.types import TensorType
from graphproc.numerics.filters import ANTIALIASED, NEAREST, PILLOW
from graphproc.ops.lowered.resize import Resize
from graphproc.ops.resample.arithmetic import Arithmetic

if TYPE_CHECKING:
    from graphproc.ops.resample.op import Resample


class Pillow(Arithmetic):
    """Apply Pillow's filters, each stretched when the image shrinks; `nearest` picks pixels.

    Rounding: weights of 22 bits; bytes after each of the two axis steps. Their order
              depends on the sizes, as in Pillow 13.
    Source:   Pillow `Image.resize`; written out in `graphproc.numerics.filters`.
    """

    name = PILLOW
    antialiased = ANTIALIASED[PILLOW]
    plain = (NEAREST,)
    dtypes = ("u8",)
    settings = ("extent", "keeps_size")

    def check(self, op: Resample, x: TensorType) -> None:
        """Refuse an extent for the filter `nearest`, which is not compiled."""
        if op.extent and op.filter == NEAREST:
            raise ShapeError("resample: an extent has no meaning for the filter 'nearest'")

    def numpy(self, op: Resample, x: Array) -> Array:
        """Apply the lowered op's rule."""
        return self.lowered(op).numpy(x)

    def onnx(self, op: Resample, g: Builder, x: Value) -> Value:
        """Emit the lowered op's rule."""
        return self.lowered(op).onnx(g, x)

    def lowered(self, op: Resample) -> Op:
        """Return the resize of the whole image."""
        return Resize(op.height, op.width, op.filter, PILLOW, extent=op.extent)
