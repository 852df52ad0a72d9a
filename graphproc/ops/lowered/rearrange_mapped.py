"""Rearrange bytes and map them: the lowered form of `Rearrange` and `ByteMap`."""

from __future__ import annotations

from dataclasses import dataclass, field

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, KernelNode, Op, op, require_dtype
from graphproc.ir.types import TensorType
from graphproc.ops.byte_map import ByteMap
from graphproc.ops.concat import Concat
from graphproc.ops.rearrange import Rearrange
from graphproc.ops.slice import Slice
from graphproc.sizes.num import Num


@op("rearrange_mapped")
@dataclass(frozen=True, slots=True)
class RearrangeMapped(Op):
    """Split, reorder, merge and repeat axes of bytes, as a pattern says, and map the result's bytes.

    Shapes:   as `Rearrange`.
    Dtypes:   u8 -> f32.
    Rounding: that of the map.
    Source:   `Rearrange`, then `ByteMap`.

    Attributes:
        pattern, sizes, layout: those of `Rearrange`.
        map: the map of the result's bytes; its axis is one of the result's.
    """

    pattern: str
    sizes: tuple[tuple[str, Num], ...] = ()
    layout: str = ""
    map: ByteMap = field(kw_only=True)

    @classmethod
    def of(cls, move: Rearrange, map: ByteMap) -> RearrangeMapped:
        """Return the op that computes `move`, then `map`."""
        return cls(move.pattern, move.sizes, move.layout, map=map)

    @property
    def move(self) -> Rearrange:
        """Return the rearrangement alone."""
        return Rearrange(self.pattern, self.sizes, self.layout)

    def infer(self, x: TensorType) -> TensorType:
        """Return the type with the right side's axes, in float32."""
        require_dtype(self, x, "u8")
        return self.map.infer(self.move.infer(x))

    def numpy(self, x: Array) -> Array:
        """Rearrange, then map."""
        return self.map.numpy(self.move.numpy(x))

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit the rearrangement, then the map; repeated channels are mapped once.

        Then the rearrangement is emitted without repeats, the map for one channel after another,
        and a Concat of each channel's result as often as it is repeated.
        """
        t = g.type_of(x)
        each = self.repeated_each(t)
        if each is None:
            return g.apply(self.map, self.move.onnx(g, x), self.move.infer(t))
        once = self.move.without_repeats(t)
        y, rearranged = once.onnx(g, x), once.infer(t)
        results: list[Value] = []
        for channel in range(t.channels):
            part = Slice((-1,), (channel * each,), (each,))
            type = part.infer(rearranged)
            mapped = g.apply(self.map.of_channels((channel,)), g.apply(part, y, rearranged), type)
            results += [g.with_type(mapped, type.with_dtype("f32"))] * (self.map.each // each)
        return Concat(-1).onnx(g, *results)

    def kernel(self, x: TensorType) -> KernelNode:
        """Name the kernel; `native/kernels/rearrange.cpp` says what it reads."""
        lengths, placement = self.move.placement()
        return KernelNode("RearrangeMapped", (lengths,), placement | self.map.attributes() | self.map.placement())

    def repeated_each(self, x: TensorType) -> int | None:
        """Return how many elements of a channel follow each other before they are repeated.

        None unless whole channels of an image are repeated, along the last axis.
        """
        move = self.move
        if not x.layout.endswith("CHW") or not move.repeats(x) or move.destination(x, -3) != (self.map.axis, self.map.each):
            return None
        once = move.without_repeats(x)
        place = once.destination(x, -3)
        if place is None or place[0] != -1 or not move.repeats_each(x, -3) or once.infer(x).shape[-1] != x.channels * place[1]:
            return None
        return place[1]
