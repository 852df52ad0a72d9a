"""Define the data of a traced number: an operation, its operands, its kind and its bounds.

`num.Sym` adds the operators.
"""

from __future__ import annotations

import math
from typing import Any

from graphproc.errors import TracedBranchError
from graphproc.sizes.tables import Kind
from graphproc.sizes.text import text

REDUCERS = ("argmin", "argmax", "smallest", "largest", "any")
"""The operations that reduce a table to one number."""


class Expression:
    """Describe a traced number or condition: a symbol, or an operation on other numbers.

    Attributes:
        op: `"symbol"`, or a key of the operation table (`add`, `trunc`, `where`, ...).
        args: the operands; for a symbol, its name.
        kind: `"int"`, `"float"` or `"bool"`.
        low, high: bounds that hold for every image, and for every element of a table.
        length: how many elements a table has; 0 for a number.
    """

    __slots__ = ("_hash", "args", "high", "kind", "length", "low", "op")
    op: str
    args: tuple[Any, ...]
    kind: Kind
    low: float
    high: float
    length: int

    def __init__(self, op: str, args: tuple[Any, ...], kind: Kind, low: float = -math.inf, high: float = math.inf) -> None:
        for name, value in (("op", op), ("args", args), ("kind", kind), ("low", low), ("high", high)):
            object.__setattr__(self, name, value)
        object.__setattr__(self, "length", length_of(op, args))
        object.__setattr__(self, "_hash", hash((op, args, kind)))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Sym is immutable: cannot set {name!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), (self.op, self.args, self.kind, self.low, self.high))

    def __hash__(self) -> int:
        return int(self._hash)  # type: ignore[attr-defined]

    def __eq__(self, other: object) -> bool:
        """Return whether both are the same expression; `num.eq` traces equality of their values."""
        return same(self, other, set()) if isinstance(other, Expression) else NotImplemented

    def __bool__(self) -> bool:
        raise TracedBranchError(f"a size rule branched on the traced value `{self}`: write num.where(...) instead of if")

    def __repr__(self) -> str:
        return f"Sym({self})"

    def __str__(self) -> str:
        return text(self)


def length_of(op: str, args: tuple[Any, ...]) -> int:
    """Return how many elements an operation's result has; 0 for a number."""
    if op == "table":
        return len(args)
    if op in REDUCERS:
        return 0
    operands = args[1:] if op == "take" else args
    return max((a.length for a in operands if isinstance(a, Expression)), default=0)


def same(a: Expression, b: Expression, seen: set[tuple[int, int]]) -> bool:
    """Return whether two expressions are the same; pairs in `seen` have been compared already."""
    if a is b or (id(a), id(b)) in seen:
        return True
    if hash(a) != hash(b) or (a.op, a.kind, len(a.args)) != (b.op, b.kind, len(b.args)):
        return False
    for x, y in zip(a.args, b.args, strict=True):
        if type(x) is not type(y) or not (same(x, y, seen) if isinstance(x, Expression) else x == y):
            return False
    seen.add((id(a), id(b)))
    return True
