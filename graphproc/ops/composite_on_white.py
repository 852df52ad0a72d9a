"""Remove an alpha channel by compositing on opaque white."""

from __future__ import annotations

from dataclasses import dataclass

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, KernelNode, Op, op, require_dtype, require_layout
from graphproc.ir.types import TensorType
from graphproc.numerics.color import composite_on_white


@op("composite_on_white")
@dataclass(frozen=True, slots=True)
class CompositeOnWhite(Op):
    """Composite RGBA over white to RGB, as Pillow's integer `alpha_composite` does.

    Shapes:   (..., H, W, 4) -> (..., H, W, 3).
    Dtypes:   u8; unchanged.
    Rounding: with `u = color * alpha + 255 * (255 - alpha) + 128`, the result is
              `(u + (u >> 8)) >> 8`. Pillow's fixed-point form is equal to this for an opaque
              background.
    Source:   Pillow `Image.alpha_composite`; transformers `convert_to_rgb`.
    """

    def infer(self, x: TensorType) -> TensorType:
        """Return the type with three channels."""
        require_layout(self, x, "HWC")
        require_dtype(self, x, "u8")
        if x.size("C") != 4:
            raise ShapeError(f"composite_on_white: expected 4 channels, got {x}")
        return x.with_sizes(C=3)

    def numpy(self, x: Array) -> Array:
        """Apply the integer formula."""
        return composite_on_white(x)

    def kernel(self, x: TensorType) -> KernelNode:
        """Name the kernel, `native/kernels/composite_on_white.cpp`."""
        return KernelNode("CompositeOnWhite")

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit the same in float32.

        Every intermediate result is an integer below 2**24 and therefore exact.
        """
        dtype = g.dtype(x)
        color = g.cast(g.Slice(x, g.vector(0), g.vector(3), g.vector(-1)), "f32")
        alpha = g.cast(g.Slice(x, g.vector(3), g.vector(4), g.vector(-1)), "f32")
        white = g.Sub(g.constant([255 * 255 + 128], "f32"), g.Mul(alpha, g.constant([255], "f32")))
        u = g.Add(g.Mul(color, alpha), white)
        total = g.Add(u, g.Floor(g.Mul(u, g.constant([1 / 256], "f32"))))
        return g.cast(g.Floor(g.Mul(total, g.constant([1 / 256], "f32"))), dtype)
