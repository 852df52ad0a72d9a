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
    """Map each byte through `head`, then through float32 operations with per-channel constants.

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
        """One node per form."""
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
