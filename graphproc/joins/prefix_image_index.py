"""Concatenate the rows of all images, each with the index of its image in front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.join import Array, Join, Looped, Role, Shape, join
from graphproc.ir.types import TensorType
from graphproc.joins.concatenate import Concatenate

CONCATENATED = Concatenate()


@join("prefix_image_index")
@dataclass(frozen=True, slots=True)
class PrefixImageIndex(Join):
    """Concatenate rows, each with the index of its image as a new first element.

    Shapes:  [rows, columns]; the result is [rows of all images, 1 + columns].
    Dtypes:  i64.
    Example: [[7, 8]] and [[5, 6], [3, 4]] become [[0, 7, 8], [1, 5, 6], [1, 3, 4]].
    """

    def check(self, type: TensorType, role: Role) -> None:
        """Take rows of int64, of images that are not grouped in samples."""
        if type.dtype != "i64" or type.rank != 2 or role != "images":
            raise self.refuse("i64 rows and columns of images", type, role)

    def numpy(self, arrays: Sequence[Array]) -> Array:
        """Add the column, then concatenate."""
        return np.concatenate([np.insert(rows, 0, index, axis=1) for index, rows in enumerate(arrays)])

    def numpy_shape(self, shapes: Sequence[Shape]) -> list[Shape] | Shape:
        """Return the shape of rows with a column more."""
        return CONCATENATED.numpy_shape([(rows, columns + 1) for rows, columns in shapes])

    def image(self, g: Builder, x: Value) -> Value:
        """Add the index 0."""
        return prefixed(g, x, g.constant([0], "i64"))

    def batch(self, g: Builder, x: Value, type: TensorType, count: Value) -> Value:
        """Add a range along the batch axis as indices."""
        x = prefixed(g, x, g.Reshape(g.range(count, "i64"), g.vector(-1, 1, 1)))
        rows, columns = type.shape
        return CONCATENATED.batch(g, x, replace(type, shape=(rows, columns + 1)), count)

    def one(self, g: Builder, x: Value, index: Value, carried: Value | None) -> tuple[Value, Value | None]:
        """Add the index of the loop."""
        return prefixed(g, x, index), carried

    def loop(self, g: Builder, found: Looped) -> Value:
        """Concatenate the sequence."""
        return CONCATENATED.loop(g, found)

    def shape(self, sizes: Sequence[int | str], names: Sequence[str], batch: int | str) -> list[int | str]:
        """Return the shape of rows with a column more."""
        rows, columns = sizes
        more = columns + 1 if isinstance(columns, int) else f"{columns}_and_1"
        return CONCATENATED.shape([rows, more], names, batch)

    def split(self, array: Array, position: int) -> Array:
        """Return the rows without their first column."""
        return array[:, 1:]


def prefixed(g: Builder, rows: Value, index: Value) -> Value:
    """Emit rows of `[..., rows, columns]` with an index in front of each."""
    column = g.Slice(rows, g.vector(0), g.vector(1), g.vector(-1))
    return g.Concat(g.Expand(index, g.Shape(column)), rows, axis=-1)
