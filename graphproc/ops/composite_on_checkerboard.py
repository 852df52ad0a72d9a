"""Remove an alpha channel by compositing on a checkerboard."""

from __future__ import annotations

from dataclasses import dataclass

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype, require_layout
from graphproc.ir.types import TensorType
from graphproc.numerics.color import composite_on_checkerboard
from graphproc.sizes.num import Num


@op("composite_on_checkerboard")
@dataclass(frozen=True, slots=True)
class CompositeOnCheckerboard(Op):
    """Composite RGBA over squares of 8 x 8 pixels to RGB.

    The squares alternate between 204 and 153; the first one is 204.

    Shapes:   (..., H, W, 4) -> (..., H, W, 3).
    Dtypes:   u8; unchanged.
    Rounding: `(color * alpha + background * (255 - alpha) + 127) // 255` in integers.
    Source:   transformers `Inkling2ImageProcessor.convert_to_rgb`.
    """

    def infer(self, x: TensorType) -> TensorType:
        """Return the type with three channels."""
        require_layout(self, x, "HWC")
        require_dtype(self, x, "u8")
        if x.size("C") != 4:
            raise ShapeError(f"composite_on_checkerboard: expected 4 channels, got {x}")
        return x.with_sizes(C=3)

    def numpy(self, x: Array) -> Array:
        """Apply the integer formula."""
        return composite_on_checkerboard(x)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit the same in float32.

        Sums are integers below 2**24. A quotient by 255 that is not whole is at least 1/255 below
        the next integer, so that its floor is exact.
        """
        t, dtype = g.type_of(x), g.dtype(x)
        color = g.cast(g.Slice(x, g.vector(0), g.vector(3), g.vector(-1)), "f32")
        alpha = g.cast(g.Slice(x, g.vector(3), g.vector(4), g.vector(-1)), "f32")
        squares = g.Add(_squares(g, t.size("H"), 1, 2), _squares(g, t.size("W"), 0, 2))
        half = g.Mul(squares, g.constant([0.5], "f32"))
        dark = g.Sub(half, g.Floor(half))  # 0 or 1/2
        background = g.Sub(g.constant([204], "f32"), g.Mul(dark, g.constant([102], "f32")))
        rest = g.Sub(g.constant([255], "f32"), alpha)
        total = g.Add(g.Add(g.Mul(color, alpha), g.Mul(background, rest)), g.constant([127], "f32"))
        return g.cast(g.Floor(g.Div(total, g.constant([255], "f32"))), dtype)


def _squares(g: Builder, side: Num, *axes: int) -> Value:
    """Return the number of the square that each line along a side lies in.

    Axes of one element are inserted at `axes`.
    """
    return g.Unsqueeze(g.Floor(g.Mul(g.range(side, "f32"), g.constant([1 / 8], "f32"))), g.vector(*axes))
