"""Evaluate expressions for many sizes at once, to search among them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from graphproc.sizes import tables
from graphproc.sizes.evaluation import COMPUTE
from graphproc.sizes.expression import Expression

Array = np.ndarray[Any, Any]

ALONG_TABLES: dict[str, Callable[..., Array]] = {
    "take": lambda table, index: np.take_along_axis(
        np.broadcast_to(table, (max(len(table), len(index)), table.shape[1])),
        np.broadcast_to(index, (max(len(table), len(index)), index.shape[1])),
        axis=1,
    ),
    "argmin": lambda x: np.argmin(x, axis=1, keepdims=True),
    "argmax": lambda x: np.argmax(x, axis=1, keepdims=True),
    "smallest": lambda x: np.min(x, axis=1, keepdims=True),
    "largest": lambda x: np.max(x, axis=1, keepdims=True),
    "any": lambda x: np.any(x, axis=1, keepdims=True),
}
"""The operations that are not done element by element: they act along the axis of a table's elements."""


def evaluate_many(expressions: Iterable[Any], values: Mapping[str, Array]) -> dict[Any, Array]:
    """Return the values of expressions, and of all their subterms, for many values of the symbols.

    `evaluate` gives the same for each of the values, or an error. Where it gives an error, as for a
    division by zero, nothing is said of the value here.

    Args:
        expressions: expressions; plain numbers are passed over.
        values: for each symbol, its values, int64 [count], as many for all.

    Returns:
        For each subterm an array [count, 1], or [count, length] of a table; where all rows are
        equal, there may be one row. Subterms with other symbols are left out.
    """
    found: dict[Any, Array] = {}
    absent: set[Any] = set()

    def visit(x: Any) -> Array | None:
        if not isinstance(x, Expression):
            return np.asarray(x).reshape(1, 1)
        if x in found or x in absent:
            return found.get(x)
        if x.op == "symbol":
            result = values[x.args[0]].reshape(-1, 1) if x.args[0] in values else None
        elif x.op == "table":
            result = np.array([x.args], tables.DTYPE[x.kind])
        else:
            args = [visit(a) for a in x.args]
            compute = ALONG_TABLES.get(x.op) or tables.COMPUTE.get(x.op) or COMPUTE[x.op]
            result = None if any(a is None for a in args) else np.asarray(compute(*args)).astype(tables.DTYPE[x.kind])
        if result is None:
            absent.add(x)
        else:
            found[x] = result
        return result

    with np.errstate(all="ignore"):
        for expression in expressions:
            visit(expression)
    return found
