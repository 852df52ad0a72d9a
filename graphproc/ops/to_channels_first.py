"""Move channels from the last axis to the place before height and width."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, KernelNode, Op, op, require_layout
from graphproc.ir.types import TensorType


@op("to_channels_first")
@dataclass(frozen=True, slots=True)
class ToChannelsFirst(Op):
    """Move the channel axis in front of height and width.

    Shapes:   (..., H, W, C) -> (..., C, H, W).
    Dtypes:   any; unchanged.
    Rounding: none.
    Source:   transformers `to_channel_dimension_format`.
    """

    def infer(self, x: TensorType) -> TensorType:
        """Return the type with the last three axes permuted."""
        require_layout(self, x, "HWC")
        *rest, h, w, c = x.shape
        return replace(x, shape=(*rest, c, h, w), layout=x.layout[:-3] + "CHW")

    def numpy(self, x: Array) -> Array:
        """Permute the axes; the result is contiguous."""
        return np.ascontiguousarray(np.moveaxis(x, -1, -3))

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit one Transpose."""
        rank = g.type_of(x).rank + g.leading
        return g.Transpose(x, perm=[*range(rank - 3), rank - 1, rank - 3, rank - 2])

    def kernel(self, x: TensorType) -> KernelNode | None:
        """Name the kernel of `rearrange` for bytes: `native/rearrangement.h` says what it reads."""
        if x.dtype != "u8":
            return None
        return KernelNode("Rearrange", (("i64", (-1, -1, -1)),), {"left": (1, 1, 1), "order": (2, 0, 1), "right": (1, 1, 1)})
