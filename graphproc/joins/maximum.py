"""Keep the largest of the images' numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.join import Array, Join, Looped, Role, Shape, join
from graphproc.ir.types import TensorType


@join("maximum")
@dataclass(frozen=True, slots=True)
class Maximum(Join):
    """Keep the largest number of all images; of bools, whether any holds.

    Shapes:  numbers without axes; the result is one.
    Dtypes:  any; unchanged.
    Example: 3, 5 and 2 become 5.
    """

    collected = False

    def check(self, type: TensorType, role: Role) -> None:
        """Take numbers without axes."""
        if type.rank or role == "samples":
            raise self.refuse("a number for each image", type, role)

    def numpy(self, arrays: Sequence[Array]) -> Array:
        """Return the largest number."""
        return np.asarray(np.max(np.stack(arrays)))

    def numpy_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of a number."""
        return ()

    def batch(self, g: Builder, x: Value, type: TensorType, count: Value) -> Value:
        """Emit `ReduceMax`, which does not take bools before opset 20."""
        dtype = g.dtype(x)
        return g.cast(g.ReduceMax(g.cast(x, "i64" if dtype == "bool" else dtype), keepdims=0), dtype)

    def loop(self, g: Builder, found: Looped) -> Value:
        """Emit the largest of the stacked numbers."""
        return self.batch(g, found.values, found.type, found.count)

    def shape(self, sizes: Sequence[int | str], names: Sequence[str], batch: int | str) -> list[int | str]:
        """Return the shape of a number."""
        return []

    def split(self, array: Array, position: int) -> Array:
        """Return the number."""
        return array
