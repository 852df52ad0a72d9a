"""Give values numpy's operators while a program is written.

Example:  `b.output("depth", 1 / x.clip(1e-4, 1e4))`. Every operator appends one step to the
          program, or two if no single op does it, as in `1 / x` and `x != 1`. Programs themselves
          hold names and types only (`ValueInfo`), so that they stay plain data, comparable and
          hashable.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from graphproc.errors import ProgramError
from graphproc.ir.op import Op, registered_ops
from graphproc.ir.types import FLOATS, TensorType
from graphproc.sizes import num
from graphproc.sizes.num import Num

if TYPE_CHECKING:
    from graphproc.ir.program import ProgramBuilder

_Numbers = Num | tuple[Num, ...]
"""A number, or a tuple with one for each element of the last axis."""


class Value:
    """Hold a named, typed result of a program that is being written.

    `ProgramBuilder.input` and `ProgramBuilder.add` make values. Operators work element by element,
    as numpy's do: `+ - * /`, `//` and `%` of whole numbers that are not negative, comparisons,
    `& | ~` of bools. Both operands have one element type and one number of axes, with equal lengths
    or 1. The right one may also be a number, such as a size that is still unknown, or a tuple with
    one number for each element of the last axis.

    Example:  `x = (image.cast("f32") / 255 - 0.5) * 2`.

    Attributes:
        builder: the builder of the program that the value is part of.
        name: its name in the program.
        type: its element type, shape and layout.
    """

    __slots__ = ("builder", "name", "type")
    __array_ufunc__ = None  # numpy's arrays leave operators to this class, which refuses them
    __iter__ = None

    def __init__(self, builder: ProgramBuilder, name: str, type: TensorType) -> None:
        self.builder, self.name, self.type = builder, name, type

    @property
    def dtype(self) -> str:
        """Return the element type, a key of `DTYPES`."""
        return self.type.dtype

    @property
    def shape(self) -> tuple[Num, ...]:
        """Return the length of each axis, a number or an expression of sizes."""
        return self.type.shape

    def __repr__(self) -> str:
        return f"<value {self.name}: {self.type}>"

    def __bool__(self) -> bool:
        raise ProgramError(
            f"{self.name}: a value is true or false only when the program runs. Write where(...), `&`, `|` and `~` "
            "instead of if, and, or and not."
        )

    # ---- operators ---------------------------------------------------------------------------------------------

    def __add__(self, other: Value | _Numbers) -> Value:
        return _binary("add", self, other)

    def __radd__(self, other: _Numbers) -> Value:
        return _binary("add", self, other)

    def __sub__(self, other: Value | _Numbers) -> Value:
        return _binary("subtract", self, other)

    def __rsub__(self, other: _Numbers) -> Value:
        return _binary("add", -self, other)  # the same result for floats, too: the difference is rounded once in both forms

    def __mul__(self, other: Value | _Numbers) -> Value:
        return _binary("multiply", self, other)

    def __rmul__(self, other: _Numbers) -> Value:
        return _binary("multiply", self, other)

    def __truediv__(self, other: Value | _Numbers) -> Value:
        return _binary("divide", self, other)

    def __rtruediv__(self, other: Num) -> Value:
        return _binary("divide", self._number(other), self)

    def __floordiv__(self, other: Value | _Numbers) -> Value:
        return _binary("quotient", self, other)

    def __mod__(self, other: Value | _Numbers) -> Value:
        return _binary("remainder", self, other)

    def __matmul__(self, other: Value) -> Value:
        return self._apply("mat_mul", (), other)

    def __lt__(self, other: Value | _Numbers) -> Value:
        return _binary("less", self, other)

    def __le__(self, other: Value | _Numbers) -> Value:
        return _binary("less_or_equal", self, other)

    def __gt__(self, other: Value | _Numbers) -> Value:
        return _binary("greater", self, other)

    def __ge__(self, other: Value | _Numbers) -> Value:
        return _binary("greater_or_equal", self, other)

    def __eq__(self, other: Value | _Numbers) -> Value:  # type: ignore[override]
        return _binary("equal", self, other)

    def __ne__(self, other: Value | _Numbers) -> Value:  # type: ignore[override]
        return ~_binary("equal", self, other)

    __hash__ = None  # type: ignore[assignment]  # `==` is an operator of the program

    def __and__(self, other: Value) -> Value:
        return _binary("and", self, other)

    def __or__(self, other: Value) -> Value:
        return _binary("or", self, other)

    def __invert__(self) -> Value:
        return self._apply("unary", ("not",))

    def __neg__(self) -> Value:
        return self._apply("unary", ("negative",))

    def __abs__(self) -> Value:
        return self._apply("unary", ("abs",))

    def __getitem__(self, places: Value) -> Value:
        """Return the rows of the first axis at some places, an int64 vector: `labels[best]`."""
        if not isinstance(places, Value):
            raise ProgramError(f"{self.name}: expected places in the first axis, a value, got {places!r}. See Value.narrow.")
        return self._apply("gather", (-self.type.rank,), places)

    # ---- element by element ------------------------------------------------------------------------------------

    def cast(self, dtype: str, rounding: str = "") -> Value:
        """Return the same values in another element type.

        To make whole numbers of floats, use `truncate`, or give a `rounding` of the op `Cast`.
        """
        return self._apply("cast", (dtype, rounding))

    def truncate(self, dtype: str) -> Value:
        """Return the whole part of floats as ints: -1.7 becomes -1."""
        return self.cast(dtype, "toward zero")

    def clip(self, low: Num, high: Num) -> Value:
        """Return each number, moved to `low` if it is below, or to `high` if it is above."""
        return minimum(maximum(self, low), high)

    def exp(self) -> Value:
        """Return the exponential."""
        return self._apply("unary", ("exp",))

    def log(self) -> Value:
        """Return the natural logarithm."""
        return self._apply("unary", ("log",))

    def sin(self) -> Value:
        """Return the sine of an angle in radians."""
        return self._apply("unary", ("sin",))

    def cos(self) -> Value:
        """Return the cosine of an angle in radians."""
        return self._apply("unary", ("cos",))

    def sqrt(self) -> Value:
        """Return the square root."""
        return self._apply("unary", ("sqrt",))

    def sigmoid(self) -> Value:
        """Return `1 / (1 + exp(-x))`."""
        return self._apply("unary", ("sigmoid",))

    def floor(self) -> Value:
        """Return the largest whole number that is not above each element, as a float."""
        return self._apply("unary", ("floor",))

    def round(self) -> Value:
        """Return the nearest whole number, as a float; halves go to the even one."""
        return self._apply("unary", ("round",))

    # ---- along an axis, which counts from the end --------------------------------------------------------------

    def sum(self, axis: int = -1, keepdims: bool = False) -> Value:
        """Return the sum; for bools, how many are true, int64."""
        return self._apply("reduce", ("count" if self.dtype == "bool" else "sum", axis, keepdims))

    def max(self, axis: int = -1, keepdims: bool = False) -> Value:
        """Return the largest element."""
        return self._apply("reduce", ("max", axis, keepdims))

    def min(self, axis: int = -1, keepdims: bool = False) -> Value:
        """Return the smallest element."""
        return self._apply("reduce", ("min", axis, keepdims))

    def argmax(self, axis: int = -1, keepdims: bool = False) -> Value:
        """Return the place of the largest element, int64; of several, the first."""
        return self._apply("reduce", ("argmax", axis, keepdims))

    def cumsum(self) -> Value:
        """Return the sum of each element of the last axis and all before it, int64.

        For bools, this is how many are true so far.
        """
        return self._apply("cum_sum", ())

    def softmax(self, axis: int = -1) -> Value:
        """Return the exponential of each element, divided by the sum of the exponentials."""
        return self._apply("softmax", (axis,))

    def top_k(self, count: Num) -> Value:
        """Return the places of the `count` largest elements of the last axis, largest first, int64."""
        return self._apply("top_k", (count,))

    # ---- shape -------------------------------------------------------------------------------------------------

    def narrow(self, axis: int, start: Num, length: Num) -> Value:
        """Return `length` elements of one axis from `start` on; the axis counts from the end."""
        return self._apply("slice", ((axis,), (start,), (length,)))

    def rearrange(self, pattern: str, layout: str = "", /, **lengths: Num) -> Value:
        """Split, merge, reorder or repeat axes, written as in einops.

        Example:  `x.rearrange("c (h w) -> c h w", h=height, w=width)`.
        """
        return self._apply("rearrange", (pattern, tuple(lengths.items()), layout))

    # ------------------------------------------------------------------------------------------------------------

    def _apply(self, op: str, settings: tuple[Any, ...], *others: Value) -> Value:
        return self.builder.add(_op(op, *settings), self, *others)

    def _number(self, number: Num) -> Value:
        """Make a number a value of this one's element type and number of axes, each of length 1."""
        _require_operand("divide", self, number)
        number = float(number) if self.dtype in FLOATS and isinstance(number, int) else number
        return self.builder.add(_op("numbers", (number,), self.dtype, (1,) * self.type.rank))


def where(condition: Value, x: Value | float, otherwise: Value | float) -> Value:
    """Return the element of `x` where the condition is true, else that of `otherwise`.

    One of the two is a number.

    Raises:
        ProgramError: both are values, or neither is.
    """
    if isinstance(x, Value) == isinstance(otherwise, Value):
        raise ProgramError(
            f"where: expected a value and a number to choose from, got {x!r} and {otherwise!r}. Of two values, add "
            "where(condition, x, 0) and where(condition, 0, y)."
        )
    if isinstance(x, Value):
        return condition._apply("where", (otherwise,), x)
    return (~condition)._apply("where", (x,), otherwise)  # type: ignore[arg-type]


def maximum(x: Value, other: Value | _Numbers) -> Value:
    """Return the larger of two, element by element."""
    return _binary("maximum", x, other)


def minimum(x: Value, other: Value | _Numbers) -> Value:
    """Return the smaller of two, element by element."""
    return _binary("minimum", x, other)


def concatenate(values: Sequence[Value], axis: int = -1) -> Value:
    """Return values one after another along an axis, which counts from the end."""
    first, *rest = values
    return first._apply("concat", (axis,), *rest)


def _binary(operator: str, left: Value, right: object) -> Value:
    if isinstance(right, Value):
        return left._apply("binary", (operator,), right)
    _require_operand(operator, left, right)
    return left._apply("binary", (operator, right))


def _require_operand(operator: str, left: Value, right: object) -> None:
    """Refuse an operand that is not a number.

    A list, an array or None would fail later, or be compared as an object.
    """
    for item in right if isinstance(right, tuple) else (right,):
        if not isinstance(item, (int, float)) and not num.is_sym(item):
            raise ProgramError(
                f"{operator} of {left.name}: expected a value, a number or a tuple of numbers, got {type(right).__name__} "
                f"{right!r}. Make a number of it, or a value by the op Numbers."
            )


def _op(name: str, *settings: Any) -> Op:
    """Make an op by its name in the IR's text.

    This file cannot import the ops, because they import the IR; they register themselves with it.
    """
    known = registered_ops()
    if name not in known:  # no op was imported yet
        import_module("graphproc.ops")
        known = registered_ops()
    make: Any = known[name]
    return make(*settings)  # type: ignore[no-any-return]
