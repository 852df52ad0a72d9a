"""Concatenate indices into the images' lists, so that they index the concatenated lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.join import Array, Join, Looped, Role, Shape, join
from graphproc.ir.types import TensorType
from graphproc.joins.concatenate import Concatenate

CONCATENATED = Concatenate()


@join("offset_by_image")
@dataclass(frozen=True, slots=True)
class OffsetByImage(Join):
    """Concatenate indices, each image's offset by the length of the lists before.

    The list of an image is as long as its largest index says. Negative indices mean none and stay.

    Shapes:  rows of any shape, concatenated along the first axis.
    Dtypes:  i32 or i64; unchanged.
    Example: [0, 2, 1] and [1, -1, 0] become [0, 2, 1, 4, -1, 3].
    """

    def check(self, type: TensorType, role: Role) -> None:
        """Take whole numbers of images that are not grouped in samples."""
        if type.rank < 1 or type.dtype not in ("i32", "i64") or role != "images":
            raise self.refuse("i32 or i64 rows of images", type, role)

    def numpy(self, arrays: Sequence[Array]) -> Array:
        """Add to each image's indices the length of the lists before; leave negative ones."""
        starts = np.cumsum([0, *(array.max(initial=-1) + 1 for array in arrays[:-1])])
        return np.concatenate([np.where(a >= 0, a + a.dtype.type(s), a) for a, s in zip(arrays, starts, strict=True)])

    def numpy_shape(self, shapes: Sequence[Shape]) -> list[Shape] | Shape:
        """Return the shape of concatenated rows."""
        return CONCATENATED.numpy_shape(shapes)

    def batch(self, g: Builder, x: Value, type: TensorType, count: Value) -> Value:
        """Offset by multiples of one length: the lists of images of one size are equally long."""
        number = g.Reshape(g.range(count, "i64"), g.vector(-1, *[1] * type.rank))
        return CONCATENATED.batch(g, offset(g, x, g.Mul(number, indexed_length(g, x))), type, count)

    def start(self, g: Builder) -> Value:
        """Return 0, the length of the lists before the first image."""
        return g.constant([0], "i64")

    def one(self, g: Builder, x: Value, index: Value, carried: Value | None) -> tuple[Value, Value]:
        """Return the image's indices with their offset, and the length of all lists so far."""
        end = g.Add(carried, indexed_length(g, x))
        return offset(g, x, carried), end

    def loop(self, g: Builder, found: Looped) -> Value:
        """Concatenate the sequence."""
        return CONCATENATED.loop(g, found)

    def shape(self, sizes: Sequence[int | str], names: Sequence[str], batch: int | str) -> list[int | str]:
        """Return the shape of concatenated rows."""
        return CONCATENATED.shape(sizes, names, batch)

    def split(self, array: Array, position: int) -> Array:
        """Return the array: one image's indices have no offset."""
        return array


def indexed_length(g: Builder, indices: Value) -> Value:
    """Emit the length of the list that is indexed, int64 [1]: one more than the largest index.

    It is 0 if there is no index.
    """
    last = g.Reshape(g.ReduceMax(g.cast(indices, "i64"), keepdims=0), g.vector(1))
    return g.Add(g.Max(last, g.constant([-1], "i64")), g.constant([1], "i64"))


def offset(g: Builder, indices: Value, start: Value) -> Value:
    """Emit the indices with `start` added to those that are not negative."""
    wide = g.cast(indices, "i64")
    moved = g.Where(g.Less(wide, g.constant([0], "i64")), wide, g.Add(wide, start))
    return g.cast(moved, g.dtype(indices))
