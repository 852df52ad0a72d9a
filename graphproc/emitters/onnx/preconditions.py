"""What a program requires of sizes, as nodes that fail where it does not hold.

A value that the program goes on with is reshaped to its own shape, which costs no runtime any time, or where a precondition does
not hold to an impossible one, which every runtime refuses. The node is called `check: <what does not hold>/Reshape`. The choice
is between whole shapes: of one length among known ones ONNX Runtime makes -1, whatever decides it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from graphproc.emitters.onnx.builder import GraphBuilder, Value
from graphproc.ir.program import Precondition
from graphproc.ir.types import TensorType
from graphproc.sizes import num

MARK = "check: "
_IMPOSSIBLE = -2
_OUTPUT = re.compile(rf"{MARK}(.+?)/Reshape(?:_\d+)?_out")
_NAME = re.compile(rf"{MARK}(.+?)/Reshape(?:_\d+)?'")


def decided(preconditions: Sequence[Precondition], symbols: Collection[str]) -> list[Precondition]:
    """Return those that known symbols decide and that are not decided yet."""
    return [p for p in preconditions if not isinstance(p.holds, bool) and set(num.symbols(p.holds)) <= set(symbols)]


def checked(g: GraphBuilder, value: Value, type: TensorType, batch: Value | None, conditions: Sequence[Precondition]) -> Value:
    """The value behind a check of each condition.

    Args:
        g: the graph under construction.
        value: a tensor of the program, with a batch axis in front where there is a batch.
        type: its type in the program, of at least one axis.
        batch: the number of images, int64 [1], or None without a batch axis.
        conditions: preconditions on known symbols alone.
    """
    ahead = [] if batch is None else [batch]
    for condition in conditions:
        with g.scope(f"{MARK}{condition.message}"):
            value = g.Reshape(value, g.Where(g.num(condition.holds), g.vector(*ahead, *type.shape), g.vector(_IMPOSSIBLE)))
    return g.with_type(value, type)


def same(g: GraphBuilder, value: Value, shape: Value, wanted: Value, message: str) -> Value:
    """The value behind a check that its shape is the wanted one."""
    with g.scope(f"{MARK}{message}"):
        result: Value = g.Reshape(value, g.Where(g.Equal(shape, wanted), shape, g.vector(_IMPOSSIBLE)))
    return result


def checked_by(name: str) -> str | None:
    """What the node that writes a value of that name checks; None where it checks nothing."""
    return found[1] if (found := _OUTPUT.search(name)) else None


def broken(message: str) -> str | None:
    """Which precondition does not hold, by the error of ONNX Runtime; None for another error."""
    found = _NAME.findall(message)
    return found[-1] if found else None
