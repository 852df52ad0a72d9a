"""Turn scores of one axis into shares of 1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype
from graphproc.ir.types import TensorType
from graphproc.ops.axes import require_axis


@op("softmax")
@dataclass(frozen=True, slots=True)
class Softmax(Op):
    """Compute `exp(x - max) / sum(exp(x - max))` along one axis, which counts from the end.

    Shapes:   any; unchanged.
    Dtypes:   f32; unchanged.
    Rounding: float32. Each runtime has its own exponentials and order of the sum, so the last
              places differ: relative differences are at most 1e-6.
    Source:   `torch.softmax`; ONNX Softmax-13.
    """

    axis: int = -1

    def infer(self, x: TensorType) -> TensorType:
        """Return the same type."""
        require_axis(self, x, self.axis)
        require_dtype(self, x, "f32")
        return x

    def numpy(self, x: Array) -> Array:
        """Follow the definition."""
        shares = np.exp(x - x.max(axis=self.axis, keepdims=True))
        return np.asarray(shares / shares.sum(axis=self.axis, keepdims=True))

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit Softmax."""
        return g.Softmax(x, axis=self.axis)
