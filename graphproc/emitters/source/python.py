"""Write size functions in Python: a module of the standard library alone, with a function for each.

A function returns a dictionary with the results by name, tuples where there are several numbers, and
raises ValueError for arguments that it refuses. Arithmetic is what `num.evaluate` does, with whole
numbers of any length, so that sides have no upper limit.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from graphproc.emitters.source.assignments import Loop, flatten
from graphproc.emitters.source.writer import AND, ATOM, CHOICE, OR, PRODUCT, UNARY, Text, Writer, wrapped
from graphproc.sizes.function import SizeFunction
from graphproc.sizes.num import Num, Sym

_TYPE = {"int": "int", "float": "float", "bool": "bool"}
_HELPERS: Mapping[str, str] = {
    "to_float32": """\
def to_float32(x: float) -> float:
    return ctypes.c_float(x).value
""",
}
_IMPORTS = ("ctypes", "math", "operator")
_WORDS = (
    "False None True and as assert async await break class continue def del elif else except finally for from global if import "
    "in is lambda nonlocal not or pass raise return try while with yield match case type "
    "ctypes math operator abs any bool ceil dict float int len list max min range round str sum tuple ValueError"
)
"""Words that are no names of variables, and names that the text uses."""


def text(functions: Sequence[SizeFunction], about: Sequence[str]) -> str:
    """Return the text of size functions.

    Args:
        functions: the functions, with different names.
        about: lines of ASCII to say above what they are.
    """
    helpers: dict[str, None] = {}
    written = [PythonWriter(flatten(function, limit=None), helpers).function() for function in functions]
    parts = [*(_HELPERS[name] for name in helpers), *written]
    imports = "".join(f"import {name}\n" for name in _IMPORTS if any(f"{name}." in part for part in parts))
    comment = "".join(f"# {line}".rstrip() + "\n" for line in about)
    return "\n\n".join(["\n".join(filter(None, [comment, imports])), *parts]) if imports else "\n".join([comment, *parts])


class PythonWriter(Writer):
    """Write one function in Python."""

    RESERVED = frozenset(_WORDS.split()) | set(_HELPERS)
    AND, OR, NOT = "and", "or", "not "
    CONSTANT: ClassVar[dict[Any, str]] = {True: "True", False: "False"}

    def table_name(self, name: str) -> str:
        """Return the name of a constant."""
        return f"{self.body.function.name}_{name}".upper()

    def literal(self, value: Any, form: str) -> str:
        """Return a known number or condition, as it is."""
        if not isinstance(value, float) or math.isfinite(value):
            return repr(value)
        return "math.nan" if math.isnan(value) else f"{'-' * (value < 0)}math.inf"

    def converted(self, text: Text, form: str) -> Text:
        """Return the text itself: operators convert whole numbers as they need."""
        return text._replace(form=form)

    def operation(self, x: Sym) -> Text:
        """Return an operation; `not` binds less than in other languages."""
        found = super().operation(x)
        return found._replace(binding=AND) if x.op == "not" else found

    def division(self, x: Sym, form: str) -> Text:
        """Return a division that rounds down, or its remainder: Python's own."""
        a, b = x.args
        sign = "//" if x.op == "floordiv" else "%"
        return Text(f"{self.expression(a, binding=PRODUCT)} {sign} {self.expression(b, binding=UNARY)}", PRODUCT, form)

    def choice(self, x: Sym) -> Text:
        """Return one of two numbers, by a condition."""
        condition, a, b = x.args
        text = f"{self.expression(a, binding=OR)} if {self.expression(condition, binding=OR)} else {self.expression(b)}"
        return Text(text, CHOICE, self.form(x))

    def extreme(self, x: Sym, form: str) -> Text:
        """Return the smaller or the larger of two numbers."""
        return Text(f"{x.op}({', '.join(self.expression(a) for a in x.args)})", ATOM, form)

    def converted_operand(self, x: Sym) -> Text:
        """Return the operand of `float`, converted."""
        return Text(f"float({self.expression(x.args[0])})", ATOM, "float")

    def reduced(self, x: Sym) -> Text:
        """Return a number that all elements of a table decide."""
        values = self.table(x.args[0])
        if x.op in ("argmin", "argmax"):
            return Text(f"{values}.index({x.op[3:]}({values}))", ATOM, "int")
        return Text(f"{ {'smallest': 'min', 'largest': 'max', 'any': 'any'}[x.op] }({values})", ATOM, self.form(x))

    def position(self, index: Num) -> str:
        """Return an index of a table."""
        return self.expression(index)

    def rounded(self, x: Sym) -> Text:
        """Return a rounded number."""
        name = {"trunc": "int", "floor": "math.floor", "ceil": "math.ceil", "round": "round"}[x.op]
        return Text(f"{name}({self.expression(x.args[0])})", ATOM, "int")

    def function_of(self, x: Sym) -> Text:
        """Return a root, or a number that is rounded to float32."""
        operand = self.expression(x.args[0])
        return Text(f"math.sqrt({operand})" if x.op == "sqrt" else self.call("to_float32", operand), ATOM, "float")

    def assignment(self, x: Sym) -> str:
        """Return a definition, or what adds an element."""
        if x in self.body.kept:
            return f"{self.names[x]}.append({self.value(x)})"
        return f"{self.names[x]} = {self.value(x)}"

    def refused(self, condition: str, message: str) -> list[str]:
        """Return what raises an error."""
        return [f"if {condition}:", f"    raise ValueError({json.dumps(message)})"]

    def loop(self, loop: Loop, indent: int) -> list[str]:
        """Return lists, and the loop that fills them: a comprehension, if it does nothing else."""
        outer, head = self.INDENT * indent, f"for {self.INDEX} in range({loop.length})"
        filled = self.filled(loop)
        if len(loop.steps) == 1 and filled:
            return [f"{outer}{self.names[filled[0]]} = [{self.value(filled[0])} {head}]"]
        # A step reads elements of this turn, which are the last ones.
        return [
            *(f"{outer}{self.names[x]} = []" for x in filled),
            f"{outer}{head}:",
            *self.statements(loop.steps, indent + 1),
        ]

    def function(self) -> str:
        """Return the tables and the function."""
        results = self.body.function.results
        lines: list[str] = []
        for x, name in self.tables.items():
            lines += [f"{name} = (", *wrapped([f"{self.literal(v, x.kind)}" for v in x.args], self.INDENT), ")"]
            lines[-2] += ","
        lines += ["", ""] * bool(lines)
        each = {self.result_form(value) for value in results.values()}
        kinds: list[str] = [kind for kind in _TYPE if kind in each]
        kinds += [f"tuple[{' | '.join(kinds)}, ...]"] if any(isinstance(value, tuple) for value in results.values()) else []
        arguments = ", ".join(f"{name}: int" for name in self.arguments.values())
        lines += [
            f"def {self.name}({arguments}) -> dict[str, {' | '.join(kinds) or 'int'}]:",
            '    """Return the sizes of results for an image\'s size in pixels; raise ValueError if it is refused."""',
            *(f"    {name} = operator.index({name})" for name in self.arguments.values()),
            *self.range_checks(),
            *self.statements(self.body.steps),
            "    return {",
        ]
        for name, value in results.items():
            if isinstance(value, tuple):
                text = ", ".join(self.expression(x) for x in value)
                text = f"({text},)" if len(value) == 1 else f"({text})"
            else:
                text = self.expression(value)
            lines.append(f"        {json.dumps(name)}: {text},")
        return "\n".join([*lines, "    }", ""])
