"""Reduce an axis to one number: its largest, its sum, the place of its largest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype
from graphproc.ir.types import TensorType
from graphproc.ops.axes import require_axis, with_length

_NUMBERS = ("f32", "f64", "i32", "i64")
KINDS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "max": ("ReduceMax", _NUMBERS),
    "min": ("ReduceMin", _NUMBERS),
    "sum": ("ReduceSum", _NUMBERS),
    "count": ("ReduceSum", ("bool",)),
    "argmax": ("ArgMax", ("f32",)),
}
"""For each kind: ONNX's operator, and the element types that it takes."""


@op("reduce")
@dataclass(frozen=True, slots=True)
class Reduce(Op):
    """Compute one number for each line along an axis, which counts from the end.

    It is the `max`, `min`, `sum`, `count` (how many are true) or `argmax`.

    Shapes:   the axis is removed, or has one element with `keep`.
    Dtypes:   those that `KINDS` lists; unchanged, except that `count` and `argmax` give i64.
    Rounding: none, except for `sum` of floats, which depends on the runtime's order: results differ
              by at most 1e-6, relative to the sum of magnitudes. Of equal largest elements,
              `argmax` gives the first.
    Source:   numpy's functions; ONNX ReduceMax, ReduceMin, ReduceSum, ArgMax-13.

    Attributes:
        kind: a key of `KINDS`.
        axis: the axis.
        keep: whether the axis stays, with one element.
    """

    kind: str
    axis: int = -1
    keep: bool = False

    def infer(self, x: TensorType) -> TensorType:
        """Return the type without the axis, or with one element there."""
        if self.kind not in KINDS:
            raise ShapeError(f"reduce: expected one of {', '.join(KINDS)}, got {self.kind!r}")
        require_axis(self, x, self.axis)
        require_dtype(self, x, *KINDS[self.kind][1])
        dtype = "i64" if self.kind in ("count", "argmax") else x.dtype
        if self.keep:
            return with_length(x, self.axis, 1).with_dtype(dtype)
        at = x.rank + self.axis
        layout = x.layout[:at] + x.layout[at + 1 :]
        return replace(x, dtype=dtype, shape=x.shape[:at] + x.shape[at + 1 :], layout=layout)

    def numpy(self, x: Array) -> Array:
        """Apply numpy's function."""
        settings: dict[str, Any] = {"axis": self.axis, "keepdims": self.keep}
        if self.kind == "count":
            return np.asarray(np.sum(x, dtype=np.int64, **settings))
        if self.kind == "sum":
            return np.asarray(np.sum(x, dtype=x.dtype, **settings))
        function: Any = {"max": np.max, "min": np.min, "argmax": np.argmax}[self.kind]
        return np.asarray(function(x, **settings))

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit the operator; its axis is an input or an attribute."""
        emit, keep = getattr(g, KINDS[self.kind][0]), int(self.keep)
        if self.kind == "argmax":
            return emit(x, axis=self.axis, keepdims=keep)
        if self.kind == "count":
            x = g.cast(x, "i64")
        if g.opset >= 18 or self.kind in ("sum", "count"):
            return emit(x, g.vector(self.axis), keepdims=keep)
        return emit(x, axes=[self.axis], keepdims=keep)
