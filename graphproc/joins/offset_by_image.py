"""Indices into a list of each image, moved to index the images' lists one behind the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.join import Array, Join, Looped, Role, join
from graphproc.ir.types import TensorType
from graphproc.joins.concatenate import Concatenate

CONCATENATED = Concatenate()


@join("offset_by_image")
@dataclass(frozen=True, slots=True)
class OffsetByImage(Join):
    """Concatenates indices, each image's offset by the length of the lists before.

    The list of an image is as long as its largest index says. Negative indices mean none and stay.

    Shapes:  rows of any shape, concatenated along the first axis.
    Dtypes:  i32 or i64; unchanged.
    Example: [0, 2, 1] and [1, -1, 0] become [0, 2, 1, 4, -1, 3].
    """

    def check(self, type: TensorType, role: Role) -> None:
        """Whole numbers of images that are no samples."""
        if type.rank < 1 or type.dtype not in ("i32", "i64") or role != "images":
            raise self.refuse("i32 or i64 rows of images", type, role)

    def numpy(self, arrays: Sequence[Array]) -> Array:
        """The indices that are not negative, each image's moved."""
        starts = np.cumsum([0, *(array.max(initial=-1) + 1 for array in arrays[:-1])])
        return np.concatenate([np.where(a >= 0, a + a.dtype.type(s), a) for a, s in zip(arrays, starts, strict=True)])

    def batch(self, g: Builder, x: Value, type: TensorType, count: Value) -> Value:
        """The lists are equally long where images have one size."""
        number = g.Reshape(g.range(count, "i64"), g.vector(-1, *[1] * type.rank))
        return CONCATENATED.batch(g, offset(g, x, g.Mul(number, indexed_length(g, x))), type, count)

    def start(self, g: Builder) -> Value:
        """No list before the first image's."""
        return g.constant([0], "i64")

    def one(self, g: Builder, x: Value, index: Value, carried: Value | None) -> tuple[Value, Value]:
        """The image's indices, and how long all lists are so far."""
        end = g.Add(carried, indexed_length(g, x))
        return offset(g, x, carried), end

    def loop(self, g: Builder, found: Looped) -> Value:
        """Concatenate."""
        return CONCATENATED.loop(g, found)

    def shape(self, sizes: Sequence[int | str], names: Sequence[str], batch: int | str) -> list[int | str]:
        """That of rows."""
        return CONCATENATED.shape(sizes, names, batch)

    def split(self, array: Array, position: int) -> Array:
        """One image's indices are not moved."""
        return array


def indexed_length(g: Builder, indices: Value) -> Value:
    """Emit one more than the largest index, int64 `[1]`: the list's length. It is 0 without one."""
    last = g.Reshape(g.ReduceMax(g.cast(indices, "i64"), keepdims=0), g.vector(1))
    return g.Add(g.Max(last, g.constant([-1], "i64")), g.constant([1], "i64"))


def offset(g: Builder, indices: Value, start: Value) -> Value:
    """Emit the indices with `start` added to those that are not negative."""
    wide = g.cast(indices, "i64")
    moved = g.Where(g.Less(wide, g.constant([0], "i64")), wide, g.Add(wide, start))
    return g.cast(moved, g.dtype(indices))
