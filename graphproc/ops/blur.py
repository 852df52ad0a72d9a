"""Blur floats by a Gaussian as wide as the image's size asks for."""

from __future__ import annotations

from dataclasses import dataclass

from graphproc.errors import EmitError, ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype, require_layout
from graphproc.ir.types import TensorType
from graphproc.ops.resample.both_axes import along_both
from graphproc.ops.resample.gaussian import blurred, emit_blur
from graphproc.sizes import num
from graphproc.sizes.num import Num


@op("blur")
@dataclass(frozen=True, slots=True)
class Blur(Op):
    """Average the pixels up to a radius away, weighted by a Gaussian, columns first.

    Outside, the image is mirrored at the centres of its outermost pixels.

    Shapes:   (..., C, H, W) -> the same.
    Dtypes:   f32 or f64, in graphs f32; unchanged.
    Rounding: weights and sums in float64, the pixels' type after each of the two axes.
    Source:   `torchvision.transforms.v2.functional.gaussian_blur`. It multiplies both axes' weights in
              the pixels' type, and its sums are a convolution's: for f32 within 1e-6 of the largest
              value.

    Attributes:
        sigmas: the standard deviations along the height and along the width, in pixels, at least
            0.11.
        radii: how many pixels the blur reaches along each, at most 8 standard deviations; 0 for no
            blur.
    """

    sigmas: tuple[Num, ...]
    radii: tuple[Num, ...]

    def infer(self, x: TensorType) -> TensorType:
        """Return the type unchanged."""
        require_layout(self, x, "CHW")
        require_dtype(self, x, "f32", "f64")
        if len(self.sigmas) != 2 or len(self.radii) != 2:
            raise ShapeError(f"blur: expected a sigma and a radius for each of two axes, got {self.sigmas} and {self.radii}")
        return x

    def numpy(self, x: Array) -> Array:
        """Blur along one axis, then along the other."""
        for axis, sigma, radius in zip((-2, -1), self.sigmas, self.radii, strict=True):
            x = blurred(x, axis, float(num.evaluate(sigma, {})), num.known(radius), x.dtype.type)
        return x

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit a scan along each axis that is blurred.

        Raises:
            EmitError: the pixels are f64.
        """
        t = g.type_of(x)
        if t.dtype != "f32":
            raise EmitError(f"blur: expected pixels of f32 in a graph, got {t}. Use the engine 'numpy'.")
        sizes = t.size("H"), t.size("W")

        def blur(rows: Value, axis: str) -> Value:
            at = "HW".index(axis)
            return emit_blur(g, rows, sizes[at], self.sigmas[at], self.radii[at])

        return along_both(g, x, sizes, blur, ("H", "W"))
