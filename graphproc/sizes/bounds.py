"""Find the bounds of expressions where every symbol has an upper limit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphproc.sizes import num
from graphproc.sizes.num import Sym
from graphproc.sizes.operations import OPERATIONS

Bounds = tuple[float, float]


def bounds(expressions: Sequence[Sym], limit: int) -> dict[Sym, Bounds]:
    """Return the bounds of numbers if no symbol exceeds a limit.

    An expression's own bounds hold for symbols of any size, and are often infinite. These come of
    the same rules: each operation is applied once more, to operands with the closer bounds.

    Args:
        expressions: expressions in an order in which operands come first; conditions among them
            have no bounds.
        limit: the largest value of every symbol.
    """
    limited: dict[Sym, Any] = {}
    found: dict[Sym, Bounds] = {}
    for x in expressions:
        if x.op == "symbol":
            again: Any = Sym("symbol", x.args, "int", max(x.low, 1), limit)
        elif x.op == "table":
            again = x
        else:
            again = OPERATIONS[x.op](*(limited[a] if isinstance(a, Sym) else a for a in x.args))
        if x.kind != "bool":
            found[x] = max(num.low(again), x.low), min(num.high(again), x.high)
            if isinstance(again, Sym):
                again = Sym(again.op, again.args, again.kind, *found[x])
        limited[x] = again
    return found
