"""Place an image on a larger canvas of one value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_layout
from graphproc.ir.types import DTYPES, TensorType
from graphproc.ops.fill import surround
from graphproc.sizes import num
from graphproc.sizes.num import Num


@op("pad")
@dataclass(frozen=True, slots=True)
class Pad(Op):
    """Put the image at (`top`, `left`) of a canvas of `height` x `width` pixels.

    The rest of the canvas is `value`.

    Shapes:   (..., C, H, W) -> (..., C, height, width); the image must fit.
    Dtypes:   any; unchanged. `value` is in the input's units (0..255 before rescale): a number, or
              one for each channel.
    Rounding: none.
    Source:   numpy.pad(mode="constant"); ONNX Pad-13.
    """

    top: Num
    left: Num
    height: Num
    width: Num
    value: float | tuple[float, ...] = 0

    def infer(self, x: TensorType) -> TensorType:
        """Return the type with the canvas's sides."""
        require_layout(self, x, "CHW")
        if isinstance(self.value, tuple) and len(self.value) != x.channels:
            raise ShapeError(f"pad: expected a number, or one for each of the {x.channels} channels, got {list(self.value)}")
        self._check_held(np.dtype(DTYPES[x.dtype]), x.dtype)
        return x.with_sizes(H=self.height, W=self.width)

    def _check_held(self, dtype: np.dtype[Any], name: str) -> None:
        """Refuse a whole number that the canvas's type of whole numbers cannot hold."""
        values = self.value if isinstance(self.value, tuple) else (self.value,)
        if dtype.kind in "iu":
            held = np.iinfo(dtype)
            if beyond := [value for value in values if isinstance(value, int) and not held.min <= value <= held.max]:
                raise ShapeError(f"pad: expected values that {name} holds, got {beyond[0]!r}")

    def numpy(self, x: Array) -> Array:
        """Apply `numpy.pad` to the last two axes, for each channel if `value` has one for each."""
        top, left, height, width = (num.known(v) for v in (self.top, self.left, self.height, self.width))
        bottom, right = height - top - x.shape[-2], width - left - x.shape[-1]
        self._check_held(x.dtype, str(x.dtype))  # images may have other types than the program's
        if isinstance(self.value, tuple):
            planes = [replace(self, value=v).numpy(x[..., c : c + 1, :, :]) for c, v in enumerate(self.value)]
            return np.concatenate(planes, axis=-3)
        return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(top, bottom), (left, right)], constant_values=self.value)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit Pad, or Concat with constant bands.

        Bands are needed if the target's Pad lacks the type, or if channels have values of their
        own.
        """
        t = g.type_of(x)
        bottom, right = self.height - self.top - t.size("H"), self.width - self.left - t.size("W")
        rank = t.rank + g.leading
        return surround(g, x, rank, {rank - 2: (self.top, bottom), rank - 1: (self.left, right)}, self.value)
