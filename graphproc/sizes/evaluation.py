"""Read expressions of sizes: their values for known symbols, and the symbols that they contain."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from graphproc.sizes import tables
from graphproc.sizes.expression import Expression

COMPUTE: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": operator.truediv,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "trunc": int,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
    "sqrt": math.sqrt,
    "min": min,
    "max": max,
    "float": float,
    "to_float32": lambda x: float(np.float32(x)),
    "lt": operator.lt,
    "le": operator.le,
    "eq": operator.eq,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "not": operator.not_,
    "where": lambda condition, x, y: x if condition else y,
}
"""How the operations compute plain numbers."""


def evaluate(x: Any, values: Mapping[str, int], memo: dict[Any, Any] | None = None) -> Any:
    """Return the value of an expression for known symbols.

    A plain number is returned as it is; the value of a table is an array.

    Args:
        x: an expression, number or condition.
        values: the value of each symbol, by name; floats stay floats.
        memo: results of earlier calls with the same `values`, so that common subterms are evaluated
            once.

    Raises:
        KeyError: a symbol has no value.
    """
    if not isinstance(x, Expression):
        return x
    memo = {} if memo is None else memo
    if x not in memo:
        if x.op == "symbol":
            given = values[x.args[0]]
            memo[x] = given if isinstance(given, float) else int(given)
        elif x.op == "table":
            memo[x] = np.array(x.args, tables.DTYPE[x.kind])
        else:
            args = [evaluate(a, values, memo) for a in x.args]
            if x.length or any(isinstance(a, np.ndarray) for a in args):
                compute = tables.COMPUTE.get(x.op) or COMPUTE[x.op]
                result: np.ndarray[Any, Any] = np.asarray(compute(*args)).astype(tables.DTYPE[x.kind])
                memo[x] = result if x.length else result.item()
            else:
                memo[x] = COMPUTE[x.op](*args)
    return memo[x]


def symbols(x: Any, seen: set[Any] | None = None) -> Iterator[str]:
    """Return the names of the symbols that an expression contains, each once.

    Args:
        x: an expression, number or condition.
        seen: subterms of earlier calls, which are left out; those of `x` are added.
    """
    waiting, seen = [x], set() if seen is None else seen
    while waiting:
        y = waiting.pop()
        if isinstance(y, Expression) and y.op != "table" and y not in seen:
            seen.add(y)
            if y.op == "symbol":
                yield y.args[0]
            else:
                waiting += y.args


def is_plain(x: Any) -> bool:
    """Return whether a number is made of symbols by sums, differences and products alone."""
    return not isinstance(x, Expression) or x.op == "symbol" or (x.op in ("add", "sub", "mul") and all(map(is_plain, x.args)))
