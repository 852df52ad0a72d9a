"""Write size functions in C (C99 and later): a struct of results and a function for each, for one translation unit.

The function returns 0, or 1 with a message for arguments that it refuses. Whole numbers are int64_t,
others double. Products and sums are rounded one by one, as in Python: the text switches off what
contracts them to one operation, and does not compile where doubles have more digits. Link with `-lm`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from graphproc.emitters.source.assignments import Loop, elements, flatten
from graphproc.emitters.source.writer import ATOM, UNARY, Text, Writer, wrapped
from graphproc.sizes.function import SizeFunction
from graphproc.sizes.num import Sym

_TYPE = {"int": "int64_t", "float": "double", "bool": "bool"}
_HEAD = """\
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Python rounds each product and each sum. A compiler that makes one operation of both gives other sizes.
#if defined(__clang__) || !(defined(__GNUC__) || defined(_MSC_VER))
#pragma STDC FP_CONTRACT OFF
#elif defined(_MSC_VER)
#pragma fp_contract(off)
#else
#pragma GCC optimize("fp-contract=off")
#endif
#if FLT_EVAL_METHOD != 0
#error "double must have 53 bits in every operation: compile with -mfpmath=sse, or for 64 bits"
#endif
#ifdef __FAST_MATH__
#error "arithmetic must be as written: compile without -ffast-math"
#endif
"""
_HELPERS: Mapping[str, str] = {
    "refused": """\
static int refused(const char **message, const char *text) {
    if (message != NULL) {
        *message = text;
    }
    return 1;
}
""",
    "floor_div_int": """\
static int64_t floor_div_int(int64_t a, int64_t b) {
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}
""",
    "floor_mod_int": """\
static int64_t floor_mod_int(int64_t a, int64_t b) {
    const int64_t remainder = a % b;
    return remainder != 0 && (a < 0) != (b < 0) ? remainder + b : remainder;
}
""",
    "floor_mod_float": """\
static double floor_mod_float(double a, double b) {
    const double remainder = fmod(a, b);
    if (remainder == 0) {
        return copysign(0.0, b);
    }
    return (remainder < 0) != (b < 0) ? remainder + b : remainder;
}
""",
    "floor_div_float": """\
static double floor_div_float(double a, double b) {
    const double remainder = fmod(a, b);
    double quotient = (a - remainder) / b;
    if (remainder != 0 && (remainder < 0) != (b < 0)) {
        quotient -= 1.0;
    }
    if (quotient == 0) {
        return copysign(0.0, a / b);
    }
    return quotient - floor(quotient) > 0.5 ? floor(quotient) + 1.0 : floor(quotient);
}
""",
}
_BY_FORM: Mapping[str, str] = {
    "min": """\
static TYPE min_FORM(TYPE a, TYPE b) {
    return b < a ? b : a;
}
""",
    "max": """\
static TYPE max_FORM(TYPE a, TYPE b) {
    return b > a ? b : a;
}
""",
    "argmin": """\
static int64_t argmin_FORM(const TYPE *values, int64_t length) {
    int64_t best = 0;
    for (int64_t i = 1; i < length; i++) {
        if (values[i] < values[best]) {
            best = i;
        }
    }
    return best;
}
""",
    "argmax": """\
static int64_t argmax_FORM(const TYPE *values, int64_t length) {
    int64_t best = 0;
    for (int64_t i = 1; i < length; i++) {
        if (values[i] > values[best]) {
            best = i;
        }
    }
    return best;
}
""",
    "smallest": """\
static TYPE smallest_FORM(const TYPE *values, int64_t length) {
    TYPE best = values[0];
    for (int64_t i = 1; i < length; i++) {
        best = values[i] < best ? values[i] : best;
    }
    return best;
}
""",
    "largest": """\
static TYPE largest_FORM(const TYPE *values, int64_t length) {
    TYPE best = values[0];
    for (int64_t i = 1; i < length; i++) {
        best = values[i] > best ? values[i] : best;
    }
    return best;
}
""",
    "any": """\
static bool any_FORM(const TYPE *values, int64_t length) {
    for (int64_t i = 0; i < length; i++) {
        if (values[i]) {
            return true;
        }
    }
    return false;
}
""",
}
"""Helpers for each type of element."""
_WORDS = (
    "auto break case char const continue default do double else enum extern float for goto if inline int long register "
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while bool true false "
    "NULL sizes message refused asm typeof "
    "ceil copysign floor fmod rint sqrt trunc fabs log exp pow round remainder y0 y1 yn j0 j1 jn gamma"
)
"""Words that are no names of variables, and names that the text uses."""


def text(functions: Sequence[SizeFunction], about: Sequence[str]) -> str:
    """Return the text of size functions.

    Args:
        functions: the functions, with different names.
        about: lines of ASCII to say above what they are.
    """
    helpers: dict[str, None] = {}
    written = [CWriter(flatten(function), helpers).function() for function in functions]
    comment = [f"// {line.rstrip(chr(92))}".rstrip() for line in about]  # a backslash would make the next line a comment
    return "\n".join(["\n".join([*comment, _HEAD]), *map(_helper, helpers), *written])


def _helper(name: str) -> str:
    if name in _HELPERS:
        return _HELPERS[name]
    operation, form = name.rsplit("_", 1)
    return _BY_FORM[operation].replace("TYPE", _TYPE[form]).replace("FORM", form)


class CWriter(Writer):
    """Write one function in C."""

    RESERVED = frozenset(_WORDS.split())

    def literal(self, value: Any, form: str) -> str:
        """Return a known number or condition."""
        if form == "bool":
            return self.CONSTANT[bool(value)]
        if form == "int":
            return str(value)
        number = float(value)
        return repr(number) if math.isfinite(number) else "NAN" if math.isnan(number) else ("-" * (number < 0) + "INFINITY")

    def converted(self, text: Text, form: str) -> Text:
        """Return a whole number as a double, or an element of a table that was made wider."""
        inner = text.text if text.binding >= UNARY else f"({text.text})"
        return Text(f"({_TYPE[form]}){inner}", UNARY, form)

    def rounded(self, x: Sym) -> Text:
        """Return the cast of a rounded double; `rint` takes ties to even, as long as nobody changed the mode."""
        if x.op == "trunc":
            return Text(f"(int64_t){self.expression(x.args[0], 'float', UNARY)}", UNARY, "int")
        name = {"floor": "floor", "ceil": "ceil", "round": "rint"}[x.op]
        return Text(f"(int64_t){name}({self.expression(x.args[0], 'float')})", UNARY, "int")

    def function_of(self, x: Sym) -> Text:
        """Return a root, or a double that is rounded to float."""
        if x.op == "sqrt":
            return Text(f"sqrt({self.expression(x.args[0], 'float')})", ATOM, "float")
        return Text(f"(double)(float){self.expression(x.args[0], 'float', UNARY)}", UNARY, "float")

    def reduced(self, x: Sym) -> Text:
        """Return the call with the length of the table."""
        found = super().reduced(x)
        return found._replace(text=f"{found.text[:-1]}, {x.args[0].length})")

    def assignment(self, x: Sym) -> str:
        """Return a definition, or what fills an element."""
        if x in self.body.kept:
            return f"{self.names[x]}[{self.INDEX}] = {self.value(x)};"
        return f"const {_TYPE[self.form(x)]} {self.names[x]} = {self.value(x)};"

    def refused(self, condition: str, message: str) -> list[str]:
        """Return what refuses the arguments if a condition holds."""
        return [f"if ({condition}) {{", f"    return {self.call('refused', 'message', quoted(message))};", "}"]

    def loop(self, loop: Loop, indent: int) -> list[str]:
        """Return arrays, and the loop that fills them."""
        outer = self.INDENT * indent
        return [
            *(f"{outer}{_TYPE[self.form(x)]} {self.names[x]}[{loop.length}];" for x in self.filled(loop)),
            f"{outer}for (int {self.INDEX} = 0; {self.INDEX} < {loop.length}; {self.INDEX}++) {{",
            *self.statements(loop.steps, indent + 1),
            f"{outer}}}",
        ]

    def function(self) -> str:
        """Return the tables, the struct of results, and the function."""
        results = self.body.function.results
        lines: list[str] = []
        for x, name in self.tables.items():
            items = [self.literal(value, x.kind) for value in x.args]
            lines += [f"static const {_TYPE[x.kind]} {name}[{x.length}] = {{", *wrapped(items, self.INDENT), "};", ""]
        lines.append("typedef struct {")
        for name, value in results.items():
            size = f"[{len(value)}]" if isinstance(value, tuple) else ""
            field = f"{_TYPE[self.result_form(value)]} {self.fields[name]}{size};"
            lines.append(f"    // {name} has no numbers." if size == "[0]" else f"    {field}")
        if not any(map(elements, results.values())):
            lines.append("    char nothing;")
        parameters = [f"int64_t {name}" for name in self.arguments.values()]
        parameters += [f"{self.name}_sizes *sizes", "const char **message"]
        head = f"int {self.name}({', '.join(parameters)})"
        lines += [
            f"}} {self.name}_sizes;",
            "",
            "// Compute the sizes of results for an image's size in pixels. Return 0, or 1 for sizes that are refused;",
            "// `message`, unless it is NULL, then says why, and `sizes` is not valid.",
            f"{head};",
            "",
            f"{head} {{",
        ]
        lines += self.range_checks()
        lines += self.statements(self.body.steps)
        for name, value in results.items():
            form = self.result_form(value)
            for i, number in enumerate(elements(value)):
                place = f"[{i}]" if isinstance(value, tuple) else ""
                lines.append(f"    sizes->{self.fields[name]}{place} = {self.expression(number, form)};")
        lines += ["    (void)sizes;"] * (not any(map(elements, results.values())))
        lines += ["    (void)message;"] * (not any("refused(" in line for line in lines))
        return "\n".join([*lines, "    return 0;", "}", ""])


def quoted(text: str) -> str:
    """Return a string literal: UTF-8, with all but printable ASCII as octal numbers."""
    escaped = {ord("\\"): "\\\\", ord('"'): '\\"', ord("?"): "\\?"}  # `??` would begin a trigraph
    return '"' + "".join(escaped.get(b, chr(b) if 32 <= b < 127 else f"\\{b:03o}") for b in text.encode()) + '"'
