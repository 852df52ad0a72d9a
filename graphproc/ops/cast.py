"""Change the element type."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype
from graphproc.ir.types import DTYPES, FLOATS, TensorType

TRUNCATED, ROUNDED = "toward zero", "to nearest byte"
WHOLE = ("i8", "u16", "i16", "i32", "i64")
"""The types that floats can be truncated to."""


@op("cast")
@dataclass(frozen=True, slots=True)
class Cast(Op):
    """Convert values to another element type, e.g. `Cast("f32")`.

    From floats to whole numbers, `rounding` must say how to round.

    Shapes:   any; unchanged.
    Dtypes:   any -> `dtype`, except floats to ints. Ints that do not fit lose their high bits;
              every number but 0 becomes true. Floats become ints with the rounding "toward zero";
              the result of a float that does not fit is undefined. f32 becomes u8 with "to nearest
              byte": 0 for numbers below the bytes and 255 for numbers above them.
    Rounding: to the nearest, ties to even, from i32, i64 and f64 to f32, from i64 to f64, and to
              f16. Else as `rounding` says; "to nearest byte" rounds ties to even.
    Source:   numpy.ndarray.astype; `image.round().clamp(0, 255).to(torch.uint8)`; ONNX Cast-13,
              Round-11.

    Attributes:
        dtype: the result's element type.
        rounding: how floats become whole numbers: `toward zero` or `to nearest byte`.
    """

    dtype: str
    rounding: str = ""

    def infer(self, x: TensorType) -> TensorType:
        """Return the same shape in the new type."""
        if self.rounding == TRUNCATED:
            require_dtype(self, x, *FLOATS)
            if self.dtype not in WHOLE:
                raise ShapeError(f"cast: expected one of {', '.join(WHOLE)} toward zero, got {self.dtype!r}")
        elif self.rounding == ROUNDED:
            require_dtype(self, x, "f32")
            if self.dtype != "u8":
                raise ShapeError(f"cast: expected u8 for the nearest byte, got {self.dtype!r}")
        elif self.rounding:
            raise ShapeError(f"cast: expected a rounding {TRUNCATED!r} or {ROUNDED!r}, got {self.rounding!r}")
        elif self.dtype in DTYPES and x.dtype in FLOATS and self.dtype not in (*FLOATS, "bool"):
            raise ShapeError(f"cast: expected ints or bools for {self.dtype}, got {x}. Say how to round: {TRUNCATED!r}, ...")
        return x.with_dtype(self.dtype)

    def numpy(self, x: Array) -> Array:
        """Convert with `astype`, to the nearest byte after `numpy.rint` and a clip."""
        return (np.clip(np.rint(x), 0, 255) if self.rounding == ROUNDED else x).astype(DTYPES[self.dtype])

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit Cast.

        If the target holds bytes as floats, the low byte of a number is its remainder by 256.
        """
        if self.rounding == TRUNCATED:
            return g.cast(x, self.dtype)
        if self.rounding == ROUNDED:
            return g.cast(g.Clip(g.Round(x), g.constant(0, "f32"), g.constant(255, "f32")), g.pixel_dtype)
        have = g.type_of(x).dtype
        if have == self.dtype:
            return x
        dtype = g.pixel_dtype if self.dtype == "u8" else self.dtype
        y = x
        if self.dtype == "u8" and dtype != "u8" and have != "bool":
            y = g.Mod(x, g.constant([256], have))
        y = g.cast(y, dtype)
        return g.Identity(y) if y is x else y  # each graph value has one IR type, so the result is another value
