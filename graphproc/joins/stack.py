"""Stack results of one shape along a new first axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.join import Array, Join, Looped, Role, Shape, join
from graphproc.ir.types import TensorType


@join("stack")
@dataclass(frozen=True, slots=True)
class Stack(Join):
    """Stack results of one shape along a new first axis.

    Shapes:  all equal; the result is [images, ...]. In Python, unequal ones are a list of arrays.
    Dtypes:  any; unchanged.
    Example: [1, 2] and [3, 4] become [[1, 2], [3, 4]].
    """

    has_image_axis = True
    collected = False

    def check(self, type: TensorType, role: Role) -> None:
        """Take any type."""

    def numpy(self, arrays: Sequence[Array]) -> list[Array]:
        """Return the arrays; an array without axes becomes a number.

        A bool becomes Python's, because conversion to tensors passes over numpy's own.
        """
        return [array.item() if array.dtype == np.bool_ and not array.ndim else array[()] for array in arrays]

    def numpy_shape(self, shapes: Sequence[Shape]) -> list[Shape]:
        """Return the shapes."""
        return list(shapes)

    def batch(self, g: Builder, x: Value, type: TensorType, count: Value) -> Value:
        """Return the value: its batch axis is the images' axis."""
        return x

    def loop(self, g: Builder, found: Looped) -> Value:
        """Return the values, which the loop has stacked."""
        return found.values

    def shape(self, sizes: Sequence[int | str], names: Sequence[str], batch: int | str) -> list[int | str]:
        """Add an axis in front."""
        return [batch, *sizes]

    def split(self, array: Array, position: int) -> Array:
        """Return the image's element of the first axis."""
        one: Array = array[position]
        return one


STACK = Stack()
"""The join of an output for which no other is given."""
