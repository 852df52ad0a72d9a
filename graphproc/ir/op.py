"""Define the base of every op: fields, a shape rule, and two independent pixel rules side by side.

The rule `numpy` defines the meaning. The rule `onnx` emits standard nodes that compute the same
bits. The project promises that the two agree. So an op class that lacks one of the three rules is
refused when it is defined.
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

    def bind(self, values: Mapping[str, int], memo: dict[num.Sym, Any] | None = None) -> Op:
        """Return the op with every expression evaluated."""
        changes = {}
        for name, value in self.fields():
            bound = _bind(value, values, memo)
            if bound is not value:
                changes[name] = bound
        return dataclasses.replace(self, **changes) if changes else self  # type: ignore[type-var]


def _bind(value: Any, values: Mapping[str, int], memo: dict[num.Sym, Any] | None) -> Any:
    if isinstance(value, num.Sym):
        return num.evaluate(value, values, memo)
    if isinstance(value, tuple) and any(isinstance(v, (num.Sym, tuple)) for v in value):
        return tuple(_bind(v, values, memo) for v in value)
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
