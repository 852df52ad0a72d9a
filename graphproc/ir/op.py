"""Define the base of every op: fields, a shape rule, and two independent pixel rules side by side.

The rule `numpy` defines the meaning. The rule `onnx` emits standard nodes that compute the same
bits. The project promises that the two agree. So an op class that lacks one of the three rules is
refused when it is defined. A fourth rule, `kernel`, is optional: it names native code that computes
the same bits faster.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.registry import Registered, registering
from graphproc.ir.types import TensorType
from graphproc.sizes import num

Array = np.ndarray[Any, Any]
_OPS: dict[str, type[Op]] = {}
_RULES = ("infer", "numpy", "onnx")
_HEADINGS = ("Shapes:", "Dtypes:", "Rounding:", "Source:")
T = TypeVar("T", bound="type[Op]")
Attribute = int | str | tuple[int, ...] | tuple[float, ...]
"""The value of a kernel's attribute."""


@dataclasses.dataclass(frozen=True, slots=True)
class KernelNode:
    """Name the kernel that computes an op, and what it reads.

    Example:  `KernelNode("Resize", (("i64", (224, width)),), {"filter": "bicubic"})`.

    Attributes:
        name: the kernel's name in the native library.
        vectors: what the node reads behind the op's operands. Each is a vector of an IR dtype, `i64`
            or `f64`, and its elements. An expression among the op's fields must be one of them.
        attributes: the node's settings, by name.
    """

    name: str
    vectors: tuple[tuple[str, tuple[num.Num, ...]], ...] = ()
    attributes: Mapping[str, Attribute] = dataclasses.field(default_factory=dict)


def _no_kernel(op: Op, *types: TensorType) -> KernelNode | None:
    """Return None: what an op without a kernel has as its rule."""
    return None


class Op(Registered):
    """Define one pixel operation. Subclasses are frozen dataclasses registered with `@op(name)`.

    Fields may hold `Num` expressions, alone or in tuples. Rules address axes from the end, so the
    same rule serves one image and a batch of equal-sized images with leading axes.
    """

    infer: ClassVar[Callable[..., TensorType]]
    """`infer(self, *types)`: return the result's type.

    It raises ShapeError for operands that the op does not accept.
    """
    numpy: ClassVar[Callable[..., Array]]
    """`numpy(self, *arrays)`: compute what the op means.

    It is called on bound ops only, in which every field is a plain number.
    """
    onnx: ClassVar[Callable[..., Any]]
    """`onnx(self, g, *values)`: emit standard ONNX nodes.

    They compute what `numpy` computes, bit for bit.
    """
    kernel: ClassVar[Callable[..., KernelNode | None]] = _no_kernel
    """`kernel(self, *types)`: return the kernel that computes what `numpy` does, bit for bit, or None.

    This rule is optional. Graphs that are written with kernels hold the nodes of `onnx` as a
    function, which runs where the native library is not registered.
    """

    def bind(self, values: Mapping[str, int], memo: dict[num.Sym, Any] | None = None) -> Op:
        """Return the op with every expression evaluated."""
        return self.replaced(lambda expression: num.evaluate(expression, values, memo))

    def replaced(self, change: Callable[[num.Sym], num.Num | num.Bool]) -> Op:
        """Return the op with another number in place of every expression."""
        changes = {}
        for name, value in self.fields():
            new = _replaced(value, change)
            if new is not value:
                changes[name] = new
        return dataclasses.replace(self, **changes) if changes else self  # type: ignore[type-var]


def _replaced(value: Any, change: Callable[[num.Sym], num.Num | num.Bool]) -> Any:
    if isinstance(value, num.Sym):
        return change(value)
    if isinstance(value, Op):
        return value.replaced(change)
    if isinstance(value, tuple) and any(isinstance(v, (num.Sym, tuple)) for v in value):
        return tuple(_replaced(v, change) for v in value)
    return value


def op(name: str) -> Callable[[T], T]:
    """Register an op class under its name in the IR's text.

    Raises:
        ProgramError: the name is taken, a rule is missing, or the docstring lacks a required
            heading.
    """
    return registering("op", name, _OPS, _RULES, _HEADINGS)  # type: ignore[return-value]


def registered_ops() -> dict[str, type[Op]]:
    """Return every registered op class, by its name in the IR's text."""
    return dict(_OPS)


def require_layout(op: Op, x: TensorType, letters: str) -> None:
    """Raise ShapeError unless the value's last axes are `letters`, in that order."""
    if not x.layout.endswith(letters):
        raise ShapeError(f"{op.name}: expected the last axes {letters}, got {x}. Lay the value out first.")


def require_dtype(op: Op, x: TensorType, *dtypes: str) -> None:
    """Raise ShapeError unless the value has one of the element types."""
    if x.dtype not in dtypes:
        raise ShapeError(f"{op.name}: expected {' or '.join(dtypes)}, got {x}. Convert the value first.")
