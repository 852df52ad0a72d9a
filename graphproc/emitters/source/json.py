"""Write size functions as JSON, for those who interpret them in a language of their own.

A file holds one object:

    format      "graphproc size functions"
    version     1; another number means that what follows is read otherwise
    about       lines of text: what the functions are, and who wrote them
    functions   a list of functions

A function is an object:

    name        its name
    arguments   a list of {"name": name, "low": 1, "high": 1048576}: each argument is a whole number
                of these; others are refused
    steps       a list, to be carried out in order
    results     the value of each result by name: one operand, or a list of operands

A step with "require" refuses the arguments with "message" if that operand is false. Every other step
computes one value and gives it a name:

    name        of the value; arguments have names, too, and no name is given twice
    kind        "int", "float" or "bool": what the value is, or what each element of a table is
    op          the operation
    args        its operands: a number, true, false, or a string, which is the name of a value before.
                The strings "Infinity", "-Infinity" and "NaN" are these floats.

Values of kind "float" are float64, and every operation rounds to it by itself. Ints are exact: what
has no exact result in 64 bits is refused by a step before. Operations mean what Python's do:

    add sub mul truediv floordiv mod    + - * / // %; `//` and `%` round down, also below 0
    trunc floor ceil round              int() math.floor() math.ceil() round(), ties to even
    sqrt float to_float32               the root; a float64; a float64 that was rounded to float32
    min max lt le eq and or not         min() max() < <= == and or not
    where                               args[1] if args[0] else args[2]
    table                               a list of its args
    take                                args[0][args[1]], an element of a table
    argmin argmax                       the index of the smallest or largest element, the first of
                                        equal ones; true is larger than false
    smallest largest any                min() max() any() of a table's elements

An operation on a table is done for each element; tables of one operation have the same length, and a
number beside them is the same for all. `take` with a table of indices gives a table.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from graphproc.emitters.source.assignments import Assign, Body, Loop, Require, flatten
from graphproc.sizes.function import SizeFunction
from graphproc.sizes.num import Sym

FORMAT = "graphproc size functions"
VERSION = 1


def text(functions: Sequence[SizeFunction], about: Sequence[str]) -> str:
    """Return the text of size functions.

    Args:
        functions: the functions, with different names.
        about: lines to say what they are.
    """
    written = [_function(flatten(function, inline=False)) for function in functions]
    lines = [f'  "functions": [{", ".join(written)}]']
    head = {"format": FORMAT, "version": VERSION, "about": list(about)}
    return "{\n" + ",\n".join([*(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()), *lines]) + "\n}\n"


def _function(body: Body) -> str:
    """Return a function, each step in a line."""

    def operand(x: Any) -> Any:
        if isinstance(x, Sym):
            return x.args[0] if x.op == "symbol" else body.names[x]
        return x if math.isfinite(x) else str(float(x)).replace("inf", "Infinity").replace("nan", "NaN")

    def step(one: Assign | Require | Loop) -> dict[str, Any]:
        if isinstance(one, Require):
            return {"require": operand(one.condition), "message": one.message}
        assert isinstance(one, Assign), "there are no loops"
        x = one.value
        return {"name": body.names[x], "kind": x.kind, "op": x.op, "args": [operand(a) for a in x.args]}

    results = {
        name: [operand(x) for x in value] if isinstance(value, tuple) else operand(value)
        for name, value in body.function.results.items()
    }
    parts = {
        "name": json.dumps(body.function.name),
        "arguments": json.dumps([{"name": one.name, "low": one.low, "high": one.high} for one in body.arguments]),
        "steps": _lines([json.dumps(step(one)) for one in body.steps], "[]"),
        "results": _lines([f"{json.dumps(name)}: {json.dumps(value)}" for name, value in results.items()], "{}"),
    }
    return "{\n" + ",\n".join(f'    "{key}": {value}' for key, value in parts.items()) + "\n  }"


def _lines(items: Sequence[str], brackets: str) -> str:
    inner = ",\n".join(f"      {item}" for item in items)
    return f"{brackets[0]}\n{inner}\n    {brackets[1]}" if items else brackets
