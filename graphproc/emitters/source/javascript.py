"""Write size functions in JavaScript: an ES module for browsers and Node.js, without dependencies.

A function returns an object with the results by name, and throws a RangeError for arguments that it
refuses. Numbers are JavaScript's, float64 as in Python. Whole numbers that bounds do not prove to be
below 2**53 are BigInts until they are small again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from graphproc.emitters.source.assignments import EXACT, Loop, flatten
from graphproc.emitters.source.writer import ATOM, SUM, Text, Writer, camel, wrapped
from graphproc.sizes import num
from graphproc.sizes.function import SizeFunction
from graphproc.sizes.num import Bool, Num, Sym

_FLOOR_DIV_FLOAT = """\
function floorDivFloat(a, b) {
  const remainder = a % b;
  let quotient = (a - remainder) / b;
  if (remainder !== 0 && remainder < 0 !== b < 0) {
    quotient -= 1;
  }
  if (quotient === 0) {
    return a < 0 !== b < 0 ? -0 : 0;
  }
  return quotient - Math.floor(quotient) > 0.5 ? Math.floor(quotient) + 1 : Math.floor(quotient);
}
"""
_HELPERS: Mapping[str, str] = {
    "roundHalfEven": """\
function roundHalfEven(x) {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}
""",
    "floorDivInt": """\
function floorDivInt(a, b) {
  return Math.floor(a / b) + 0;
}
""",
    "floorModInt": """\
function floorModInt(a, b) {
  return a - b * Math.floor(a / b);
}
""",
    "floorDivBig": """\
function floorDivBig(a, b) {
  return a % b !== 0n && a < 0n !== b < 0n ? a / b - 1n : a / b;
}
""",
    "floorModBig": """\
function floorModBig(a, b) {
  const remainder = a % b;
  return remainder !== 0n && remainder < 0n !== b < 0n ? remainder + b : remainder;
}
""",
    "floorDivFloat": _FLOOR_DIV_FLOAT,
    "floorModFloat": """\
function floorModFloat(a, b) {
  const remainder = a % b;
  if (remainder === 0) {
    return b < 0 ? -0 : 0;
  }
  return remainder < 0 !== b < 0 ? remainder + b : remainder;
}
""",
    "min": """\
function min(a, b) {
  return b < a ? b : a;
}
""",
    "max": """\
function max(a, b) {
  return b > a ? b : a;
}
""",
    "argmin": """\
function argmin(values) {
  return values.reduce((best, value, i) => (value < values[best] ? i : best), 0);
}
""",
    "argmax": """\
function argmax(values) {
  return values.reduce((best, value, i) => (value > values[best] ? i : best), 0);
}
""",
    "smallestOf": """\
function smallestOf(values) {
  return values.reduce((best, value) => (value < best ? value : best));
}
""",
    "largestOf": """\
function largestOf(values) {
  return values.reduce((best, value) => (value > best ? value : best));
}
""",
}
_WORDS = (
    "arguments await break case catch class const continue debugger default delete do else enum eval export extends false "
    "finally for function if implements import in instanceof interface let new null package private protected public return "
    "static super switch this throw true try typeof var void while with yield async of undefined NaN Infinity Math BigInt "
    "Number RangeError"
)
"""Words that are no names of variables, and names that the text uses."""


def text(functions: Sequence[SizeFunction], about: Sequence[str]) -> str:
    """Return the text of size functions.

    Args:
        functions: the functions, with different names.
        about: lines of ASCII to say above what they are.
    """
    helpers: dict[str, None] = {}
    written = [JavaScriptWriter(flatten(function), helpers).function() for function in functions]
    comment = "".join(f"// {line}".rstrip() + "\n" for line in about)
    return "\n".join([comment, *(_HELPERS[name] for name in helpers), *written])


class JavaScriptWriter(Writer):
    """Write one function in JavaScript. The form `big` is a BigInt."""

    RESERVED = frozenset(_WORDS.split()) | set(_HELPERS)
    INDENT = "  "
    COMPARED: ClassVar[dict[str, str]] = {"lt": "<", "le": "<=", "eq": "==="}
    NO_SIDE = "!Number.isInteger({})"

    def variable(self, name: str) -> str:
        """Return a name in camel case."""
        return camel(name)

    def form(self, x: Num | Bool) -> str:
        """Return `big` for whole numbers that may be beyond 2**53."""
        kind = num.kind_of(x)
        return "big" if kind == "int" and not self.body.within(x, EXACT) else kind

    def joint(self, *numbers: Num) -> str:
        """Return `big` for whole numbers if one is."""
        forms = {self.form(a) for a in numbers if num.kind_of(a) != "bool"}
        return next((form for form in ("float", "big") if form in forms), "int")

    def literal(self, value: Any, form: str) -> str:
        """Return a known number or condition."""
        if form == "bool":
            return self.CONSTANT[bool(value)]
        if form == "big":
            return f"{value}n"
        if isinstance(value, int) or not math.isfinite(value):
            return str(value).replace("inf", "Infinity").replace("nan", "NaN")
        return repr(value).removesuffix(".0")

    def converted(self, text: Text, form: str) -> Text:
        """Return a BigInt as a number or the reverse; whole numbers and floats are one type."""
        if "big" not in (text.form, form):
            return text._replace(form=form)
        return Text(f"{'BigInt' if form == 'big' else 'Number'}({text.text})", ATOM, form)

    def arithmetic(self, x: Sym, form: str) -> Text:
        """Return a sum, difference, product or quotient; a whole product is never -0."""
        found = super().arithmetic(x, form)
        if x.op == "mul" and form == "int" and min(map(self.body.low, x.args)) < 0:
            return Text(f"{found.text} + 0", SUM, form)
        return found

    def helper(self, operation: str, form: str) -> str:
        """Return the name of a helper; only divisions differ between forms."""
        if operation in ("floor_div", "floor_mod"):
            return camel(f"{operation}_{form}")
        return f"{operation}Of" if operation in ("smallest", "largest") else operation

    def whole_division(self, x: Sym, form: str) -> Text:
        """Return a division of whole numbers from 0."""
        found = super().whole_division(x, form)
        return Text(f"Math.floor({found.text})", ATOM, form) if x.op == "floordiv" and form == "int" else found

    def extreme(self, x: Sym, form: str) -> Text:
        """Return the smaller or the larger of two numbers; the first, if one is 0 and the other -0."""
        found = super().extreme(x, form)
        return found._replace(text=f"Math.{found.text}") if form == "int" else found

    def reduced(self, x: Sym) -> Text:
        """Return a number that all elements of a table decide."""
        (values,) = x.args
        if x.op == "any":
            return Text(f"{self.table(values)}.includes(true)", ATOM, "bool")
        return super().reduced(x)

    def rounded(self, x: Sym) -> Text:
        """Return a rounded number; -0 becomes 0."""
        operand = self.expression(x.args[0], "float")
        rounded = self.call("roundHalfEven", operand) if x.op == "round" else f"Math.{x.op}({operand})"
        if self.form(x) == "big":
            return Text(f"BigInt({rounded})", ATOM, "big")
        return Text(rounded, ATOM, "int") if self.body.low(x.args[0]) > 0 else Text(f"{rounded} + 0", SUM, "int")

    def function_of(self, x: Sym) -> Text:
        """Return a root, or a number that is rounded to float32."""
        name = {"sqrt": "Math.sqrt", "to_float32": "Math.fround"}[x.op]
        return Text(f"{name}({self.expression(x.args[0], 'float')})", ATOM, "float")

    def assignment(self, x: Sym) -> str:
        """Return a definition, or what adds an element."""
        if x in self.body.kept:
            return f"{self.names[x]}[{self.INDEX}] = {self.value(x)};"
        return f"const {self.names[x]} = {self.value(x)};"

    def refused(self, condition: str, message: str) -> list[str]:
        """Return what throws an error."""
        return [f"if ({condition}) {{", f"  throw new RangeError({json.dumps(message)});", "}"]

    def loop(self, loop: Loop, indent: int) -> list[str]:
        """Return arrays, and the loop that fills them."""
        outer = self.INDENT * indent
        return [
            *(f"{outer}const {self.names[x]} = [];" for x in self.filled(loop)),
            f"{outer}for (let {self.INDEX} = 0; {self.INDEX} < {loop.length}; {self.INDEX}++) {{",
            *self.statements(loop.steps, indent + 1),
            f"{outer}}}",
        ]

    def function(self) -> str:
        """Return the tables and the function."""
        results = self.body.function.results
        lines: list[str] = []
        for x, name in self.tables.items():
            items = [self.literal(value, self.form(x)) for value in x.args]
            lines += [f"const {name} = [", *wrapped(items, self.INDENT), "];", ""]
        lines += [
            "/**",
            " * Return the sizes of results for an image's size in pixels.",
            *(f" * @param {{number}} {name}" for name in self.arguments.values()),
            f" * @returns {{{{ {', '.join(self._property(name) for name in results)} }}}}",
            " * @throws {RangeError} The size is refused.",
            " */",
            f"export function {self.name}({', '.join(self.arguments.values())}) {{",
        ]
        lines += self.range_checks()
        lines += [*self.statements(self.body.steps), "  return {"]
        for name, value in results.items():
            form = self.result_form(value)
            if isinstance(value, tuple):
                text = f"[{', '.join(self.expression(x, form) for x in value)}]"
            else:
                text = self.expression(value, form)
            lines.append(f"    {_key(name)}: {text},")
        return "\n".join([*lines, "  };", "}", ""])

    def _property(self, name: str) -> str:
        value = self.body.function.results[name]
        kind = "boolean" if self.result_form(value) == "bool" else "number"
        return f"{_key(name)}: {kind}{'[]' if isinstance(value, tuple) else ''}"


def _key(name: str) -> str:
    """Return the key of an object."""
    return name if name.isidentifier() and name.isascii() else json.dumps(name)
