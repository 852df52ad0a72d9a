"""Move the rows that are kept to the front."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype
from graphproc.ir.types import DTYPES, TensorType
from graphproc.ops.gather import Gather


@op("compress")
@dataclass(frozen=True, slots=True)
class Compress(Op):
    """Return the rows that are kept, in their order, then rows of `pad_value` for the others.

    Shapes:   (..., n, *rest) and (..., n) -> the first.
    Dtypes:   f32, i64 or i32, and bool; the first is unchanged.
    Rounding: none.
    Source:   numpy.compress and ONNX Compress-11 along the first axis, but with a size that does not
              depend on the values.
    """

    pad_value: float = 0

    def infer(self, x: TensorType, kept: TensorType) -> TensorType:
        """Return the first operand's type."""
        require_dtype(self, x, "f32", "i64", "i32")
        require_dtype(self, kept, "bool")
        if kept.rank != 1 or x.shape[:1] != kept.shape:
            raise ShapeError(f"compress: expected one bool for each row, got {kept} for {x}")
        return x

    def numpy(self, x: Array, kept: Array) -> Array:
        """Sort the rows by a stable sort, those that are kept first."""
        rest = x.ndim - kept.ndim
        order = np.argsort(~kept, axis=-1, kind="stable")
        x = Gather(-1 - rest).numpy(x, order)
        counts = np.take_along_axis(kept, order, axis=-1)
        return np.where(counts.reshape(*counts.shape, *[1] * rest), x, np.asarray(self.pad_value, dtype=x.dtype))

    def onnx(self, g: Builder, x: Value, kept: Value) -> Value:
        """Emit the same sort as a TopK of ones and zeros.

        Of equal elements, TopK puts the first one first.
        """
        rest = g.type_of(x).rank - 1
        flags, order = g.TopK(g.cast(kept, "f32"), g.Shape(kept, start=-1), axis=-1, outputs=2)
        dtype = g.dtype(x)
        rows = Gather(-1 - rest).onnx(g, x, order)
        counts = g.cast(flags, "bool")
        if rest:
            counts = g.Unsqueeze(counts, g.vector(*range(-rest, 0)))
        return g.Where(counts, rows, g.constant(np.asarray([self.pad_value], dtype=DTYPES[dtype]), dtype))
