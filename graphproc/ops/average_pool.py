"""Shrink by whole factors: compute the mean of each cell of pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype, require_layout
from graphproc.ir.types import TensorType
from graphproc.sizes import num
from graphproc.sizes.num import Num

_BITS = 24


@op("average_pool")
@dataclass(frozen=True, slots=True)
class AveragePool(Op):
    """Compute the mean of each cell of `vertical` x `horizontal` pixels.

    Cells at the bottom and right edges may be smaller.

    Shapes:   (..., C, H, W) -> (..., C, ceil(H / vertical), ceil(W / horizontal)).
    Dtypes:   u8; unchanged.
    Rounding: `((sum + n // 2) * floor(2**24 / n)) >> 24` for a cell of n pixels, with the quotient
              in float32.
    Source:   Pillow `Image.reduce`, which `Image.resize` calls if a `reducing_gap` is given; ONNX
              AveragePool-19 with `ceil_mode` means the same, but for the rounding.

    Attributes:
        vertical, horizontal: rows and columns of a cell, at least 1.
    """

    vertical: Num
    horizontal: Num

    def infer(self, x: TensorType) -> TensorType:
        """Return the type with one row and column for each cell, partial ones included."""
        require_layout(self, x, "CHW")
        require_dtype(self, x, "u8")
        for factor in (self.vertical, self.horizontal):
            if num.high(factor) < 1:
                raise ShapeError(f"average_pool: expected factors of at least 1, got {self.vertical} x {self.horizontal}")
        return x.with_sizes(H=_cells(x.size("H"), self.vertical), W=_cells(x.size("W"), self.horizontal))

    def numpy(self, x: Array) -> Array:
        """Sum integers, then take the fixed-point quotient."""
        sums, count = x.astype(np.int64), np.int64(1)
        for axis, factor in ((-2, num.known(self.vertical)), (-1, num.known(self.horizontal))):
            starts = np.arange(0, x.shape[axis], factor)
            sums = np.add.reduceat(sums, starts, axis=axis)
            lengths = np.minimum(starts + factor, x.shape[axis]) - starts
            count = count * (lengths[:, None] if axis == -2 else lengths)
        multiplier = (np.float32(1 << _BITS) / count.astype(np.float32)).astype(np.int64)
        return ((sums + count // 2) * multiplier >> _BITS).astype(np.uint8)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit differences of cumulative sums, which are integers below 2**53."""
        t = g.type_of(x)
        rank = t.rank + g.leading
        dtype = "f64" if g.target != "portable" else "i64"
        total = g.cast(x, dtype)
        height, rows = _sums_along(g, total, rank - 2, t.size("H"), self.vertical)
        total, columns = _sums_along(g, height, rank - 1, t.size("W"), self.horizontal)
        count = g.Mul(g.Unsqueeze(rows, g.vector(1)), columns)
        # Cast rounds toward zero, which is down for these positive numbers.
        multiplier = g.cast(g.Div(g.constant([1 << _BITS], "f32"), g.cast(count, "f32")), "i64")
        total = g.Add(g.cast(total, "i64"), g.Div(count, g.constant([2], "i64")))
        return g.cast(g.Div(g.Mul(total, multiplier), g.constant([1 << _BITS], "i64")), g.pixel_dtype)


def _cells(side: Num, factor: Num) -> Num:
    return (side + (factor - 1)) // factor


def _sums_along(g: Builder, x: Value, axis: int, side: Num, factor: Num) -> tuple[Value, Value]:
    """Emit each cell's sum along one axis, and the cells' lengths, int64.

    Nothing is added if a cell is one pixel.
    """
    if factor == 1:
        return x, g.constant([1], "i64")
    starts = g.Mul(g.range(_cells(side, factor), "i64"), g.num(factor))
    ends = g.Min(g.Add(starts, g.num(factor)), g.num(side))
    sums = g.CumSum(x, g.constant(axis, "i64"))
    one = g.constant([1], "i64")
    upper = g.Gather(sums, g.Sub(ends, one), axis=axis)
    # The sum before a cell: the cumulative sum at its first pixel, less that pixel.
    lower = g.Sub(g.Gather(sums, starts, axis=axis), g.Gather(x, starts, axis=axis))
    return g.Sub(upper, lower), g.Sub(ends, starts)
