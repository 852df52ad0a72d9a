"""Renumber the labels of a map without the background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op
from graphproc.ir.types import TensorType

BACKGROUND = 255
"""The label of pixels that belong to no class."""


@op("reduce_labels")
@dataclass(frozen=True, slots=True)
class ReduceLabels(Op):
    """Subtract 1 from each label; the background's label 0 becomes 255, and 255 stays.

    Shapes:   any; unchanged.
    Dtypes:   numbers; unchanged.
    Rounding: none for whole numbers, else the dtype's.
    Source:   transformers `reduce_label` of Beit, DPT, MobileNetV2, MobileViT and Segformer.
    """

    def infer(self, x: TensorType) -> TensorType:
        """Return the same type."""
        if x.dtype in ("bool", "i8", "u16"):  # torch subtracts nothing from these, or they do not hold 255
            raise ShapeError(f"reduce_labels: expected another type than {x.dtype} for labels. Convert the map.")
        return x

    def numpy(self, x: Array) -> Array:
        """Compare and subtract; for bools every result is 0, as numpy computes it."""
        if x.dtype == np.bool_:
            return np.zeros(x.shape, np.int64)
        if x.dtype == np.int8:
            raise ShapeError(f"reduce_labels: expected labels of a type that holds {BACKGROUND}, got int8. Convert the map.")
        less = np.where(x == 0, x.dtype.type(BACKGROUND), x) - x.dtype.type(1)
        return np.asarray(np.where(less == BACKGROUND - 1, x.dtype.type(BACKGROUND), less))

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit a table lookup for bytes, the definition for other numbers."""
        dtype = g.type_of(x).dtype
        if dtype == "u8":
            table = self.numpy(np.arange(256, dtype=np.uint8))
            return g.Gather(g.constant(table, g.pixel_dtype), g.cast(x, "i64"), axis=0, dtype=g.pixel_dtype)
        background = g.constant([BACKGROUND], dtype)
        less = g.Sub(g.Where(g.Equal(x, g.constant([0], dtype)), background, x), g.constant([1], dtype))
        return g.Where(g.Equal(less, g.constant([BACKGROUND - 1], dtype)), background, less)
