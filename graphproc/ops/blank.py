"""Replace an image by a black one if it has no pixels to show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op
from graphproc.ir.types import TensorType
from graphproc.sizes.num import Bool


@op("blank")
@dataclass(frozen=True, slots=True)
class Blank(Op):
    """Return zeros if `when` holds, else the value itself.

    Shapes:   any; unchanged.
    Dtypes:   any number; unchanged.
    Rounding: none.
    Source:   Pillow `Image.resize` of an image with a side of 0 pixels, which gives a black image.
    """

    when: Bool

    def infer(self, x: TensorType) -> TensorType:
        """Return the type unchanged."""
        return x

    def numpy(self, x: Array) -> Array:
        """Return zeros or the value."""
        return np.zeros_like(x) if self.when else x

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit Where on the condition; if it is known to hold, Mul by zero."""
        if isinstance(self.when, bool):
            return g.Mul(x, g.constant([0], g.dtype(x))) if self.when else x
        return g.Where(g.num(self.when), g.constant([0], g.dtype(x)), x)
