"""Concatenate results along an axis that they have."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.join import Array, Join, Looped, Role, Shape, join
from graphproc.ir.types import TensorType
from graphproc.joins.pad import in_corner, pad_end
from graphproc.sizes import num
from graphproc.sizes.num import Num


@join("concatenate")
@dataclass(frozen=True, slots=True)
class Concatenate(Join):
    """Concatenate results along their first or last axis, such as the tiles of all images.

    Shapes:  equal along the other axes, or with `fill` padded to the largest length of each. In
             Python, results that differ along the other axes become a list of their rows.
    Dtypes:  any; unchanged.
    Example: [[1, 2]] and [[3, 4], [5, 6]] become [[1, 2], [3, 4], [5, 6]].

    Attributes:
        axis: 0 or -1.
        fill: what the other axes are padded with, at their ends; None where they are equally long.
    """

    axis: int = 0
    fill: float | None = None

    @property
    def pads(self) -> bool:
        """Return whether there is a `fill`."""
        return self.fill is not None

    @property
    def contiguous(self) -> bool:
        """Return whether the axis is the first."""
        return self.axis == 0

    def check(self, type: TensorType, role: Role) -> None:
        """Take types with an axis; with `fill`, only the first axis."""
        axes = "0 with fill" if self.pads else "0 or -1"
        if type.rank < 1 or self.axis not in ((0,) if self.pads else (0, -1)):
            raise self.refuse(f"an axis to concatenate along, {axes}, not {self.axis}", type, role)

    def numpy(self, arrays: Sequence[Array]) -> list[Array] | Array:
        """Concatenate arrays, padded if there is a `fill`."""
        if self.fill is not None:
            largest = np.max([array.shape[1:] for array in arrays], axis=0).tolist()
            return np.concatenate([in_corner(array, [len(array), *largest], self.fill) for array in arrays])
        if self.axis == 0 and len({array.shape[1:] for array in arrays}) > 1:
            return [row for array in arrays for row in array]
        return np.concatenate(arrays, axis=self.axis)

    def numpy_shape(self, shapes: Sequence[Shape]) -> list[Shape] | Shape:
        """Add the lengths along the axis; return the shapes of the rows where other axes differ."""
        total = reduce(operator.add, (shape[self.axis] for shape in shapes))
        if self.fill is not None:
            return total, *(reduce(num.maximum, lengths) for lengths in zip(*(shape[1:] for shape in shapes), strict=True))
        if self.axis == 0 and any(shape[1:] != shapes[0][1:] for shape in shapes):
            return [shape[1:] for shape in shapes for _ in range(num.known(shape[0]))]
        return (*shapes[0][:-1], total) if self.axis else (total, *shapes[0][1:])

    def batch(self, g: Builder, x: Value, type: TensorType, count: Value) -> Value:
        """Move the batch axis in front of the axis, and merge the two."""
        sizes = type.shape
        if self.axis == -1:
            whole = g.vector(*sizes[:-1], g.Mul(count, g.num(sizes[-1])))
            perm = [*range(1, type.rank), 0, type.rank]
            return g.hoist(x, lambda part, width: g.Reshape(g.Transpose(part, perm=perm), whole, allowzero=1), merged=-1)
        allowzero = 1 if num.low(sizes[0]) < 1 else None  # else a length of 0 would stand for the batch's
        rows = g.Mul(count, g.num(sizes[0]))

        def merge(part: Value, width: Num | None) -> Value:
            lengths = sizes[1:] if width is None else (*sizes[1:-1], width)
            return g.Reshape(part, g.vector(rows, *lengths), allowzero=allowzero)

        return g.hoist(x, merge, merged=-type.rank)

    def loop(self, g: Builder, found: Looped) -> Value:
        """Concatenate the sequence; with `fill`, pad each result in a second loop first."""
        values = found.values if self.fill is None else self._padded(g, found)
        return g.ConcatFromSequence(values, axis=self.axis)

    def _padded(self, g: Builder, found: Looped) -> Value:
        """Return the sequence with each result padded at the ends of all axes but the first."""
        rank = found.type.rank
        wanted = g.Slice(found.largest, g.vector(1), g.vector(rank))

        def body(index: Value, padded: Value) -> tuple[Sequence[Value], Sequence[Value]]:
            x = g.SequenceAt(found.values, index)
            missing = g.Sub(wanted, g.Shape(x, start=1))
            assert self.fill is not None
            return [g.SequenceInsert(padded, pad_end(g, x, g.vector(*[0] * (rank + 1), missing), self.fill))], []

        with g.scope(found.name):
            (values,), _ = g.loop(found.count, [g.sequence(g.dtype(found.values))], body, "pad")
        return values

    def shape(self, sizes: Sequence[int | str], names: Sequence[str], batch: int | str) -> list[int | str]:
        """Give the axis a name, unless its length is known for all images together."""
        dims = list(sizes)
        length = sizes[self.axis]
        if batch != 1:
            dims[self.axis] = batch * length if isinstance(batch, int) and isinstance(length, int) else names[self.axis]
        return dims

    def split(self, array: Array, position: int) -> Array:
        """Return the array: it is all of one image."""
        return array
