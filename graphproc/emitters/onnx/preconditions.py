"""Emit what a program requires of sizes, as nodes that fail if it does not hold.

A value that the program goes on with is reshaped: to its own shape, which costs no runtime any
time, or to an impossible one, which every runtime refuses. The node is called `check: <what does
not hold>/Reshape`. The choice is between whole shapes, because ONNX Runtime makes -1 of one length
among known ones, whatever decides it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from graphproc.emitters.onnx.builder import GraphBuilder
from graphproc.emitters.onnx.nodes import Value
from graphproc.ir.program import Precondition
from graphproc.ir.types import TensorType
from graphproc.sizes import num

MARK = "check: "
"""What the names of checks begin with."""
IMPOSSIBLE = -2
"""A side that no shape has, so that every runtime refuses it."""
_OUTPUT = re.compile(rf"{MARK}(.+?)/Reshape(?:_\d+)?_out")
_NAME = re.compile(rf"{MARK}(.+?)/Reshape(?:_\d+)?'")


def decided(preconditions: Sequence[Precondition], symbols: Collection[str]) -> list[Precondition]:
    """Return the preconditions that known symbols decide.

    Those that always hold, or never, are left out.
    """
    return [p for p in preconditions if not isinstance(p.holds, bool) and set(num.symbols(p.holds)) <= set(symbols)]


def checked(g: GraphBuilder, value: Value, type: TensorType, batch: Value | None, conditions: Sequence[Precondition]) -> Value:
    """Return the value behind a check of each condition.

    Args:
        g: the graph under construction.
        value: a tensor of the program, with a batch axis in front if there is a batch.
        type: its type in the program, of at least one axis.
        batch: the number of images, int64 [1], or None without a batch axis.
        conditions: preconditions on known symbols alone.
    """
    ahead = [] if batch is None else [batch]
    for condition in conditions:
        with g.scope(f"{MARK}{condition.message}"):
            value = g.Reshape(value, g.Where(g.num(condition.holds), g.vector(*ahead, *type.shape), g.vector(IMPOSSIBLE)))
    return g.with_type(value, type)


def same(g: GraphBuilder, value: Value, shape: Value, wanted: Value, message: str) -> Value:
    """Return the value behind a check that its shape is the wanted one.

    Args:
        g: the graph under construction.
        value: the tensor.
        shape: its shape, int64 [rank].
        wanted: the shape that it must have, int64 [rank].
        message: what the check is called, e.g. `expected results of one shape`.
    """
    with g.scope(f"{MARK}{message}"):
        result: Value = g.Reshape(value, g.Where(g.Equal(shape, wanted), shape, g.vector(IMPOSSIBLE)))
    return result


def checked_by(name: str) -> str | None:
    """Return what the node that writes a value of that name checks; None if it checks nothing."""
    return found[1] if (found := _OUTPUT.search(name)) else None


def broken(message: str) -> str | None:
    """Return which precondition does not hold, by ONNX Runtime's error; None for another error."""
    found = _NAME.findall(message)
    return found[-1] if found else None
