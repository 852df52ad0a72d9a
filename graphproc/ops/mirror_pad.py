"""Place an image on a larger canvas that its own pixels fill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_layout
from graphproc.ir.types import TensorType
from graphproc.sizes import num
from graphproc.sizes.num import Num

Mode = Literal["symmetric", "reflect", "edge"]


@op("mirror_pad")
@dataclass(frozen=True, slots=True)
class MirrorPad(Op):
    """Put the image at (`top`, `left`) of a canvas of `height` x `width` pixels.

    Around it, it is mirrored, or its edge continues. `symmetric` repeats the pixels at the edge
    (..., b, a, a, b, ...). `reflect` does not (..., b, a, b, ...). `edge` repeats only these pixels
    (..., a, a, a, b, ...). A canvas several times as large as the image is mirrored back and forth.

    Shapes:   (..., H, W) -> (..., height, width); the image must fit.
    Dtypes:   any; unchanged.
    Rounding: none.
    Source:   numpy.pad(mode="symmetric" | "reflect" | "edge").
    """

    top: Num
    left: Num
    height: Num
    width: Num
    mode: Mode

    def infer(self, x: TensorType) -> TensorType:
        """Return the type with the canvas's sides."""
        require_layout(self, x, "HW")
        if self.mode not in ("symmetric", "reflect", "edge"):
            raise ShapeError(f"mirror_pad: expected the mode symmetric, reflect or edge, got {self.mode!r}")
        return x.with_sizes(H=self.height, W=self.width)

    def numpy(self, x: Array) -> Array:
        """Index the last two axes."""
        rows = self._sources(self.top, self.height, x.shape[-2])
        columns = self._sources(self.left, self.width, x.shape[-1])
        return x[..., rows[:, None], columns]

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit a Gather of each border and a Concat, rows first.

        Gather goes element by element, so it reads as few as possible.
        """
        t = g.type_of(x)
        for axis, before, length in ((-2, self.top, self.height), (-1, self.left, self.width)):
            size, at = t.shape[axis], t.rank + g.leading + axis

            borders = [(before, before), (-size, length - before - size)]
            first, last = ([g.Gather(x, self._emit_sources(g, b, n, size), axis=at)] if n != 0 else [] for b, n in borders)
            x = g.Concat(*first, x, *last, axis=at) if first or last else x
        return x

    def _sources(self, before: Num, length: Num, size: int) -> Array:
        """Return which pixel of an axis each of `length` pixels shows.

        The first of them lies `before` pixels in front of the image.
        """
        offsets = np.arange(num.known(length)) - num.known(before)
        if self.mode == "edge":
            return np.clip(offsets, 0, size - 1)
        period = num.known(self._period(size))
        offsets %= period
        return np.minimum(offsets, period - int(self.mode == "symmetric") - offsets)

    def _emit_sources(self, g: Builder, before: Num, length: Num, size: Num) -> Value:
        if isinstance(before, int) and isinstance(length, int) and isinstance(size, int):
            return g.constant(self._sources(before, length, size), "i64")
        offsets = g.range(length, "i64")
        if before != 0:
            offsets = g.Sub(offsets, g.num(before))
        if self.mode == "edge":
            return g.Min(g.Max(offsets, g.constant([0], "i64")), g.num(size - 1))
        period = self._period(size)
        offsets = g.Mod(offsets, g.num(period))
        return g.Min(offsets, g.Sub(g.num(period - int(self.mode == "symmetric")), offsets))

    def _period(self, size: Num) -> Num:
        """Return after how many pixels the canvas repeats.

        An image of one pixel cannot be mirrored without its edge, so it repeats that pixel.
        """
        return 2 * size if self.mode == "symmetric" else num.maximum(2 * size - 2, 1)
