"""Resize bytes in integer arithmetic: the lowered form of `Resample`.

It reads either layout, computes only a window of the result, maps the result's bytes, and puts it on a
canvas.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Attribute, KernelNode, Op, op, require_dtype, require_layout
from graphproc.ir.types import TensorType
from graphproc.numerics.filters import ANTIALIASED, NEAREST, PILLOW
from graphproc.ops.byte_map import ByteMap
from graphproc.ops.pad.op import Pad
from graphproc.ops.resize.bands import Axis
from graphproc.ops.resize.emit import Resizing, emit_resize
from graphproc.ops.resize.order import vertical_first
from graphproc.ops.resize.reference import resize
from graphproc.sizes import num
from graphproc.sizes.num import Num


@op("resize")
@dataclass(frozen=True, slots=True)
class Resize(Op):
    """Resample to `height` x `width` pixels, keep a window of the result, and map its bytes.

    The passes make this op of a `Resample` and of the layout change, crop, byte map and pad next to it.

    Shapes:   (..., C, H, W), or (..., H, W, C) with layout "HWC" -> (..., C, height, width) or
              (..., C, *window sides), or with a pad (..., C, *its lengths).
    Dtypes:   u8; unchanged, or f32 with a map.
    Rounding: integer weights; uint8 after each of the two axis steps. `arithmetic` decides how many
              bits the weights have, and which axis comes first. Then the map's rounding.
    Source:   that of the arithmetic, `graphproc.ops.resample.pillow` or `torch_bytes`.

    Attributes:
        height, width: the whole result's sides, in pixels.
        filter: `lanczos`, `bilinear` or `bicubic`; for Pillow also `nearest`, `box` and `hamming`.
        arithmetic: `pillow` or `torch_bytes`.
        window: (top, left, height, width) of the part that is kept; pixels outside it are not
            computed.
        layout: the input's layout; reading HWC avoids a transpose of the whole image.
        extent: (height, width) of the part of the input that is resized, as in `Resample`.
        map: the map of the result's bytes, applied strip by strip while they are in the cache.
        pad: what puts the result on a larger canvas of one value, behind the map.
    """

    height: Num
    width: Num
    filter: str
    arithmetic: str = PILLOW
    window: tuple[Num, ...] = ()
    layout: str = "CHW"
    extent: tuple[Num, ...] = ()
    map: ByteMap | None = None
    pad: Pad | None = None

    def infer(self, x: TensorType) -> TensorType:
        """Return the type, channels first, with the sides of the result or its window."""
        require_layout(self, x, self.layout)
        require_dtype(self, x, "u8")
        nearest = self.filter == NEAREST and self.arithmetic == PILLOW and not self.extent
        if not nearest and self.filter not in ANTIALIASED.get(self.arithmetic, ()):
            what = f"the filter {self.filter!r} of the arithmetic {self.arithmetic!r}"
            raise ShapeError(f"resize: {what}{' with an extent' if self.extent else ''} is not known. Write `resample` instead.")
        for side in (self.height, self.width):
            if isinstance(side, int) and side < 1:
                raise ShapeError(f"resize: expected sides of at least 1 pixel, got {self.height} x {self.width}")
        height, width = self.window[2:] if self.window else (self.height, self.width)
        shape = (*x.shape[:-3], x.size("C"), height, width)
        result = replace(x, shape=shape, layout=x.layout[:-3] + "CHW")
        result = result if self.map is None else self.map.infer(result)
        return result if self.pad is None else self.pad.infer(result)

    def numpy(self, x: Array) -> Array:
        """Compute both axis steps in integer arithmetic, cut the window, apply the map and pad."""
        if self.layout == "HWC":
            x = np.moveaxis(x, -1, -3)
        height, width = num.known(self.height), num.known(self.width)
        first = bool(vertical_first(x.shape[-2], x.shape[-1], height, width, self.arithmetic))
        extent = tuple(float(v) for v in self.extent)  # type: ignore[arg-type]
        y = resize(x, height, width, self.filter, first, extent, self.arithmetic)
        if self.window:
            top, left, height, width = (num.known(v) for v in self.window)
            y = y[..., top : top + height, left : left + width]
        y = y if self.map is None else self.map.numpy(y)
        return y if self.pad is None else self.pad.numpy(y)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit banded matrix products over the needed region; see `graphproc.ops.resize.emit`.

        A resize that is not the first one often gets an image that already has its size. So the
        graph compares the sizes and then skips the resize. The first resize, which reads the image
        channels last, rarely gets such an image, so its graph does not compare.
        """
        t = g.type_of(x)
        if self.pad is not None:
            unpadded = replace(self, pad=None)
            return g.apply(self.pad, g.apply(unpadded, x, t), unpadded.infer(t))
        same = num.both(num.eq(t.size("H"), self.height), num.eq(t.size("W"), self.width))
        if self.layout == "HWC" or self.extent or isinstance(same, bool):
            return self._resampled(g, x, t, self.map)

        def kept() -> Value:
            if not self.window:
                return x
            top, left, height, width = self.window
            return g.Slice(x, g.vector(top, left), g.vector(top + height, left + width), g.vector(-2, -1))

        y = g.cond(same, kept, lambda: self._resampled(g, x, t, None), names=("same_size", "resampled"))
        return y if self.map is None else self.map.apply(g, y)

    def kernel(self, x: TensorType) -> KernelNode:
        """Name the kernel of the element type; `native/kernels/resize.cpp` says what it reads."""
        sizes = (self.height, self.width, *(self.window or (0, 0, self.height, self.width)))
        settings: dict[str, Attribute] = {"filter": self.filter, "arithmetic": self.arithmetic, "layout": self.layout}
        if self.pad is not None:
            sizes += (*self.pad.lengths, *self.pad.before)
            value = self.pad.value
            settings["fill"] = tuple(map(float, value if isinstance(value, tuple) else (value,)))
        vectors = (("i64", sizes), ("f64", self.extent))
        if self.map is None:
            return KernelNode("Resize", vectors, settings)
        return KernelNode("ResizeMapped", vectors, settings | self.map.attributes())

    def _resampled(self, g: Builder, x: Value, t: TensorType, map: ByteMap | None) -> Value:
        if self.layout == "CHW":
            rank = t.rank + g.leading
            x = g.Transpose(x, perm=[*range(rank - 3), rank - 2, rank - 1, rank - 3])
        height, width = t.size("H"), t.size("W")
        first = vertical_first(height, width, self.height, self.width, self.arithmetic)
        top, left, rows, columns = self.window or (0, 0, self.height, self.width)
        whole = num.assume_at_least(self.height, 1), num.assume_at_least(self.width, 1)
        count = num.assume_at_least(rows, 1), num.assume_at_least(columns, 1)
        covered = self.extent or (None, None)
        axes = Axis(height, whole[0], top, count[0], covered[0]), Axis(width, whole[1], left, count[1], covered[1])
        resizing = Resizing(num.known(t.size("C")), axes, self.filter, self.arithmetic, first, map)
        return emit_resize(g, x, t.rank - 3 + g.leading, resizing)
