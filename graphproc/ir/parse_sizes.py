"""Read expressions of sizes: arithmetic with signs, functions and names.

Numbers, depth and the number of operations have limits, because texts may come from strangers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphproc.errors import GraphprocError
from graphproc.ir.tokens import Reader, Token, nearest
from graphproc.sizes import num
from graphproc.sizes.num import Sym
from graphproc.sizes.operations import OPERATIONS
from graphproc.sizes.text import BINDING, INFIX

NUMBER_LIMIT = 1 << 63
"""All numbers in a text, and the bounds of its sizes, are below this."""
MOST_OPERATIONS = 200
"""How many operations may follow one another to compute a size, those of the sizes it uses included."""

_OPERANDS: Mapping[str, str] = {
    **dict.fromkeys(("or", "and"), "bb"),
    **dict.fromkeys(("lt", "le", "eq", "add", "sub", "mul", "truediv", "floordiv", "mod", "min", "max"), "nn"),
    **dict.fromkeys(("trunc", "floor", "ceil", "round", "sqrt", "float", "to_float32", "argmin", "smallest", "largest"), "n"),
    **dict.fromkeys(("not", "any"), "b"),
    "where": "bnn",
    "take": "*n",
    "argmax": "*",
}
"""The kinds of each operation's operands: `n` is a number, `b` a condition, `*` either."""
_INFIX: Mapping[str, str] = {sign: op for op, sign in INFIX.items()}
"""The operation of each sign between operands."""
_FUNCTIONS = [op for op in _OPERANDS if op not in INFIX]
"""The operations that are written as functions."""
_NUMBERS: Mapping[str, Any] = {"True": True, "False": False, "inf": math.inf, "nan": math.nan}


class SizeReader:
    """Read size expressions of one text.

    Attributes:
        named: the sizes that have a name: symbols, and expressions that the text defined.
    """

    def __init__(self, reader: Reader) -> None:
        """Begin without names."""
        self.named: dict[str, Any] = {}
        self._reader = reader
        self._operations: dict[Sym, int] = {}

    def define(self, name: str, token: Token, value: Any) -> None:
        """Give a size a name; refuse a name that is taken."""
        if name in self.named:
            self._reader.refuse(f"the size {name!r} is defined twice", token)
        self.named[name] = value

    def declare(self, name: str) -> None:
        """Make a name a symbol, unless it has a meaning already."""
        self.named.setdefault(name, num.symbol(name))

    def expression(self, binding: int = 1) -> Any:
        """Read operands with signs between them, such as `2 * height + 1`.

        Stop at a sign that binds less tightly than `binding`.
        """
        reader = self._reader
        left = self._factor()
        while (token := reader.peek()).text in _INFIX and BINDING[token.text] >= binding and token.kind in ("sign", "name"):
            reader.take()
            op = _INFIX[token.text]
            operands = (left, self.expression(BINDING[token.text] + 1))
            left = self._applied(token, OPERATIONS[op], _OPERANDS[op], operands)
        return left

    def _factor(self) -> Any:
        """Read a number, the name of a size, a function of operands, or an expression in brackets."""
        reader = self._reader
        negative = reader.skip("-")
        token = reader.peek()
        if token.kind in ("int", "float") or (token.kind == "name" and token.text in _NUMBERS):
            reader.take()
            if len(token.text) > 400:
                reader.refuse(f"expected a number of fewer digits, found {len(token.text)}", token)
            value = _NUMBERS[token.text] if token.kind == "name" else {"int": int, "float": float}[token.kind](token.text)
            return self._limited(token, -value if negative else value)
        if negative:
            reader.fail("a number")
        if reader.skip("("):
            value = reader.nested(self.expression)
            reader.expect(")")
            return value
        if token.kind != "name":
            reader.fail("a value")
        reader.take()
        if reader.skip("("):
            operands = reader.listed(self.expression, ")")
            if token.text == "table":
                return self._applied(token, lambda *items: num.table(items), "*" * len(operands), operands)
            if token.text not in _FUNCTIONS:
                known = [*_FUNCTIONS, "table"]
                reader.refuse(f"expected a function of sizes, found {token.text!r}.{nearest(token.text, known)}", token)
            return self._applied(token, OPERATIONS[token.text], _OPERANDS[token.text], operands)
        if token.text not in self.named:
            hint = nearest(token.text, self.named) or " Texts stand in quotes."
            reader.refuse(f"expected the name of a size, found {token.text!r}.{hint}", token)
        return self.named[token.text]

    def _applied(self, token: Token, function: Callable[..., Any], kinds: str, operands: Sequence[Any]) -> Any:
        """Apply an operation to its operands and return the result.

        Refuse operands that are not of the operation's kinds.
        """
        if len(operands) != len(kinds):
            self._reader.refuse(f"{token}: expected {len(kinds)} operands, found {len(operands)}", token)
        for operand, kind in zip(operands, kinds, strict=True):
            if kind != "*" and (num.kind_of(operand) == "bool") != (kind == "b"):
                expected = "a condition" if kind == "b" else "a number"
                self._reader.refuse(f"{token}: expected {expected}, found {operand}", token)
        try:
            result = function(*operands)
        except (ArithmeticError, ValueError, TypeError, GraphprocError) as error:
            self._reader.refuse(f"{token}: {error}", token)
        if isinstance(result, Sym) and result.op != "symbol":
            behind = max((self._operations.get(a, 0) for a in result.args if isinstance(a, Sym)), default=0)
            if behind == MOST_OPERATIONS:
                self._reader.refuse(f"a size takes more than {MOST_OPERATIONS} operations one behind the other", token)
            self._operations[result] = behind + 1
        return self._limited(token, result)

    def _limited(self, token: Token, value: Any) -> Any:
        """Return a value unchanged; refuse an int, or an expression with a bound, beyond 64 bits."""
        for number in (value.low, value.high) if isinstance(value, Sym) else (value,):
            if isinstance(value, (int, Sym)) and NUMBER_LIMIT <= abs(number) != math.inf:
                self._reader.refuse(f"expected sizes of 64 bits, found {token}, which goes beyond", token)
        return value
