"""Compute with numbers: Python's if sizes are known, traced expressions (`Sym`) if they are not.

A size rule is an ordinary function written with `+ - * / // %`, comparisons and the functions
below. Given ints, it returns ints. Given symbols, it returns an expression that the IR stores,
`evaluate` computes and an emitter turns into int64 and float64 scalar nodes. Arithmetic is
Python's: ints are exact, `/` and every float are float64, `//` and `%` round toward minus infinity,
`round_half_even` is Python's `round`, `trunc` is `int()`.

Every expression carries bounds (interval arithmetic). So a comparison, `minimum` or `maximum` with
one outcome for all sizes disappears while the rule is traced. Both arms of `where` are evaluated,
so neither may fail.

A `table` is an expression of several known numbers, such as the candidates of a choice. Every
operation applies to its elements one by one, with numbers and with tables of the same length.
`argmin`, `argmax`, `smallest`, `largest`, `any_of` and `take` return one number, which is plain if
no symbol is involved. If bounds decide an operation on tables, a plain number takes the place of a
table of equal elements.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeGuard, Union

import numpy as np

from graphproc.errors import ShapeError, TracedBranchError
from graphproc.sizes import tables
from graphproc.sizes.evaluation import COMPUTE, evaluate, is_plain, symbols
from graphproc.sizes.expression import Expression
from graphproc.sizes.tables import Kind

__all__ = [
    "Bool",
    "Num",
    "Sym",
    "any_of",
    "argmax",
    "argmin",
    "as_float",
    "assume_at_least",
    "both",
    "ceil",
    "either",
    "eq",
    "evaluate",
    "floor",
    "high",
    "is_plain",
    "is_sym",
    "kind_of",
    "known",
    "largest",
    "low",
    "maximum",
    "minimum",
    "negate",
    "round_half_even",
    "smallest",
    "sqrt",
    "symbol",
    "symbols",
    "table",
    "take",
    "to_float32",
    "trunc",
    "where",
]

Num = Union[int, float, "Sym"]
"""An int, a float, or a traced expression of either kind."""
Bool = Union[bool, "Sym"]
"""A bool or a traced condition."""

_INF = math.inf


class Sym(Expression):
    """Give an expression Python's operators."""

    __slots__ = ()

    def __add__(self, other: Num) -> Num:
        return _add(self, other) if _is_number(other) else NotImplemented

    def __radd__(self, other: Num) -> Num:
        return _add(other, self) if _is_number(other) else NotImplemented

    def __sub__(self, other: Num) -> Num:
        return _sub(self, other) if _is_number(other) else NotImplemented

    def __rsub__(self, other: Num) -> Num:
        return _sub(other, self) if _is_number(other) else NotImplemented

    def __mul__(self, other: Num) -> Num:
        return _mul(self, other) if _is_number(other) else NotImplemented

    def __rmul__(self, other: Num) -> Num:
        return _mul(other, self) if _is_number(other) else NotImplemented

    def __truediv__(self, other: Num) -> Num:
        return _truediv(self, other) if _is_number(other) else NotImplemented

    def __rtruediv__(self, other: Num) -> Num:
        return _truediv(other, self) if _is_number(other) else NotImplemented

    def __floordiv__(self, other: Num) -> Num:
        return _floordiv(self, other) if _is_number(other) else NotImplemented

    def __rfloordiv__(self, other: Num) -> Num:
        return _floordiv(other, self) if _is_number(other) else NotImplemented

    def __mod__(self, other: Num) -> Num:
        return _mod(self, other) if _is_number(other) else NotImplemented

    def __rmod__(self, other: Num) -> Num:
        return _mod(other, self) if _is_number(other) else NotImplemented

    def __neg__(self) -> Num:
        return _sub(0, self)

    def __lt__(self, other: Num) -> Bool:
        return _compare("lt", self, other) if _is_number(other) else NotImplemented

    def __le__(self, other: Num) -> Bool:
        return _compare("le", self, other) if _is_number(other) else NotImplemented

    def __gt__(self, other: Num) -> Bool:
        return _compare("lt", other, self) if _is_number(other) else NotImplemented

    def __ge__(self, other: Num) -> Bool:
        return _compare("le", other, self) if _is_number(other) else NotImplemented

    def __and__(self, other: Bool) -> Bool:
        return both(self, other)

    def __rand__(self, other: Bool) -> Bool:
        return both(other, self)

    def __or__(self, other: Bool) -> Bool:
        return either(self, other)

    def __ror__(self, other: Bool) -> Bool:
        return either(other, self)

    def __invert__(self) -> Bool:
        return negate(self)


def symbol(name: str, low: int = 1) -> Sym:
    """Return an unknown int, at least `low` (image sides are at least 1 pixel)."""
    return Sym("symbol", (name,), "int", low, _INF)


def table(values: Iterable[float]) -> Sym:
    """Return an expression of several known numbers: all ints, all bools, or else floats.

    Raises:
        ShapeError: there are no values.
    """
    given = list(values)
    if not given:
        raise ShapeError("table: expected at least one value, got none. Give the candidates to choose from.")
    kinds = {kind_of(value) for value in given}
    return _table(np.array(given, tables.DTYPE[kinds.pop() if len(kinds) == 1 else "float"]))


def _table(values: np.ndarray[Any, Any]) -> Sym:
    kind = tables.kind_of(values)
    bounds = (-_INF, _INF) if kind == "bool" else (values.min().item(), values.max().item())
    return Sym("table", tuple(values.tolist()), kind, *bounds)


def _sym(op: str, args: tuple[Any, ...], kind: Kind, low: float = -_INF, high: float = _INF) -> Sym:
    """Return an operation as an expression; compute it if all operands are known."""
    operands = [a for a in args if isinstance(a, Sym)]
    lengths = {a.length for a in operands if a.length}
    if len(lengths) > 1 and op != "take":
        raise ShapeError(f"{op}: expected tables of one length, got {sorted(lengths)}. Build them from the same candidates.")
    result = Sym(op, args, kind, low, high)
    return _table(evaluate(result, {})) if result.length and all(a.op == "table" for a in operands) else result


def is_sym(x: object) -> TypeGuard[Sym]:
    """Return whether `x` is a traced expression or a table rather than a Python number."""
    return isinstance(x, Sym)


def _is_number(x: object) -> bool:
    """Return whether an operator takes `x`.

    Values of programs have operators of their own, in a module above this one.
    """
    return isinstance(x, (Sym, int, float, np.number))


def kind_of(x: Num | Bool) -> Kind:
    """Return `"bool"`, `"int"` or `"float"`."""
    if isinstance(x, Sym):
        return x.kind
    if isinstance(x, bool):
        return "bool"
    return "int" if isinstance(x, int) else "float"


def known(x: Num) -> int:
    """Return a number as an int.

    Raises:
        TracedBranchError: it is still an expression.
    """
    if isinstance(x, Sym):
        raise TracedBranchError(f"expected a known number, got the expression `{x}`: bind the program's sizes first")
    return int(x)


def low(x: Num) -> float:
    """Return a lower bound of `x` that holds for every image."""
    return x.low if isinstance(x, Sym) else x


def assume_at_least(x: Num, bound: float) -> Num:
    """Give `x` a lower bound that the caller knows to hold; nothing enforces it.

    Expressions made of the result may become simpler.
    """
    return Sym(x.op, x.args, x.kind, max(x.low, bound), x.high) if isinstance(x, Sym) else x


def high(x: Num) -> float:
    """Return an upper bound of `x` that holds for every image."""
    return x.high if isinstance(x, Sym) else x


def _corner(values: list[float]) -> tuple[float, float]:
    """Return the interval of corner values; it is unbounded if one is undefined, as inf * 0 is."""
    if any(math.isnan(v) for v in values):
        return -_INF, _INF
    return min(values), max(values)


def _outward(bounds: tuple[float, float], kind: Kind) -> tuple[float, float]:
    """Widen float bounds by one unit in the last place, so that rounding cannot leave them."""
    if kind == "int":
        return bounds
    return math.nextafter(bounds[0], -_INF), math.nextafter(bounds[1], _INF)


def _arith(op: str, a: Num, b: Num, kind: Kind, bounds: tuple[float, float]) -> Num:
    if not isinstance(a, Sym) and not isinstance(b, Sym):
        return COMPUTE[op](a, b)  # type: ignore[no-any-return]
    return _sym(op, (a, b), kind, *bounds)


def _joint(a: Num, b: Num) -> Kind:
    return "float" if "float" in (kind_of(a), kind_of(b)) else "int"


def _add(a: Num, b: Num) -> Num:
    if is_sym(a) and type(b) is int and b == 0:
        return a
    if is_sym(b) and type(a) is int and a == 0:
        return b
    kind = _joint(a, b)
    return _arith("add", a, b, kind, _outward(_corner([low(a) + low(b), high(a) + high(b)]), kind))


def _sub(a: Num, b: Num) -> Num:
    if is_sym(a) and type(b) is int and b == 0:
        return a
    if is_sym(a) and a.kind == "int" and a == b:
        return 0
    kind = _joint(a, b)
    return _arith("sub", a, b, kind, _outward(_corner([low(a) - high(b), high(a) - low(b)]), kind))


def _mul(a: Num, b: Num) -> Num:
    if is_sym(a) and type(b) is int and b == 1:
        return a
    if is_sym(b) and type(a) is int and a == 1:
        return b
    kind = _joint(a, b)
    return _arith("mul", a, b, kind, _outward(_corner([x * y for x in (low(a), high(a)) for y in (low(b), high(b))]), kind))


def _truediv(a: Num, b: Num) -> Num:
    quotients = [x / y for x in (low(a), high(a)) for y in (low(b), high(b))] if low(b) > 0 else [-_INF, _INF]
    bounds = _corner(quotients)
    return _arith("truediv", a, b, "float", _outward(bounds, "float"))


def _floordiv(a: Num, b: Num) -> Num:
    kind = _joint(a, b)
    if is_sym(a) and kind == "int" and type(b) is int and b == 1:
        return a
    if low(b) > 0 and kind == "int":  # a float quotient may lie one below its rounded bound: 1.0 // 0.1 is 9
        quotients = [x / y for x in (low(a), high(a)) for y in (low(b), high(b))]
        bounds = _corner([q if math.isinf(q) or math.isnan(q) else math.floor(q) for q in quotients])
    else:
        bounds = (-_INF, _INF)
    return _arith("floordiv", a, b, kind, bounds)


def _mod(a: Num, b: Num) -> Num:
    kind = _joint(a, b)
    bounds = (0.0, high(b) - (1 if kind == "int" else 0)) if low(b) > 0 else (-_INF, _INF)
    return _arith("mod", a, b, kind, bounds)


def _compare(op: Literal["lt", "le"], a: Num, b: Num) -> Bool:
    if high(a) < low(b) or (op == "le" and high(a) <= low(b)):
        return True
    if low(a) > high(b) or (op == "lt" and low(a) >= high(b)):
        return False
    if is_sym(a) or is_sym(b):
        return _sym(op, (a, b), "bool")
    return bool(COMPUTE[op](a, b))


def eq(a: Num, b: Num) -> Bool:
    """Return whether two numbers have the same value."""
    if is_sym(a) and a == b:
        return True
    if high(a) < low(b) or low(a) > high(b):
        return False
    if is_sym(a) or is_sym(b):
        return _sym("eq", (a, b), "bool")
    return a == b


def both(a: Bool, b: Bool) -> Bool:
    """Return `a and b`; both are evaluated."""
    if isinstance(a, bool):
        return b if a else False
    if isinstance(b, bool):
        return a if b else False
    return a if a == b else _sym("and", (a, b), "bool")


def either(a: Bool, b: Bool) -> Bool:
    """Return `a or b`; both are evaluated."""
    if isinstance(a, bool):
        return True if a else b
    if isinstance(b, bool):
        return True if b else a
    return a if a == b else _sym("or", (a, b), "bool")


def negate(a: Bool) -> Bool:
    """Return `not a`."""
    return _sym("not", (a,), "bool") if is_sym(a) else not a


def where(condition: Bool, x: Num, y: Num) -> Num:
    """Return `x if condition else y`; both are evaluated."""
    if isinstance(condition, bool):
        return x if condition else y
    if x == y and type(x) is type(y):
        return x
    return _sym("where", (condition, x, y), _joint(x, y), min(low(x), low(y)), max(high(x), high(y)))


def minimum(a: Num, b: Num) -> Num:
    """Return `min(a, b)`."""
    if high(a) <= low(b):
        return _as_joint(a, b)
    if high(b) <= low(a):
        return _as_joint(b, a)
    if a == b:
        return _as_joint(a, b)
    return _arith("min", a, b, _joint(a, b), (min(low(a), low(b)), min(high(a), high(b))))


def maximum(a: Num, b: Num) -> Num:
    """Return `max(a, b)`."""
    if low(a) >= high(b):
        return _as_joint(a, b)
    if low(b) >= high(a):
        return _as_joint(b, a)
    if a == b:
        return _as_joint(a, b)
    return _arith("max", a, b, _joint(a, b), (max(low(a), low(b)), max(high(a), high(b))))


def _as_joint(chosen: Num, other: Num) -> Num:
    """Convert to the kind that the operation would have had if bounds did not decide it."""
    return as_float(chosen) if _joint(chosen, other) == "float" else chosen


def _monotone(op: str, x: Num, kind: Kind, function: Callable[[float], float]) -> Num:
    if not isinstance(x, Sym):
        return COMPUTE[op](x)  # type: ignore[no-any-return]
    bounds = (v if math.isinf(v) else function(v) for v in (x.low, x.high))
    return _sym(op, (x,), kind, *bounds)


def trunc(x: Num) -> Num:
    """Return `int(x)`: rounded toward zero."""
    return x if kind_of(x) == "int" else _monotone("trunc", x, "int", int)


def floor(x: Num) -> Num:
    """Return `math.floor(x)`."""
    return x if kind_of(x) == "int" else _monotone("floor", x, "int", math.floor)


def ceil(x: Num) -> Num:
    """Return `math.ceil(x)`."""
    return x if kind_of(x) == "int" else _monotone("ceil", x, "int", math.ceil)


def round_half_even(x: Num) -> Num:
    """Return Python's `round(x)`: the nearest int, ties to even."""
    return x if kind_of(x) == "int" else _monotone("round", x, "int", round)


def sqrt(x: Num) -> Num:
    """Return `math.sqrt(x)`; the number must not be negative."""
    return _monotone("sqrt", x, "float", lambda v: math.sqrt(max(v, 0.0)))


def as_float(x: Num) -> Num:
    """Return `float(x)`."""
    return x if kind_of(x) == "float" else _monotone("float", x, "float", float)


def to_float32(x: Num) -> Num:
    """Round `x` to float32, as torch computes with it; the result is a float64."""
    return _monotone("to_float32", as_float(x), "float", COMPUTE["to_float32"])


def take(values: Num, index: Num) -> Num:
    """Return the element of a table at an index in `[0, length)`.

    A table of indices gives a table of elements.
    """
    if not isinstance(values, Sym) or not values.length:
        return values
    if not isinstance(index, Sym) and values.op == "table":
        return values.args[known(index)]  # type: ignore[no-any-return]
    return _sym("take", (values, index), values.kind, values.low, values.high)


def argmin(x: Num) -> Num:
    """Return the index of a table's smallest element, the first of equal ones."""
    return _reduce("argmin", x, "int", 0, x.length - 1) if isinstance(x, Sym) and x.length > 1 else 0


def argmax(x: Num | Bool) -> Num:
    """Return the index of a table's largest element, the first of equal ones; true exceeds false."""
    return _reduce("argmax", x, "int", 0, x.length - 1) if isinstance(x, Sym) and x.length > 1 else 0


def smallest(x: Num) -> Num:
    """Return the smallest element of a table."""
    return _reduce("smallest", x, x.kind, x.low, x.high) if isinstance(x, Sym) and x.length else x


def largest(x: Num) -> Num:
    """Return the largest element of a table."""
    return _reduce("largest", x, x.kind, x.low, x.high) if isinstance(x, Sym) and x.length else x


def any_of(x: Bool) -> Bool:
    """Return whether any element of a table of conditions is true."""
    return _reduce("any", x, "bool", -_INF, _INF) if isinstance(x, Sym) and x.length else x


def _reduce(op: str, x: Sym, kind: Kind, low: float, high: float) -> Any:
    result = Sym(op, (x,), kind, low, high)
    return evaluate(result, {}) if x.op == "table" else result
