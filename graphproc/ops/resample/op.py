"""Define the op that resamples an image."""

from __future__ import annotations

from dataclasses import dataclass

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, KernelNode, Op, op, require_layout
from graphproc.ir.types import TensorType
from graphproc.numerics.filters import PILLOW
from graphproc.ops.resample.registry import ARITHMETICS
from graphproc.sizes.num import Num

FURTHER = ("extent", "keeps_size", "weights")
"""The fields that only some arithmetics use."""


@op("resample")
@dataclass(frozen=True, slots=True)
class Resample(Op):
    """Resample to `height` x `width` pixels, e.g. `Resample(224, 224, "bicubic")` as Pillow does.

    Shapes:   (..., C, H, W) -> (..., C, height, width).
    Dtypes:   those of the arithmetic; unchanged.
    Rounding: the arithmetic's.
    Source:   the arithmetic's; each has a file beside this one.

    Attributes:
        height, width: the result's sides, in pixels.
        filter: the function that weighs the pixels around each place, e.g. `nearest`, `bilinear`,
            `bicubic`, `lanczos`.
        antialias: whether the filter grows where the image shrinks, so that every input pixel
            counts.
        arithmetic: which rules and rounding it follows: a name in
            `graphproc.ops.resample.registry`.
        extent: (height, width) of the part of the input, from its top left corner, that is
            resampled, in pixels and fractions of pixels, e.g. (10.5, 20.0); empty for all of it.
            This is Pillow's `box`, rounded to float32 as in Pillow.
        keeps_size: whether an image that already has the size is left as it is. This matters for
            values that are not bytes.
        weights: the element type that weights are rounded to. `f16` and `bf16` are not available in
            graphs. `f32` is for narrower pixels that are converted to f32 first, as in torchvision.
            Empty for the type of the pixels.
    """

    height: Num
    width: Num
    filter: str
    antialias: bool = True
    arithmetic: str = PILLOW
    extent: tuple[Num, ...] = ()
    keeps_size: bool = False
    weights: str = ""

    def infer(self, x: TensorType) -> TensorType:
        """Return the type with the result's sides."""
        require_layout(self, x, "CHW")
        if self.arithmetic not in ARITHMETICS:
            raise ShapeError(f"resample: expected an arithmetic of {list(ARITHMETICS)}, got {self.arithmetic!r}")
        rules = ARITHMETICS[self.arithmetic]
        if rules.dtypes and x.dtype not in rules.dtypes:
            wanted = " or ".join(rules.dtypes)
            raise ShapeError(f"resample: {rules.name} takes pixels of {wanted}, got {x}. Convert the value first.")
        if self.filter not in rules.filters(self.antialias):
            raise ShapeError(
                f"resample: {rules.name} has the filters {list(rules.antialiased)} with antialiasing and {list(rules.plain)} "
                f"without, got {self.filter!r} {'with' if self.antialias else 'without'}. Choose one of these."
            )
        for side in (self.height, self.width):
            if isinstance(side, int) and side < 1:
                raise ShapeError(f"resample: expected sides of at least 1 pixel, got {self.height} x {self.width}")
        for name, value in self.shown_fields():
            if name in FURTHER and name not in rules.settings:
                raise ShapeError(f"resample: {rules.name} has no setting {name!r}, got {value}. Leave it out.")
        rules.check(self, x)
        return x.with_sizes(H=self.height, W=self.width)

    def numpy(self, x: Array) -> Array:
        """Apply the arithmetic's rule."""
        return ARITHMETICS[self.arithmetic].numpy(self, x)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit the arithmetic's rule."""
        return ARITHMETICS[self.arithmetic].onnx(self, g, x)

    def kernel(self, x: TensorType) -> KernelNode | None:
        """Name the kernel of the lowered op, if there is one."""
        lowered = self.lowered()
        return None if lowered is None else lowered.kernel(x)

    def lowered(self) -> Op | None:
        """Return the lowered op that computes the same; None if the arithmetic has none."""
        return ARITHMETICS[self.arithmetic].lowered(self)
