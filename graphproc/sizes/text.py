"""Write expressions of sizes as text, as programs are printed.

This module reads only an expression's `op` and `args`, so that `num.Sym` can be printed by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BINDING = {"or": 1, "and": 2, "<": 3, "<=": 3, "==": 3, "+": 4, "-": 4, "*": 5, "/": 5, "//": 5, "%": 5}
"""How much the signs between operands bind; of equal ones the left comes first."""
INFIX = {
    "or": "or",
    "and": "and",
    "lt": "<",
    "le": "<=",
    "eq": "==",
    "add": "+",
    "sub": "-",
    "mul": "*",
    "truediv": "/",
    "floordiv": "//",
    "mod": "%",
}
"""The sign of each operation that is written between its operands."""


def text(x: Any, names: Mapping[Any, str] | None = None, binding: int = 0) -> str:
    """Write an expression: `max(height // 2, 1)`.

    Args:
        x: an expression, number or condition.
        names: names of subterms, which are written instead of these.
        binding: how strongly the surrounding operator binds; an expression that binds less gets
            parentheses.
    """
    if not hasattr(x, "op"):  # a number
        return repr(x)
    if names and x in names:
        return names[x]
    if x.op == "symbol":
        return str(x.args[0])
    if x.op in INFIX:
        level = BINDING[INFIX[x.op]]
        written = f"{text(x.args[0], names, level)} {INFIX[x.op]} {text(x.args[1], names, level + 1)}"
        return f"({written})" if level < binding else written
    return f"{x.op}({', '.join(text(a, names) for a in x.args)})"
