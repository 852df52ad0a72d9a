"""Compute arithmetic, comparisons and logic of two values, or of a value and a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op
from graphproc.ir.types import DTYPES, TensorType
from graphproc.sizes import num
from graphproc.sizes.num import Num

_NUMBERS = ("f32", "f64", "i32", "i64")
_WHOLE = ("i32", "i64")
_LOGIC = ("bool",)

OPERATORS: Mapping[str, tuple[Callable[[Array, Array], Array], str, tuple[str, ...], bool]] = {
    "add": (np.add, "Add", _NUMBERS, False),
    "subtract": (np.subtract, "Sub", _NUMBERS, False),
    "multiply": (np.multiply, "Mul", _NUMBERS, False),
    "divide": (np.divide, "Div", ("f32", "f64"), False),
    "quotient": (np.floor_divide, "Div", _WHOLE, False),
    "remainder": (np.remainder, "Mod", _WHOLE, False),
    "minimum": (np.minimum, "Min", _NUMBERS, False),
    "maximum": (np.maximum, "Max", _NUMBERS, False),
    "greater": (np.greater, "Greater", _NUMBERS, True),
    "greater_or_equal": (np.greater_equal, "GreaterOrEqual", _NUMBERS, True),
    "less": (np.less, "Less", _NUMBERS, True),
    "less_or_equal": (np.less_equal, "LessOrEqual", _NUMBERS, True),
    "equal": (np.equal, "Equal", (*_NUMBERS, "bool"), True),
    "and": (np.logical_and, "And", _LOGIC, True),
    "or": (np.logical_or, "Or", _LOGIC, True),
}
"""The operators by name.

For each: numpy's function, ONNX's operator, the element types that it takes, and whether its result
is bool.
"""


@op("binary")
@dataclass(frozen=True, slots=True)
class Binary(Op):
    """Compute `left operator right`, element by element.

    Without a second operand, `right` is `number`.

    Shapes:   two of the same number of axes, with sizes that are equal or 1 (numpy's broadcasting)
              -> the larger ones.
    Dtypes:   those that `OPERATORS` lists, the same for both; numbers take the operand's.
              Comparisons and logic give bool.
    Rounding: the dtype's, once. A number that is an expression of sizes is rounded to float32
              first. `quotient` is for numbers that are not negative.
    Source:   numpy's functions and ONNX's operators as `OPERATORS` lists them.

    Attributes:
        operator: a key of `OPERATORS`.
        number: the second operand if no value is given for it; a tuple has one number for each
            element of the last axis.
    """

    operator: str
    number: Num | tuple[Num, ...] | None = None

    def infer(self, left: TensorType, *right: TensorType) -> TensorType:
        """Return the result's type with the larger sizes."""
        if self.operator not in OPERATORS:
            raise ShapeError(f"binary: expected one of {', '.join(OPERATORS)}, got {self.operator!r}")
        _, _, dtypes, compares = OPERATORS[self.operator]
        if left.dtype not in dtypes or any(other.dtype != left.dtype for other in right):
            raise ShapeError(f"binary: {self.operator} takes {' or '.join(dtypes)}, got {', '.join(map(str, (left, *right)))}")
        if (self.number is None) == (not right) or len(right) > 1:
            raise ShapeError(f"binary: expected two operands, or one and a number, got {1 + len(right)} and {self.number}")
        if isinstance(self.number, tuple) and left.shape[-1:] != (len(self.number),):
            raise ShapeError(f"binary: expected a number for each element of the last axis, got {self.number} for {left}")
        shape = left.shape
        for other in right:
            if other.rank != left.rank:
                raise ShapeError(f"binary: expected operands of one rank, got {left} and {other}. Rearrange one of them.")
            pairs = list(zip(left.shape, other.shape, strict=True))
            if any(a != b and a != 1 and b != 1 for a, b in pairs):
                raise ShapeError(f"binary: expected equal sizes or 1, got {left} and {other}")
            shape = tuple(b if a == 1 else a for a, b in pairs)
        layout = next((t.layout for t in (left, *right) if t.layout), "")
        return TensorType("bool" if compares else left.dtype, shape, layout)

    def numpy(self, left: Array, *right: Array) -> Array:
        """Apply numpy's function."""
        function = OPERATORS[self.operator][0]
        other = right[0] if right else np.asarray(_known(self.number), dtype=left.dtype)
        return np.asarray(function(left, other))

    def onnx(self, g: Builder, left: Value, *right: Value) -> Value:
        """Emit the operator."""
        other = right[0] if right else self._number(g, g.dtype(left))
        return getattr(g, OPERATORS[self.operator][1])(left, other)

    def _number(self, g: Builder, dtype: str) -> Value:
        numbers = self.number if isinstance(self.number, tuple) else (self.number,)
        if not any(num.is_sym(number) for number in numbers):
            return g.constant(np.asarray(numbers, dtype=DTYPES[dtype]), dtype)
        if all(isinstance(number, int) or (num.is_sym(number) and number.kind == "int") for number in numbers):
            return g.cast(g.vector(*numbers), dtype)
        parts = [g.cast(g.num(number), dtype) for number in numbers]  # type: ignore[arg-type]
        return g.Concat(*parts, axis=0) if len(parts) > 1 else parts[0]


def _known(number: Num | tuple[Num, ...] | None) -> object:
    return [num.evaluate(n, {}) for n in number] if isinstance(number, tuple) else number
