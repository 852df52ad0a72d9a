"""Reorder or repeat channels: RGB to BGR, gray to RGB."""

from __future__ import annotations

from dataclasses import dataclass

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_layout
from graphproc.ir.types import TensorType


@op("select_channels")
@dataclass(frozen=True, slots=True)
class SelectChannels(Op):
    """Make channel `i` of the result of channel `order[i]` of the input.

    Example:  (2, 1, 0) swaps RGB and BGR, (0, 0, 0) repeats gray.

    Shapes:   (..., C, H, W) -> (..., len(order), H, W).
    Dtypes:   any; unchanged.
    Rounding: none.
    Source:   transformers `image_transforms.flip_channel_order`; ONNX Gather-13.
    """

    order: tuple[int, ...]

    def infer(self, x: TensorType) -> TensorType:
        """Return the type with as many channels as `order` has entries."""
        require_layout(self, x, "CHW")
        channels = x.size("C")
        if isinstance(channels, int) and not all(0 <= i < channels for i in self.order):
            raise ShapeError(f"select_channels: order {self.order} names a channel that {x} does not have")
        return x.with_sizes(C=len(self.order))

    def numpy(self, x: Array) -> Array:
        """Index the channel axis."""
        return x[..., list(self.order), :, :]

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit a Gather of whole channels."""
        return g.Gather(x, g.constant(self.order, "i64"), axis=g.type_of(x).rank + g.leading - 3)
