"""Hold the function behind each operation of size expressions, by the operation's name."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from graphproc.sizes import num

OPERATIONS: Mapping[str, Callable[..., Any]] = {
    "or": num.either,
    "and": num.both,
    "not": num.negate,
    "lt": operator.lt,
    "le": operator.le,
    "eq": num.eq,
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": operator.truediv,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "where": num.where,
    "min": num.minimum,
    "max": num.maximum,
    "trunc": num.trunc,
    "floor": num.floor,
    "ceil": num.ceil,
    "round": num.round_half_even,
    "sqrt": num.sqrt,
    "float": num.as_float,
    "to_float32": num.to_float32,
    "take": num.take,
    "argmin": num.argmin,
    "argmax": num.argmax,
    "smallest": num.smallest,
    "largest": num.largest,
    "any": num.any_of,
}
"""Each makes a number of known operands, and an expression of others; `symbol` and `table` have no operands."""
