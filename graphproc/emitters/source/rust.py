"""Write size functions in Rust (2021 edition and later): a struct of results and a function for each, in one module.

A function returns a `Result`; its error is a text that says why a size is refused. Whole numbers are
i64, others f64, which Rust rounds after each operation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from graphproc.emitters.source.assignments import Loop, elements, flatten
from graphproc.emitters.source.writer import ATOM, CHOICE, UNARY, Text, Writer, camel, wrapped
from graphproc.sizes.function import SizeFunction
from graphproc.sizes.num import Num, Sym

CAST = UNARY - 1
"""How strongly `as` binds."""
_TYPE = {"int": "i64", "float": "f64", "bool": "bool"}
_HELPERS: Mapping[str, str] = {
    "round_half_even": """\
fn round_half_even(x: f64) -> i64 {
    let below = x.floor();
    let rest = x - below;
    let up = rest > 0.5 || (rest == 0.5 && below % 2.0 != 0.0);
    below as i64 + i64::from(up)
}
""",
    "floor_div_int": """\
fn floor_div_int(a: i64, b: i64) -> i64 {
    a / b - i64::from(a % b != 0 && (a < 0) != (b < 0))
}
""",
    "floor_mod_int": """\
fn floor_mod_int(a: i64, b: i64) -> i64 {
    let remainder = a % b;
    if remainder != 0 && (a < 0) != (b < 0) {
        remainder + b
    } else {
        remainder
    }
}
""",
    "floor_div_float": """\
fn floor_div_float(a: f64, b: f64) -> f64 {
    let remainder = a % b;
    let mut quotient = (a - remainder) / b;
    if remainder != 0.0 && (remainder < 0.0) != (b < 0.0) {
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        0.0_f64.copysign(a / b)
    } else if quotient - quotient.floor() > 0.5 {
        quotient.floor() + 1.0
    } else {
        quotient.floor()
    }
}
""",
    "floor_mod_float": """\
fn floor_mod_float(a: f64, b: f64) -> f64 {
    let remainder = a % b;
    if remainder == 0.0 {
        0.0_f64.copysign(b)
    } else if (remainder < 0.0) != (b < 0.0) {
        remainder + b
    } else {
        remainder
    }
}
""",
    "smaller_of": """\
fn smaller_of<T: PartialOrd>(a: T, b: T) -> T {
    if b < a {
        b
    } else {
        a
    }
}
""",
    "larger_of": """\
fn larger_of<T: PartialOrd>(a: T, b: T) -> T {
    if b > a {
        b
    } else {
        a
    }
}
""",
    "argmin": """\
fn argmin<T: PartialOrd>(values: &[T]) -> i64 {
    let mut best = 0;
    for (i, value) in values.iter().enumerate() {
        if *value < values[best] {
            best = i;
        }
    }
    best as i64
}
""",
    "argmax": """\
fn argmax<T: PartialOrd>(values: &[T]) -> i64 {
    let mut best = 0;
    for (i, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = i;
        }
    }
    best as i64
}
""",
    "smallest_of": """\
fn smallest_of<T: PartialOrd + Copy>(values: &[T]) -> T {
    values.iter().fold(values[0], |best, &value| if value < best { value } else { best })
}
""",
    "largest_of": """\
fn largest_of<T: PartialOrd + Copy>(values: &[T]) -> T {
    values.iter().fold(values[0], |best, &value| if value > best { value } else { best })
}
""",
}
_HELPER_NAMES = {"min": "smaller_of", "max": "larger_of", "smallest": "smallest_of", "largest": "largest_of"}
_WORDS = (
    "as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move mut pub ref "
    "return self Self static struct super trait true type unsafe use where while abstract become box do final macro override "
    "priv try typeof unsized virtual yield gen bool f32 f64 i64 usize Ok Err Result"
)
"""Words that are no names of variables, and names that the text uses."""


def text(functions: Sequence[SizeFunction], about: Sequence[str]) -> str:
    """Return the text of size functions.

    Args:
        functions: the functions, with different names.
        about: lines of ASCII to say above what they are.
    """
    helpers: dict[str, None] = {}
    written = [RustWriter(flatten(function), helpers).function() for function in functions]
    comment = "".join(f"// {line}".rstrip() + "\n" for line in about)
    return "\n".join([comment, *(_HELPERS[name] for name in helpers), *written])


class RustWriter(Writer):
    """Write one function in Rust."""

    RESERVED = frozenset(_WORDS.split()) | set(_HELPERS)

    def variable(self, name: str) -> str:
        """Return a name in lower case."""
        return name.lower()

    def field(self, name: str) -> str:
        """Return the name of a result in lower case."""
        return name.lower()

    def table_name(self, name: str) -> str:
        """Return the name of a static item."""
        return f"{self.body.function.name}_{name}".upper()

    def helper(self, operation: str, form: str) -> str:
        """Return the name of a helper; most take numbers of both types."""
        if operation in ("floor_div", "floor_mod"):
            return f"{operation}_{form}"
        return _HELPER_NAMES.get(operation, operation)

    def literal(self, value: Any, form: str) -> str:
        """Return a known number or condition."""
        if form == "bool":
            return self.CONSTANT[bool(value)]
        if form == "int":
            return str(value)
        number = float(value)
        if math.isfinite(number):
            return repr(number)
        return "f64::NAN" if math.isnan(number) else f"{'-' * (number < 0)}f64::INFINITY"

    def converted(self, text: Text, form: str) -> Text:
        """Return a whole number as f64."""
        inner = text.text if text.binding >= CAST else f"({text.text})"
        return Text(f"{inner} as {_TYPE[form]}", CAST, form)

    def left(self, text: str) -> str:
        """Return the left side of a comparison: a `<` behind a type would begin its parameters."""
        return f"({text})" if text.endswith((" as f64", " as i64")) else text

    def choice(self, x: Sym) -> Text:
        """Return one of two numbers, by a condition."""
        condition, a, b = x.args
        form = self.form(x)
        other = self.expression(b, form)
        other = other if other.startswith("if ") else f"{{ {other} }}"
        return Text(f"if {self.expression(condition, 'bool')} {{ {self.expression(a, form)} }} else {other}", CHOICE, form)

    def position(self, index: Num) -> str:
        """Return an index of a table."""
        return f"{self.expression(index, 'int', UNARY)} as usize" if isinstance(index, Sym) else str(index)

    def reduced(self, x: Sym) -> Text:
        """Return the call with a slice of the table."""
        if x.op == "any":
            return Text(f"{self.table(x.args[0])}.contains(&true)", ATOM, "bool")
        found = super().reduced(x)
        return found._replace(text=found.text.replace("(", "(&", 1))

    def rounded(self, x: Sym) -> Text:
        """Return the conversion of a rounded number."""
        if x.op == "trunc":
            return Text(f"{self.expression(x.args[0], 'float', UNARY)} as i64", CAST, "int")
        if x.op == "round":
            return Text(self.call("round_half_even", self.expression(x.args[0], "float")), ATOM, "int")
        return Text(f"{self._method(x.args[0], x.op)} as i64", CAST, "int")

    def function_of(self, x: Sym) -> Text:
        """Return a root, or a number that is rounded to f32."""
        if x.op == "sqrt":
            return Text(self._method(x.args[0], "sqrt"), ATOM, "float")
        return Text(f"f64::from({self.expression(x.args[0], 'float', UNARY)} as f32)", ATOM, "float")

    def _method(self, x: Num, name: str) -> str:
        """Return the call of a method of f64; literals do not show that they are f64, so that theirs is named in full."""
        plain = self.expression(x, "float")
        return f"f64::{name}({plain})" if plain.startswith("if ") else f"{self.expression(x, 'float', ATOM)}.{name}()"

    def assignment(self, x: Sym) -> str:
        """Return a definition, or what fills an element."""
        if x in self.body.kept:
            return f"{self.names[x]}[{self.INDEX}] = {self.value(x)};"
        return f"let {self.names[x]}: {_TYPE[self.form(x)]} = {self.value(x)};"

    def refused(self, condition: str, message: str) -> list[str]:
        """Return what returns an error."""
        return [f"if {condition} {{", f"    return Err({quoted(message)});", "}"]

    def loop(self, loop: Loop, indent: int) -> list[str]:
        """Return arrays, and the loop that fills them."""
        outer = self.INDENT * indent
        zeros = {"int": "0_i64", "float": "0.0_f64", "bool": "false"}
        return [
            *(f"{outer}let mut {self.names[x]} = [{zeros[self.form(x)]}; {loop.length}];" for x in self.filled(loop)),
            f"{outer}for {self.INDEX} in 0..{loop.length} {{",
            *self.statements(loop.steps, indent + 1),
            f"{outer}}}",
        ]

    def function(self) -> str:
        """Return the tables, the struct of results, and the function."""
        results = self.body.function.results
        lines: list[str] = []
        for x, name in self.tables.items():
            items = [self.literal(value, x.kind) for value in x.args]
            lines += [f"static {name}: [{_TYPE[x.kind]}; {x.length}] = [", *wrapped(items, self.INDENT), "];", ""]
        struct = f"{camel(self.name, first=True)}Sizes"
        lines += [
            f"/// What [`{self.name}`] returns.",
            "#[derive(Clone, Copy, Debug, PartialEq)]",
            f"pub struct {struct} {{",
            *(f"    pub {self.fields[name]}: {self._type(name)}," for name in results),
            "}",
            "",
            "/// Returns the sizes of results for an image's size in pixels, or why the size is refused.",
            f"pub fn {self.name}({', '.join(f'{name}: i64' for name in self.arguments.values())}) "
            f"-> Result<{struct}, &'static str> {{",
            *self.range_checks(),
            *self.statements(self.body.steps),
            f"    Ok({struct} {{",
        ]
        for name, value in results.items():
            text = ", ".join(self.expression(x, self.result_form(value)) for x in elements(value))
            text = f"[{text}]" if isinstance(value, tuple) else text
            lines.append(f"        {text}," if text == self.fields[name] else f"        {self.fields[name]}: {text},")
        return "\n".join([*lines, "    })", "}", ""])

    def _type(self, name: str) -> str:
        value = self.body.function.results[name]
        kind = _TYPE[self.result_form(value)]
        return f"[{kind}; {len(value)}]" if isinstance(value, tuple) else kind


def quoted(text: str) -> str:
    """Return a string literal of ASCII."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if " " <= c <= "~" else f"\\u{{{ord(c):x}}}" for c in escaped) + '"'
