"""What an arithmetic of `Resample` says of itself: its kernels and dtypes, and both pixel rules side by side."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op
from graphproc.ir.types import TensorType

if TYPE_CHECKING:
    from graphproc.ops.resample.op import Resample


class Arithmetic(ABC):
    """One library's way to resample. One without both pixel rules cannot be made; the docstring says Rounding and Source.

    Attributes:
        name: what `Resample.arithmetic` calls it.
        antialiased: its kernels that grow with a reduction, so that every input pixel counts.
        plain: its kernels that read the pixels next to each place alone, whatever the reduction.
        dtypes: the element types that it takes; empty for any.
        settings: which of the further fields of `Resample` it has.
    """

    name: ClassVar[str]
    antialiased: ClassVar[tuple[str, ...]] = ()
    plain: ClassVar[tuple[str, ...]] = ()
    dtypes: ClassVar[tuple[str, ...]] = ()
    settings: ClassVar[tuple[str, ...]] = ()

    def kernels(self, antialias: bool) -> tuple[str, ...]:
        """The kernels that it has with or without antialiasing."""
        return self.antialiased if antialias else self.plain

    def check(self, op: Resample, x: TensorType) -> None:  # noqa: B027, what most arithmetics need
        """Raise ShapeError for what no field above says; nothing by default."""

    @abstractmethod
    def numpy(self, op: Resample, x: Array) -> Array:
        """What the resampling means, on `[..., C, H, W]`; every field of the op is a plain number."""

    @abstractmethod
    def onnx(self, op: Resample, g: Builder, x: Value) -> Value:
        """Emit nodes that compute the same bits."""

    def lowered(self, op: Resample) -> Op | None:
        """The lowered op that computes the same, which passes can fuse with its neighbours; None where there is none."""
        return None
