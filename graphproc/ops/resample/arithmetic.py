"""Define what an arithmetic of `Resample` provides.

It has its filters, its dtypes, and both pixel rules side by side.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op
from graphproc.ir.types import TensorType

if TYPE_CHECKING:
    from graphproc.ops.resample.op import Resample


class Arithmetic(ABC):
    """Define one library's way to resample.

    A class that lacks a pixel rule cannot be instantiated. The docstring must say Rounding and
    Source.

    Attributes:
        name: its name in `Resample.arithmetic`.
        antialiased: its filters that grow when the image shrinks, so that every input pixel counts.
        plain: its filters that read only the pixels next to each place, however much the image
            shrinks.
        dtypes: the element types that it takes; empty for any.
        settings: which further fields of `Resample` it uses.
    """

    name: ClassVar[str]
    antialiased: ClassVar[tuple[str, ...]] = ()
    plain: ClassVar[tuple[str, ...]] = ()
    dtypes: ClassVar[tuple[str, ...]] = ()
    settings: ClassVar[tuple[str, ...]] = ()

    def filters(self, antialias: bool) -> tuple[str, ...]:
        """Return its filters with or without antialiasing."""
        return self.antialiased if antialias else self.plain

    def check(self, op: Resample, x: TensorType) -> None:  # noqa: B027, what most arithmetics need
        """Raise ShapeError for operands that no field above rules out; by default, raise nothing."""

    @abstractmethod
    def numpy(self, op: Resample, x: Array) -> Array:
        """Compute what the resampling means, on `[..., C, H, W]`.

        Every field of the op is a plain number.
        """

    @abstractmethod
    def onnx(self, op: Resample, g: Builder, x: Value) -> Value:
        """Emit nodes that compute the same bits."""

    def lowered(self, op: Resample) -> Op | None:
        """Return the lowered op that computes the same, or None if there is none.

        Passes can fuse it with its neighbours.
        """
        return None
