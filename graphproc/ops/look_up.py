"""Map numbers to bytes by tables: renumber label values, paint classes in colours."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from graphproc.errors import ImageError, ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_layout
from graphproc.ir.types import TensorType


@op("look_up")
@dataclass(frozen=True, slots=True)
class LookUp(Op):
    """Replace each number from 0 to 255 by its entry in a table of 256 bytes.

    Every table makes one channel of the result.

    Shapes:   (..., 1, H, W) -> (..., C, H, W), where C is the number of tables.
    Dtypes:   any to u8; u8 alone in graphs.
    Rounding: none.
    Source:   numpy indexing of an array by an array.
    """

    tables: tuple[tuple[int, ...], ...]

    def infer(self, x: TensorType) -> TensorType:
        """Return the type with as many channels as there are tables."""
        require_layout(self, x, "CHW")
        if x.channels != 1:
            raise ShapeError(f"look_up: expected one channel, got {x}")
        if not self.tables or any(len(table) != 256 or not all(0 <= v <= 255 for v in table) for table in self.tables):
            raise ShapeError("look_up: expected tables of 256 bytes each, and at least one")
        return replace(x, dtype="u8", shape=(*x.shape[:-3], len(self.tables), *x.shape[-2:]))

    def numpy(self, x: Array) -> Array:
        """Look up one channel after another.

        Raises:
            ImageError: the image has a number that is not whole or not from 0 to 255.
        """
        with np.errstate(invalid="ignore"):
            index = x.astype(np.uint8)
        if x.dtype != np.uint8 and not (index == x).all():
            raise ImageError(f"map of {x.dtype}: expected whole numbers of 0 to 255 where colours are looked up, got others")
        return np.concatenate([np.array(table, dtype=np.uint8)[index] for table in self.tables], axis=-3)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit a Gather from all tables one after another.

        The index is the byte plus 256 times the channel.
        """
        index = g.cast(x, "i64")
        if len(self.tables) > 1:
            index = g.Add(index, 256 * np.arange(len(self.tables), dtype=np.int64).reshape(-1, 1, 1))
        flat = [value for table in self.tables for value in table]
        return g.Gather(g.constant(flat, g.pixel_dtype), index, axis=0, dtype=g.pixel_dtype)
