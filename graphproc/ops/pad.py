"""Placing an image on a larger canvas of one value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_layout
from graphproc.ir.types import TensorType
from graphproc.sizes import num
from graphproc.sizes.num import Num


@op("pad")
@dataclass(frozen=True, slots=True)
class Pad(Op):
    """Put the image at (`top`, `left`) of a canvas of `height` x `width` pixels filled with `value`.

    Shapes:   (..., C, H, W) -> (..., C, height, width); the image must fit.
    Dtypes:   any; unchanged. `value` is in the input's units (0..255 before rescale).
    Rounding: none.
    Source:   numpy.pad(mode="constant"); ONNX Pad-13.
    """

    top: Num
    left: Num
    height: Num
    width: Num
    value: float = 0

    def infer(self, x: TensorType) -> TensorType:
        """The canvas's sides."""
        require_layout(self, x, "CHW")
        return x.with_sizes(H=self.height, W=self.width)

    def numpy(self, x: Array) -> Array:
        """`numpy.pad` of the last two axes."""
        top, left, height, width = (num.known(v) for v in (self.top, self.left, self.height, self.width))
        bottom, right = height - top - x.shape[-2], width - left - x.shape[-1]
        return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(top, bottom), (left, right)], constant_values=self.value)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Pad, or bands of the value joined on where the target's Pad lacks the type."""
        t = g.type_of(x)
        bottom, right = self.height - self.top - t.size("H"), self.width - self.left - t.size("W")
        if g.target == "cuda" and g.dtype(x) == "u8":
            rank = t.rank + g.leading
            x = _join(g, x, rank, rank - 2, self.top, bottom, self.value)
            return _join(g, x, rank, rank - 1, self.left, right, self.value)
        lead = [0] * (t.rank + g.leading - 2)
        pads = g.vector(*lead, self.top, self.left, *lead, bottom, right)
        return g.Pad(x, pads, g.constant(self.value, g.dtype(x)))


def _join(g: Builder, x: Value, rank: int, axis: int, before: Num, after: Num, value: float) -> Value:
    """Concatenate `before` and `after` lines of the value along one axis: CUDA's Pad has no uint8."""
    shape = g.Shape(x)
    outer, inner = g.Slice(shape, g.vector(0), g.vector(axis)), g.Slice(shape, g.vector(axis + 1), g.vector(rank))
    parts = [x]
    for position, length in ((0, before), (len(parts) + 1, after)):
        if length == 0:
            continue
        size = g.Concat(outer, g.num(length), inner, axis=0)
        parts.insert(position, g.Expand(g.constant([value], g.dtype(x)), size))
    return g.Concat(*parts, axis=axis) if len(parts) > 1 else x
