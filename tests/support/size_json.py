"""Interpret a size function in JSON, by what `graphproc/emitters/source/json.py` says of the format, and by nothing else."""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

NUMBERS = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}
KINDS: Mapping[str, Callable[[Any], Any]] = {"int": int, "float": float, "bool": bool}
OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "truediv": operator.truediv,
    "floordiv": operator.floordiv, "mod": operator.mod, "min": min, "max": max,
    "lt": operator.lt, "le": operator.le, "eq": operator.eq, "not": operator.not_,
    "and": lambda a, b: a and b, "or": lambda a, b: a or b, "where": lambda c, a, b: a if c else b,
    "trunc": int, "floor": math.floor, "ceil": math.ceil, "round": round, "sqrt": math.sqrt, "float": float,
    "to_float32": lambda x: struct.unpack("f", struct.pack("f", x))[0],
}  # fmt: skip
REDUCERS: Mapping[str, Callable[[Sequence[Any]], Any]] = {
    "smallest": min, "largest": max, "any": any,
    "argmin": lambda t: t.index(min(t)), "argmax": lambda t: t.index(max(t)),
}  # fmt: skip


def interpret(function: Mapping[str, Any], arguments: Sequence[int]) -> dict[str, Any]:
    """Return the results of a call; raise ValueError with the message if the arguments are refused."""
    values: dict[str, Any] = dict(NUMBERS)
    for declared, argument in zip(function["arguments"], arguments, strict=True):
        if not declared["low"] <= argument <= declared["high"]:
            raise ValueError(f"{declared['name']}: expected a whole number from {declared['low']} to {declared['high']}")
        values[declared["name"]] = argument

    def operand(x: Any) -> Any:
        return values[x] if isinstance(x, str) else x

    for step in function["steps"]:
        if "require" in step:
            if not operand(step["require"]):
                raise ValueError(step["message"])
        else:
            values[step["name"]] = compute(step["op"], KINDS[step["kind"]], [operand(x) for x in step["args"]])
    return {name: [*map(operand, x)] if isinstance(x, list) else operand(x) for name, x in function["results"].items()}


def compute(op: str, kind: Callable[[Any], Any], args: list[Any]) -> Any:
    """Return the value of one operation, for each element if an operand is a table."""
    if op == "table":
        return [kind(x) for x in args]
    if op in REDUCERS:
        return kind(REDUCERS[op](args[0]))
    if op == "take":
        return [args[0][i] for i in args[1]] if isinstance(args[1], list) else args[0][args[1]]
    length = next((len(x) for x in args if isinstance(x, list)), None)
    if length is None:
        return kind(OPERATIONS[op](*args))
    return [kind(OPERATIONS[op](*(x[i] if isinstance(x, list) else x for x in args))) for i in range(length)]
