"""Place a value on a larger canvas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_layout
from graphproc.ir.types import DTYPES, TensorType
from graphproc.ops.axes import SIDES, require_axes
from graphproc.ops.pad import mirrored
from graphproc.ops.pad.constant import emit_surrounded, require_held, surrounded
from graphproc.sizes import num
from graphproc.sizes.num import Num

Mode = Literal["constant", "edge", "reflect", "symmetric"]
MODES = ("constant", "edge", "reflect", "symmetric")


@op("pad")
@dataclass(frozen=True, slots=True)
class Pad(Op):
    """Put a value on a larger canvas, after `before` elements of some axes, which count from the end.

    `mode` says what the rest of the canvas is: `constant`, which is `value`, or elements of the
    value itself (`ops/pad/mirrored.py`).

    Shapes:   each of the axes gets its length; the value must fit, which a program requires of sizes.
    Dtypes:   any; unchanged. `value` is in the input's units (0..255 before rescale).
    Rounding: `value` to the dtype: fractions of whole numbers are cut off.
    Source:   numpy.pad and ONNX Pad-13 with these modes; ONNX has no `symmetric`.

    Attributes:
        axes: the axes; -1 is the last.
        before: for each axis, how many elements come before the value.
        lengths: for each axis, the length of the canvas.
        value: a number, or one for each channel of an image.
        mode: numpy's name of what fills the canvas.
    """

    axes: tuple[int, ...]
    before: tuple[Num, ...]
    lengths: tuple[Num, ...]
    value: float | tuple[float, ...] = 0
    mode: Mode = "constant"

    @classmethod
    def canvas(
        cls, top: Num, left: Num, height: Num, width: Num, value: float | tuple[float, ...] = 0, mode: Mode = "constant"
    ) -> Pad:
        """Return the op that puts an image at (`top`, `left`) of a canvas of `height` x `width` pixels."""
        return cls(SIDES, (top, left), (height, width), value, mode)

    @classmethod
    def end(cls, axis: int, length: Num, value: float = 0) -> Pad:
        """Return the op that adds elements of one value at the end of an axis, up to `length` elements."""
        return cls((axis,), (0,), (length,), value)

    def infer(self, x: TensorType) -> TensorType:
        """Return the type with the axes' new lengths."""
        require_axes(self, x, self.axes, self.before, self.lengths)
        if self.mode not in MODES:
            raise ShapeError(f"pad: expected the mode {', '.join(MODES)}, got {self.mode!r}")
        if isinstance(self.value, tuple):
            require_layout(self, x, "CHW")
            if len(self.value) != x.channels or -3 in self.axes:
                raise ShapeError(f"pad: expected a number, or one for each of the {x.channels} channels, got {list(self.value)}")
        require_held(self.value, np.dtype(DTYPES[x.dtype]), x.dtype)
        shape = list(x.shape)
        for axis, length in zip(self.axes, self.lengths, strict=True):
            shape[axis] = length
        return replace(x, shape=tuple(shape))

    def numpy(self, x: Array) -> Array:
        """Apply `numpy.pad`, or index axis after axis."""
        placed = [(axis, num.known(before), num.known(length)) for axis, before, length in self._placed()]
        widths = [(0, 0)] * x.ndim
        for axis, before, length in placed:
            widths[axis] = (before, length - before - x.shape[axis])
            if min(widths[axis]) < 0:
                raise ShapeError(f"pad: {x.shape[axis]} elements after {before} do not fit into {length}")
        if self.mode == "constant":
            require_held(self.value, x.dtype, str(x.dtype))  # images may have other types than the program's
            return surrounded(x, widths, self.value)
        for axis, before, length in (one for one in placed if widths[one[0]] != (0, 0)):
            x = mirrored.along(x, axis, before, length, self.mode)
        return x

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit Pad or Concat for constants, Gather for elements of the value; nothing if there is nothing to fill."""
        t = g.type_of(x)
        rank = t.rank + g.leading
        if self.mode == "constant":
            widths = {rank + axis: (before, length - before - t.shape[axis]) for axis, before, length in self._placed()}
            return emit_surrounded(g, x, rank, widths, self.value) if any(w != (0, 0) for w in widths.values()) else x
        for axis, before, length in self._placed():
            x = mirrored.emit_along(g, x, rank + axis, before, length, t.shape[axis], self.mode)
        return x

    def _placed(self) -> Iterator[tuple[int, Num, Num]]:
        """Yield each axis, and how many elements come before the value and are there in all."""
        return zip(self.axes, self.before, self.lengths, strict=True)
