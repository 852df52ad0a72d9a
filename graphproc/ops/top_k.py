"""Find the largest elements of the last axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype
from graphproc.ir.types import TensorType
from graphproc.ops.axes import with_length
from graphproc.sizes import num
from graphproc.sizes.num import Num


@op("top_k")
@dataclass(frozen=True, slots=True)
class TopK(Op):
    """Return the places of the `count` largest elements of the last axis, largest first.

    Of equal elements the first comes first.

    Shapes:   (..., n) -> (..., count), with count at most n.
    Dtypes:   f32 -> i64.
    Rounding: none. In the numpy reference, NaN is larger than all numbers, as in torch; runtimes
              may differ.
    Source:   ONNX TopK-11; `torch.topk(sorted=True)`, which leaves the order of equal elements
              open.
    """

    count: Num

    def infer(self, x: TensorType) -> TensorType:
        """Return the type with `count` places."""
        require_dtype(self, x, "f32")
        size = x.shape[-1]
        if num.high(self.count) < 0 or (isinstance(size, int) and num.low(self.count) > size):
            raise ShapeError(f"top_k: expected a count of at most {size}, got {self.count}")
        return with_length(x, -1, self.count).with_dtype("i64")

    def numpy(self, x: Array) -> Array:
        """Sort the negated elements by a stable sort."""
        order = np.argsort(-x, axis=-1, kind="stable")
        if np.isnan(x).any():
            order = np.lexsort((-x, ~np.isnan(x)), axis=-1)
        return np.asarray(order[..., : num.known(self.count)], dtype=np.int64)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit TopK, which puts the lower index first if elements are equal."""
        _, places = g.TopK(x, g.vector(self.count), axis=-1, outputs=2)
        return places
