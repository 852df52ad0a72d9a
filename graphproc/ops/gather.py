"""Gather rows of a value from places that another value holds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype
from graphproc.ir.types import TensorType
from graphproc.ops.axes import require_axis


@op("gather")
@dataclass(frozen=True, slots=True)
class Gather(Op):
    """Return the rows of `axis`, which counts from the end, at given places, in their order.

    Shapes:   (..., n, *rest) and (..., k) -> (..., k, *rest): every image has places of its own.
    Dtypes:   any, and i64; the first is unchanged.
    Rounding: none.
    Source:   numpy.take_along_axis; ONNX GatherElements-13.
    """

    axis: int = -1

    def infer(self, x: TensorType, places: TensorType) -> TensorType:
        """Return the type with as many rows as places."""
        require_axis(self, x, self.axis)
        require_dtype(self, places, "i64")
        if x.rank != -self.axis or places.rank != 1:
            raise ShapeError(
                f"gather: expected places [k] in the first axis of each image, got {places} in axis {self.axis} of {x}"
            )
        shape = list(x.shape)
        shape[self.axis] = places.shape[-1]
        return replace(x, shape=tuple(shape))

    def numpy(self, x: Array, places: Array) -> Array:
        """Apply `numpy.take_along_axis`, with the places repeated over the rest of a row."""
        places = places.reshape(*places.shape, *[1] * (-self.axis - 1))
        return np.take_along_axis(x, places, axis=self.axis)

    def onnx(self, g: Builder, x: Value, places: Value) -> Value:
        """Emit Gather for one image.

        For a batch, emit GatherElements, with the places repeated over the rest of a row.
        """
        if not g.leading:
            return g.Gather(x, places, axis=self.axis)
        if self.axis != -1:
            rest = -self.axis - 1
            places = g.Unsqueeze(places, g.vector(*range(-rest, 0)))
            places = g.Expand(places, g.Concat(g.vector(*[1] * (g.leading + 1)), g.Shape(x, start=-rest), axis=0))
        return g.GatherElements(x, places, axis=self.axis)
