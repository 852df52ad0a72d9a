"""Write size functions in Go (1.18 and later): a struct of results and a function for each, in one file of a package `sizes`.

A function returns an error for arguments that it refuses. Whole numbers are int64, others float64. Each
product is converted to float64, because Go may otherwise round it together with the sum around it
(the Go specification, "Floating-point operators").
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from graphproc.emitters.source.assignments import Loop, elements, flatten
from graphproc.emitters.source.writer import ATOM, Text, Writer, camel, wrapped
from graphproc.sizes.function import SizeFunction
from graphproc.sizes.num import Sym

_TYPE = {"int": "int64", "float": "float64", "bool": "bool"}
_HELPERS: Mapping[str, str] = {
    "choose": """\
func choose[T any](condition bool, yes, no T) T {
	if condition {
		return yes
	}
	return no
}
""",
    "minOf": """\
func minOf[T int64 | float64](a, b T) T {
	if b < a {
		return b
	}
	return a
}
""",
    "maxOf": """\
func maxOf[T int64 | float64](a, b T) T {
	if b > a {
		return b
	}
	return a
}
""",
    "floorDivInt": """\
func floorDivInt(a, b int64) int64 {
	if a%b != 0 && (a < 0) != (b < 0) {
		return a/b - 1
	}
	return a / b
}
""",
    "floorModInt": """\
func floorModInt(a, b int64) int64 {
	remainder := a % b
	if remainder != 0 && (a < 0) != (b < 0) {
		return remainder + b
	}
	return remainder
}
""",
    "floorDivFloat": """\
func floorDivFloat(a, b float64) float64 {
	remainder := math.Mod(a, b)
	quotient := (a - remainder) / b
	if remainder != 0 && (remainder < 0) != (b < 0) {
		quotient -= 1
	}
	if quotient == 0 {
		return math.Copysign(0, a/b)
	}
	if quotient-math.Floor(quotient) > 0.5 {
		return math.Floor(quotient) + 1
	}
	return math.Floor(quotient)
}
""",
    "floorModFloat": """\
func floorModFloat(a, b float64) float64 {
	remainder := math.Mod(a, b)
	if remainder == 0 {
		return math.Copysign(0, b)
	}
	if (remainder < 0) != (b < 0) {
		return remainder + b
	}
	return remainder
}
""",
    "argmin": """\
func argmin[T int64 | float64](values []T) int64 {
	best := 0
	for i, value := range values {
		if value < values[best] {
			best = i
		}
	}
	return int64(best)
}
""",
    "argmax": """\
func argmax[T int64 | float64](values []T) int64 {
	best := 0
	for i, value := range values {
		if value > values[best] {
			best = i
		}
	}
	return int64(best)
}
""",
    "firstTrue": """\
func firstTrue(values []bool) int64 {
	for i, value := range values {
		if value {
			return int64(i)
		}
	}
	return 0
}
""",
    "smallestOf": """\
func smallestOf[T int64 | float64](values []T) T {
	best := values[0]
	for _, value := range values {
		if value < best {
			best = value
		}
	}
	return best
}
""",
    "largestOf": """\
func largestOf[T int64 | float64](values []T) T {
	best := values[0]
	for _, value := range values {
		if value > best {
			best = value
		}
	}
	return best
}
""",
    "anyTrue": """\
func anyTrue(values []bool) bool {
	for _, value := range values {
		if value {
			return true
		}
	}
	return false
}
""",
}
_HELPER_NAMES: Mapping[tuple[str, str], str] = {
    ("argmax", "bool"): "firstTrue",
    ("any", "bool"): "anyTrue",
    **{(name, form): f"{name}Of" for name in ("smallest", "largest") for form in ("int", "float")},
    **{("min", form): "minOf" for form in ("int", "float")},
    **{("max", form): "maxOf" for form in ("int", "float")},
}
_WORDS = (
    "break case chan const continue default defer else fallthrough for func go goto if import interface map package range "
    "return select struct switch type var any bool byte error false float32 float64 int int64 iota len make math errors nil "
    "string true append cap close complex copy delete imag new panic print println real recover rune uint min max clear sizes"
)
"""Words that are no names of variables, and names that the text uses."""


def text(functions: Sequence[SizeFunction], about: Sequence[str]) -> str:
    """Return the text of size functions.

    Args:
        functions: the functions, with different names.
        about: lines of ASCII to say above what they are.
    """
    helpers: dict[str, None] = {}
    written = [GoWriter(flatten(function), helpers).function() for function in functions]
    parts = [*(_HELPERS[name] for name in helpers), *written]
    imports = [name for name in ("errors", "math") if any(f"{name}." in part for part in parts)]
    comment = "".join(f"// {line}".rstrip() + "\n" for line in about)
    head = ["import (", *(f'\t"{name}"' for name in imports), ")", ""] if imports else []
    return "\n".join([comment, "package sizes\n", *head, *parts])


class GoWriter(Writer):
    """Write one function in Go."""

    RESERVED = frozenset(_WORDS.split()) | set(_HELPERS)
    INDENT = "\t"

    def function_name(self, name: str) -> str:
        """Return a name in camel case that other packages see."""
        return camel(name, first=True)

    def variable(self, name: str) -> str:
        """Return a name in camel case."""
        return camel(name)

    def field(self, name: str) -> str:
        """Return the name of a result that other packages see."""
        return camel(name, first=True)

    def helper(self, operation: str, form: str) -> str:
        """Return the name of a helper; most take numbers of both types."""
        if operation in ("floor_div", "floor_mod"):
            return camel(f"{operation}_{form}")
        return _HELPER_NAMES.get((operation, form), operation)

    def literal(self, value: Any, form: str) -> str:
        """Return a known number or condition."""
        if form == "bool":
            return self.CONSTANT[bool(value)]
        if form == "int":
            return str(value)
        number = float(value)
        if math.isfinite(number):
            return repr(number)
        return "math.NaN()" if math.isnan(number) else f"math.Inf({'-' * (number < 0)}1)"

    def converted(self, text: Text, form: str) -> Text:
        """Return a whole number as a float64."""
        return Text(f"{_TYPE[form]}({text.text})", ATOM, form)

    def arithmetic(self, x: Sym, form: str) -> Text:
        """Return a sum, difference, product or quotient; products of floats are rounded for themselves."""
        found = super().arithmetic(x, form)
        return Text(f"float64({found.text})", ATOM, form) if x.op == "mul" and form == "float" else found

    def choice(self, x: Sym) -> Text:
        """Return the call that chooses one of two numbers."""
        form = self.form(x)
        condition, a, b = (self.expression(one, kind) for one, kind in zip(x.args, ("bool", form, form), strict=True))
        self.call("choose")
        return Text(f"choose[{_TYPE[form]}]({condition}, {a}, {b})", ATOM, form)

    def reduced(self, x: Sym) -> Text:
        """Return the call with a slice of the table."""
        found = super().reduced(x)
        return found._replace(text=f"{found.text[:-1]}[:])")

    def rounded(self, x: Sym) -> Text:
        """Return the conversion of a rounded number."""
        operand = self.expression(x.args[0], "float")
        if x.op != "trunc":
            operand = f"math.{ {'floor': 'Floor', 'ceil': 'Ceil', 'round': 'RoundToEven'}[x.op] }({operand})"
        return Text(f"int64({operand})", ATOM, "int")

    def function_of(self, x: Sym) -> Text:
        """Return a root, or a number that is rounded to float32."""
        operand = self.expression(x.args[0], "float")
        return Text(f"math.Sqrt({operand})" if x.op == "sqrt" else f"float64(float32({operand}))", ATOM, "float")

    def assignment(self, x: Sym) -> str:
        """Return a definition, or what fills an element."""
        if x in self.body.kept:
            return f"{self.names[x]}[{self.INDEX}] = {self.value(x)}"
        return f"{self.names[x]} := {self.value(x)}"

    def refused(self, condition: str, message: str) -> list[str]:
        """Return what returns an error."""
        text = json.dumps(message, ensure_ascii=False)
        return [f"if {condition} {{", f"\treturn sizes, errors.New({text})", "}"]

    def loop(self, loop: Loop, indent: int) -> list[str]:
        """Return arrays, and the loop that fills them."""
        outer = self.INDENT * indent
        return [
            *(f"{outer}var {self.names[x]} [{loop.length}]{_TYPE[self.form(x)]}" for x in self.filled(loop)),
            f"{outer}for {self.INDEX} := 0; {self.INDEX} < {loop.length}; {self.INDEX}++ {{",
            *self.statements(loop.steps, indent + 1),
            f"{outer}}}",
        ]

    def function(self) -> str:
        """Return the tables, the struct of results, and the function."""
        results = self.body.function.results
        lines: list[str] = []
        for x, name in self.tables.items():
            items = [self.literal(value, x.kind) for value in x.args]
            rows = [f"{row}," for row in wrapped(items, self.INDENT)]
            lines += [f"var {name} = [...]{_TYPE[x.kind]}{{", *(row.replace(",,", ",") for row in rows), "}", ""]
        kinds = {
            name: (f"[{len(value)}]" if isinstance(value, tuple) else "") + _TYPE[self.result_form(value)]
            for name, value in results.items()
        }
        wide, wider = max(map(len, self.fields.values()), default=0), max(map(len, kinds.values()), default=0)
        lines += [
            f"// {self.name}Sizes holds what {self.name} returns.",
            f"type {self.name}Sizes struct {{",
            *(f"\t{self.fields[name]:{wide}} {kinds[name]:{wider}} `json:{json.dumps(name)}`" for name in results),
            "}",
            "",
            f"// {self.name} returns the sizes of results for an image's size in pixels, or an error for a size that is refused.",
            f"func {self.name}({', '.join(self.arguments.values())} int64) (sizes {self.name}Sizes, err error) {{"
            if self.arguments
            else f"func {self.name}() (sizes {self.name}Sizes, err error) {{",
            *self.range_checks(),
            *self.statements(self.body.steps),
        ]
        for name, value in results.items():
            form = self.result_form(value)
            text = ", ".join(self.expression(x, form) for x in elements(value))
            lines.append(f"\tsizes.{self.fields[name]} = " + (f"{kinds[name]}{{{text}}}" if isinstance(value, tuple) else text))
        return "\n".join([*lines, "\treturn sizes, nil", "}", ""])
