"""Make one Python function of several expressions, for those who evaluate them many times.

Its text is written here, a line for each subterm, and holds no text of the expressions: symbols and
constants have names of their own. So programs of strangers are as harmless as in `evaluate`, which
computes the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphproc.sizes import tables
from graphproc.sizes.evaluation import COMPUTE
from graphproc.sizes.expression import Expression

_NUMBERS: Mapping[str, str] = {
    "add": "{} + {}",
    "sub": "{} - {}",
    "mul": "{} * {}",
    "truediv": "{} / {}",
    "floordiv": "{} // {}",
    "mod": "{} % {}",
    "min": "{1} if {1} < {0} else {0}",
    "max": "{1} if {1} > {0} else {0}",
    "lt": "{} < {}",
    "le": "{} <= {}",
    "eq": "{} == {}",
    "and": "{} and {}",
    "or": "{} or {}",
    "not": "not {}",
    "where": "{1} if {0} else {2}",
}
"""How operations on numbers are written; others call `COMPUTE`."""
_TABLES: Mapping[str, str] = {
    **{op: _NUMBERS[op] for op in ("add", "sub", "mul", "truediv", "floordiv", "mod", "lt", "le", "eq")},
    "and": "{} & {}",
    "or": "{} | {}",
    "not": "~{}",
    "take": "{}[{}]",
    "argmin": "{}.argmin()",
    "argmax": "{}.argmax()",
    "smallest": "{}.min()",
    "largest": "{}.max()",
    "any": "{}.any()",
}
"""How operations on tables are written; others call `tables.COMPUTE`, and are cast where that gives another type."""
_CAST = ("trunc", "floor", "ceil", "round", "float", "to_float32")
Computed = Callable[..., tuple[Any, ...] | None]


def generated(arguments: Sequence[str], conditions: Sequence[Any], results: Sequence[Any]) -> Computed:
    """Return a function that computes expressions of the same symbols.

    Args:
        arguments: the names of the symbols, in the order in which the function takes their values.
        conditions: conditions, which are computed first, in order.
        results: expressions and numbers, None, or tuples of these.

    Returns:
        A function of ints. It returns a tuple with the value of each result, or None if a condition
        does not hold.

    Raises:
        KeyError: an expression has another symbol.
    """
    writer = _Writer(arguments)
    for condition in conditions:
        writer.lines.append(f"if not {writer.name(condition)}: return None")
    wanted = [writer.tuple(result) for result in results]
    body = "\n    ".join([*writer.lines, f"return ({''.join(f'{one}, ' for one in wanted)})"])
    code = compile(f"def computed({', '.join(writer.arguments.values())}):\n    {body}\n", "<sizes>", "exec")
    exec(code, writer.constants)
    found: Computed = writer.constants["computed"]
    return found


class _Writer:
    """Write the lines of a function.

    Attributes:
        arguments: the function's name for each symbol.
        constants: what the lines refer to, by name.
        lines: the lines.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self.arguments = {name: f"a{index}" for index, name in enumerate(arguments)}
        self.constants: dict[str, Any] = {}
        self.lines: list[str] = []
        self._names: dict[Any, str] = {}

    def tuple(self, result: Any) -> str:
        """Return the text of a result, once lines compute it."""
        return f"({''.join(f'{self.name(one)}, ' for one in result)})" if isinstance(result, tuple) else self.name(result)

    def name(self, x: Any) -> str:
        """Return a name for the value of an expression, or a number's text, once lines compute it."""
        waiting = [x]
        while waiting:  # not recursive, because expressions are as deep as they like
            y = waiting[-1]
            missing = [a for a in y.args if isinstance(a, Expression) and a not in self._names] if _has_operands(y) else []
            if missing:
                waiting += missing
                continue
            waiting.pop()
            if isinstance(y, Expression) and y not in self._names:
                self._names[y] = self._line(y)
        return self._text(x)

    def _line(self, x: Expression) -> str:
        """Write the line that computes an expression; return the name of the value."""
        if x.op == "symbol":
            return self.arguments[x.args[0]]
        if x.op == "table":
            return self._constant(np.array(x.args, tables.DTYPE[x.kind]))
        name = f"t{len(self.lines)}"
        self.lines.append(f"{name} = {self._computed(x)}")
        return name

    def _computed(self, x: Expression) -> str:
        operands = [self._text(a) for a in x.args]
        if not any(isinstance(a, Expression) and a.length for a in x.args):
            return _NUMBERS[x.op].format(*operands) if x.op in _NUMBERS else self._call(COMPUTE[x.op], operands)
        if x.op == "take" and not x.length and x.args[0].op == "table":
            return f"{self._constant(x.args[0].args)}[{operands[1]}]"
        compute = tables.COMPUTE.get(x.op) or COMPUTE[x.op]
        text = _TABLES[x.op].format(*operands) if x.op in _TABLES else self._call(compute, operands)
        if not x.length:
            return f"({text}).item()"
        return f"({text}).astype({self._constant(tables.DTYPE[x.kind])})" if x.op in _CAST else text

    def _text(self, x: Any) -> str:
        if isinstance(x, Expression):
            return self._names[x]
        if x is None or type(x) in (bool, int) or (type(x) is float and math.isfinite(x)):
            return f"({x!r})"
        return self._constant(x)

    def _call(self, function: Callable[..., Any], operands: Sequence[str]) -> str:
        return f"{self._constant(function)}({', '.join(operands)})"

    def _constant(self, value: Any) -> str:
        """Return a name for a constant."""
        name = f"c{len(self.constants)}"
        self.constants[name] = value
        return name


def _has_operands(x: Any) -> bool:
    return isinstance(x, Expression) and x.op not in ("symbol", "table")
