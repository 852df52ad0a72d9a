"""A function of one byte per channel, in the cheapest float32 form that gives the exact values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype, require_layout
from graphproc.ir.types import TensorType
from graphproc.ops.normalize import per_channel

_NUMPY = {"mul": np.multiply, "div": np.divide, "sub": np.subtract, "add": np.add}
_ONNX = {"mul": "Mul", "div": "Div", "sub": "Sub", "add": "Add"}


@op("byte_map")
@dataclass(frozen=True, slots=True)
class ByteMap(Op):
    """Map each byte through `forms`, float32 operations with per-channel constants, in order.

    The passes write this op in place of rescale and normalize, after trying all 256 values of every channel.

    Shapes:   (..., C, H, W) -> the same.
    Dtypes:   u8 -> f32.
    Rounding: float32 after each operation.
    Source:   the ops that it replaces.

    Attributes:
        forms: `(operation, constants)` pairs in order; operations are `mul`, `div`, `sub`, `add`; `split` multiplies by
            the sum of two constants, the first product being exact; `table` looks up 256 values.
    """

    forms: tuple[tuple[str, tuple[float, ...]], ...]

    def infer(self, x: TensorType) -> TensorType:
        """The same shape in float32."""
        require_layout(self, x, "CHW")
        require_dtype(self, x, "u8")
        return x.with_dtype("f32")

    def numpy(self, x: Array) -> Array:
        """Apply each form in float32."""
        y = x
        with np.errstate(all="ignore"):
            for form, constants in self.forms:
                if form == "table":
                    y = np.asarray(constants, dtype=np.float32)[y]
                    continue
                y = y.astype(np.float32)
                if form == "split":
                    high, low = np.asarray(constants, dtype=np.float32)
                    y = y * high + y * low
                else:
                    y = _NUMPY[form](y, per_channel(constants))
        return y.astype(np.float32)

    def onnx(self, g: Builder, x: Value) -> Value:
        """One node per form; one lookup for `portable`, whose runtimes turn division by a constant into a product."""
        if g.target == "portable":
            return self._lookup(g, x)
        for form, constants in self.forms:
            if form == "table":
                x = g.Gather(g.constant(constants, "f32"), g.cast(x, "i64"), axis=0, dtype="f32")
                continue
            x = g.cast(x, "f32")
            if form == "split":
                x = g.Add(g.Mul(x, g.constant(constants[:1], "f32")), g.Mul(x, g.constant(constants[1:], "f32")))
            else:
                x = getattr(g, _ONNX[form])(x, per_channel(constants))
        return g.cast(x, "f32")

    def _lookup(self, g: Builder, x: Value) -> Value:
        """All 256 values of every channel, one after the other, indexed by the byte plus 256 times its channel."""
        channels = g.type_of(x).channels
        table = self.numpy(np.broadcast_to(np.arange(256, dtype=np.uint8), (channels, 1, 256)))
        if not (table == table[:1]).all():
            x = g.Add(x, np.arange(0, 256 * channels, 256, dtype=np.float32).reshape(channels, 1, 1))
        index = g.cast(x, "i64")
        return g.Gather(g.constant(table.reshape(-1), "f32"), index, axis=0, dtype="f32")
