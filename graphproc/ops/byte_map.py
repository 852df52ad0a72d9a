"""Apply a function of one byte to each channel, in cheap float32 operations with exact values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Attribute, KernelNode, Op, op, require_dtype
from graphproc.ir.types import TensorType
from graphproc.ops.axes import require_axis

_NUMPY = {"mul": np.multiply, "div": np.divide, "sub": np.subtract, "add": np.add}
_ONNX = {"mul": "Mul", "div": "Div", "sub": "Sub", "add": "Add"}


@op("byte_map")
@dataclass(frozen=True, slots=True)
class ByteMap(Op):
    """Map each byte through `operations`: float32 operations with constants for each channel, in order.

    The passes write this op in place of rescale and normalize, after trying all 256 values of every
    channel.

    Shapes:   any; unchanged. If channels differ, the axis that holds them has `each` elements of
              the first channel, then `each` of the next, and so on; the whole may repeat.
    Dtypes:   u8 -> f32.
    Rounding: float32 after each operation.
    Source:   the ops that it replaces.

    Attributes:
        operations: `(operation, constants)` pairs in order. `mul`, `div`, `sub` and `add` take a
            constant for each channel, or one for all channels. `split` multiplies by the sum of two
            constants; the first product is exact. `table` looks up one of 256 values.
        axis: the axis of the channels, counted from the end. Images have it at -3; patches have
            channels among their features.
        each: how many elements of one channel follow each other on that axis.
    """

    operations: tuple[tuple[str, tuple[float, ...]], ...]
    axis: int = -3
    each: int = 1

    @property
    def channels(self) -> int:
        """Return how many channels have constants of their own; 1 if all have the same."""
        return max((len(c) for operation, c in self.operations if operation in _NUMPY and len(set(c)) > 1), default=1)

    def infer(self, x: TensorType) -> TensorType:
        """Return the same shape in float32."""
        require_dtype(self, x, "u8")
        if (channels := self.channels) > 1:
            require_axis(self, x, self.axis)
            length = x.shape[self.axis]
            if not isinstance(length, int) or length % (channels * self.each):
                raise ShapeError(f"byte_map: expected {channels} channels of {self.each} on axis {self.axis}, got {x}")
        return x.with_dtype("f32")

    def _constants(self, values: tuple[float, ...], length: int) -> Array:
        """Return constants of an operation in float32, shaped to broadcast.

        If all are equal, one element is enough.
        """
        array = np.asarray(values, dtype=np.float32)
        return array[:1] if (array == array[0]).all() else self.spread(array, length)

    def spread(self, values: Array, length: int) -> Array:
        """Return a number for each channel as one for each of the `length` elements of the channels' axis, to broadcast."""
        array = np.tile(values.repeat(self.each), length // (len(values) * self.each))
        return array.reshape(-1, *[1] * (-self.axis - 1))

    def table(self) -> Array:
        """Return all values of the map, float32 [channels, 256]."""
        bytes_ = np.broadcast_to(np.arange(256, dtype=np.uint8), (self.channels, 1, 256))
        return replace(self, axis=-3, each=1).numpy(bytes_).reshape(self.channels, 256)

    def numpy(self, x: Array) -> Array:
        """Apply each operation in float32."""
        y = x
        length = x.shape[self.axis] if self.channels > 1 else 1
        with np.errstate(all="ignore"):
            for operation, constants in self.operations:
                if operation == "table":
                    y = np.asarray(constants, dtype=np.float32)[y]
                    continue
                y = y.astype(np.float32)
                if operation == "split":
                    high, low = np.asarray(constants, dtype=np.float32)
                    y = y * high + y * low
                else:
                    y = _NUMPY[operation](y, self._constants(constants, length))
        return y.astype(np.float32)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Emit one node for each operation, or one lookup for `portable`.

        Runtimes that `portable` serves turn division by a constant into a product.
        """
        length = g.type_of(x).shape[self.axis] if self.channels > 1 else 1
        assert isinstance(length, int)
        return self._lookup(g, x, length) if g.target == "portable" else self._mapped(g, x, length, None)

    def apply(self, g: Builder, x: Value) -> Value:
        """Emit the map of images `[..., channels, height, width]` that are no step's operand.

        `portable` holds their bytes as float32.
        """
        return self._lookup(g, x, self.channels) if g.target == "portable" else self._mapped(g, x, self.channels, None)

    def _mapped(self, g: Builder, x: Value, length: int, own: Sequence[Value] | None) -> Value:
        """Emit the operations in order.

        If `own` is given, an operation with constants that differ by channel takes its next value instead
        of all channels' constants.
        """
        others = iter(own or ())
        for operation, constants in self.operations:
            if operation == "table":
                x = g.Gather(g.constant(constants, "f32"), g.cast(x, "i64"), axis=0, dtype="f32")
                continue
            x = g.cast(x, "f32")
            if operation == "split":
                x = g.Add(g.Mul(x, g.constant(constants[:1], "f32")), g.Mul(x, g.constant(constants[1:], "f32")))
            else:
                differ = own is not None and len(set(constants)) > 1
                x = getattr(g, _ONNX[operation])(x, next(others) if differ else self._constants(constants, length))
        return g.cast(x, "f32")

    def attributes(self) -> dict[str, Attribute]:
        """Return the map as attributes of a kernel (`native/byte_map.h`).

        These are the operations' names with commas between, how many constants each has, and all
        constants one after another. Constants that are the same for all channels are one.
        """
        constants = [c[:1] if name in _NUMPY and len(set(c)) == 1 else c for name, c in self.operations]
        return {
            "operations": ",".join(name for name, _ in self.operations),
            "counts": tuple(map(len, constants)),
            "constants": tuple(float(c) for own in constants for c in own),
        }

    def kernel(self, x: TensorType) -> KernelNode | None:
        """Name the kernel, if there is anything to compute; `native/kernels/byte_map.cpp` says what it reads."""
        return None if not self.operations else KernelNode("ByteMap", (), self.attributes() | self.placement())

    def placement(self) -> dict[str, Attribute]:
        """Return where the channels are as attributes of a kernel (`native/byte_map.h`)."""
        return {"axis": self.axis, "each": self.each}

    def of_channels(self, channels: Sequence[int]) -> ByteMap:
        """Return the map with the constants of some channels, in their order."""
        alike = ("split", "table")
        operations = tuple(
            (name, constants if len(constants) == 1 or name in alike else tuple(constants[i] for i in channels))
            for name, constants in self.operations
        )
        return replace(self, operations=operations)

    def parts(self) -> tuple[ByteMap | None, ByteMap]:
        """Split the map in two: all but its last operation, and the last one.

        The first part is None if there is only one operation.
        """
        *first, last = self.operations
        return (replace(self, operations=tuple(first)) if first else None), replace(self, operations=(last,))

    def of_planes(self, g: Builder) -> tuple[list[Value], Callable[..., Value]]:
        """Prepare the map for one channel after another.

        Returns:
            The constants that differ by channel, each float32 `[channels, 1]`, and a function that
            emits the map of one plane (one channel). It gets the plane, and for each of these
            constants the element of the plane's channel.
        """
        differing = [c for operation, c in self.operations if operation in _NUMPY and len(set(c)) > 1]
        return [g.constant(np.reshape(c, (-1, 1)), "f32") for c in differing], lambda x, *own: self._mapped(g, x, 1, own)

    def _lookup(self, g: Builder, x: Value, length: int) -> Value:
        """Emit a lookup in a table with all 256 values of one channel after another.

        The index is the byte plus 256 times its channel.
        """
        channels = self.channels
        if channels > 1:
            x = g.Add(x, self._constants(tuple(range(0, 256 * channels, 256)), length))
        index = g.cast(x, "i64")
        return g.Gather(g.constant(self.table().reshape(-1), "f32"), index, axis=0, dtype="f32")
