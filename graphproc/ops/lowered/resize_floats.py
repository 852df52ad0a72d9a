"""Resize floats as torch does: the lowered form of `Resample` for its float arithmetics.

It maps the bytes that it reads, in either layout, and normalizes the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Attribute, KernelNode, Op, op, require_dtype, require_layout
from graphproc.ir.types import TensorType
from graphproc.ops.byte_map import ByteMap
from graphproc.ops.cast import Cast
from graphproc.ops.normalize import Normalize
from graphproc.ops.resample.op import Resample
from graphproc.ops.resample.torch_floats import TORCH_FLOATS
from graphproc.ops.to_channels_first import ToChannelsFirst
from graphproc.sizes.num import Num


@op("resize_floats")
@dataclass(frozen=True, slots=True)
class ResizeFloats(Op):
    """Map bytes to floats, resample these to `height` x `width` pixels, and normalize the result.

    The passes make this op of a `Resample` and of its neighbours. Its rules are theirs, one after the
    other. Its kernel never holds the whole image in floats.

    Shapes:   (..., C, H, W), or (..., H, W, C) with layout "HWC" -> (..., C, height, width).
    Dtypes:   f32 or f64; unchanged. With a map, u8 -> f32.
    Rounding: the map's, then that of the arithmetic, then `Normalize`'s.
    Source:   that of the arithmetic, `graphproc.ops.resample.torch_floats`.

    Attributes:
        height, width: the result's sides, in pixels.
        filter: the function that weighs pixels, as in `Resample`.
        antialias: whether the filter grows where the image shrinks.
        arithmetic: `torch_floats` or `torch_unfused`.
        layout: the input's layout; only bytes are read in HWC.
        map: what makes floats of bytes; None if the input is floats.
        normalize: what is done with the result.
    """

    height: Num
    width: Num
    filter: str
    antialias: bool = True
    arithmetic: str = TORCH_FLOATS
    layout: str = "CHW"
    map: ByteMap | Cast | None = None
    normalize: Normalize | None = None

    def infer(self, x: TensorType) -> TensorType:
        """Return the type that the parts give, one after the other."""
        require_layout(self, x, self.layout)
        if self.map is not None or self.layout == "HWC":
            require_dtype(self, x, "u8")
        for part in self._parts():
            x = part.infer(x)
        return x

    def numpy(self, x: Array) -> Array:
        """Apply the rules of the parts."""
        for part in self._parts():
            x = part.numpy(x)
        return x

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit the rules of the parts."""
        t = g.type_of(x)
        for part in self._parts():
            x, t = g.apply(part, x, t), part.infer(t)
        return x

    def kernel(self, x: TensorType) -> KernelNode | None:
        """Name the kernel of the element type; `native/kernels/resize_floats.cpp` says what it reads."""
        vectors = (("i64", (self.height, self.width)),)
        settings: dict[str, Attribute] = {
            "filter": self.filter,
            "antialias": int(self.antialias),
            "arithmetic": self.arithmetic,
            "layout": self.layout,
        }
        if self.normalize is not None:
            constants = (self.normalize.mean, self.normalize.std)
            length = max(map(len, constants))
            mean, std = (tuple(float(v) for v in c) * (length // len(c)) for c in constants)
            settings |= {"mean": mean, "std": std}
        if self.map is not None:
            mapped = self.map if isinstance(self.map, ByteMap) else ByteMap((("mul", (1.0,)),))
            return KernelNode("ResizeMappedFloats", vectors, settings | mapped.attributes())
        return KernelNode("ResizeFloats", vectors, settings) if x.dtype == "f32" else None

    def _parts(self) -> Iterator[Op]:
        if self.layout == "HWC":
            yield ToChannelsFirst()
        if self.map is not None:
            yield self.map
        yield Resample(self.height, self.width, self.filter, self.antialias, self.arithmetic)
        if self.normalize is not None:
            yield self.normalize
