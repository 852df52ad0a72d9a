"""Turn an image by quarter turns, if a condition on its size holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_layout
from graphproc.ir.types import TensorType
from graphproc.sizes import num
from graphproc.sizes.num import Bool

_BEFORE_THE_FIRST = -(2**63)  # the end of a slice backwards over a whole axis


@op("rotate")
@dataclass(frozen=True, slots=True)
class Rotate(Op):
    """Turn the image counterclockwise by `turns` quarter turns if `when` holds.

    Shapes:   (..., H, W) -> (..., W, H) if it is turned by an odd number of quarters.
    Dtypes:   any; unchanged.
    Rounding: none.
    Source:   numpy.rot90(axes=(-2, -1)).
    """

    when: Bool
    turns: int

    def infer(self, x: TensorType) -> TensorType:
        """Return the type with the sides swapped where the image is turned to its side."""
        require_layout(self, x, "HW")
        if self.turns % 2 == 0:
            return x
        height, width = x.size("H"), x.size("W")
        return x.with_sizes(H=num.where(self.when, width, height), W=num.where(self.when, height, width))

    def numpy(self, x: Array) -> Array:
        """Apply `numpy.rot90`."""
        return np.rot90(x, self.turns, axes=(-2, -1)) if self.when else x

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit a backward Slice and a Transpose, in a branch of If."""
        rank = g.type_of(x).rank + g.leading
        turns = self.turns % 4
        if not turns:
            return x

        def turned() -> Value:
            if turns == 2:
                return _backwards(g, x, -2, -1)
            swapped = g.Transpose(_backwards(g, x, -1) if turns == 1 else x, perm=[*range(rank - 2), rank - 1, rank - 2])
            return _backwards(g, swapped, -1) if turns == 3 else swapped

        return g.cond(self.when, turned, lambda: x, names=("turned", "kept"))


def _backwards(g: Builder, x: Value, *axes: int) -> Value:
    """Emit the elements of some axes in reverse order."""
    step = g.vector(*[-1] * len(axes))
    return g.Slice(x, step, g.vector(*[_BEFORE_THE_FIRST] * len(axes)), g.vector(*axes), step)
