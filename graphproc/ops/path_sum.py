"""Sum along the paths of a forest, such as numbers that count on from an earlier one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype
from graphproc.ir.types import TensorType
from graphproc.ops.gather import Gather

_DOUBLINGS = 16


@op("path_sum")
@dataclass(frozen=True, slots=True)
class PathSum(Op):
    """Add up the elements on the path from each element to its root.

    These are the element itself, its parent, its parent's parent, and so on. Every parent comes
    before its child. A root, such as the first element, is its own parent.

    Shapes:   (..., n) and (..., n) -> (..., n), with n at most 2**16.
    Dtypes:   i64 and i64, places in the last axis -> i64.
    Rounding: none.
    Source:   `y[k] = x[k] + (y[parent[k]] if parent[k] < k else 0)`.
    """

    def infer(self, x: TensorType, parents: TensorType) -> TensorType:
        """Return the same type."""
        for operand in (x, parents):
            require_dtype(self, operand, "i64")
        if x.rank != 1 or x.shape != parents.shape:
            raise ShapeError(f"path_sum: expected a parent for each element of one axis, got {x} and {parents}")
        if isinstance(x.shape[0], int) and x.shape[0] > 2**_DOUBLINGS:
            raise ShapeError(f"path_sum: expected at most {2**_DOUBLINGS} elements, got {x}")
        return x

    def numpy(self, x: Array, parents: Array) -> Array:
        """Add element by element, parents first."""
        sums = x.copy()
        for k in range(x.shape[-1]):
            parent = parents[..., k]
            before = np.take_along_axis(sums, parent[..., None], axis=-1)[..., 0]
            sums[..., k] += np.where(parent < k, before, 0)
        return sums

    def onnx(self, g: Builder, x: Value, parents: Value) -> Value:
        """Emit steps that each double the part of the path that is summed.

        Roots count as 0 until all paths have ended there.
        """
        (size,) = g.type_of(x).shape
        doublings = (size - 1).bit_length() if isinstance(size, int) else _DOUBLINGS
        positions = g.range(size, "i64")
        sums, to = g.Where(g.Equal(parents, positions), g.constant([0], "i64"), x), parents
        for _ in range(doublings):
            sums = g.Add(sums, _at(g, sums, to))
            to = _at(g, to, to)
        return g.Add(sums, _at(g, x, to))


def _at(g: Builder, x: Value, places: Value) -> Value:
    """Emit the elements at places of the last axis."""
    return Gather().onnx(g, x, places)
