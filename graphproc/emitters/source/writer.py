"""Write the steps of a size function as text: what languages have in common.

A language derives from `Writer` and says how it writes literals, conversions, calls and statements.
Python's meaning holds in each: ints are exact, other numbers are float64, `//` and `%` round down,
`round` takes ties to even. Both arms of a choice may be evaluated.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

from graphproc.emitters.source.assignments import Assign, Body, Loop, Names, Require, elements
from graphproc.sizes import num
from graphproc.sizes.expression import REDUCERS
from graphproc.sizes.num import Bool, Num, Sym

CHOICE, OR, AND, COMPARISON, SUM, PRODUCT, _, UNARY, ATOM = range(9)
"""How strongly operators bind, weakest first; there is room for one between products and signs."""
_SIGNS = {"add": ("+", SUM), "sub": ("-", SUM), "mul": ("*", PRODUCT), "truediv": ("/", PRODUCT)}
ROUNDED = ("trunc", "floor", "ceil", "round")


class Text(NamedTuple):
    """Hold the text of an expression, how strongly its last operator binds, and the form of its value.

    Forms are the kinds `int`, `float` and `bool`, and what else a language has.
    """

    text: str
    binding: int
    form: str


class Writer(ABC):
    """Write one function.

    Attributes:
        body: the function's steps.
        helpers: the names of the functions that the text calls, in the order of their first use.
        name: the function's name in the language.
        arguments, fields: the names of arguments and of results in the language.
        names: the names of what is assigned.
        tables: the names of tables of known numbers.
    """

    RESERVED: ClassVar[frozenset[str]] = frozenset()
    """Words that are no names in the language, or have a meaning in what is written."""
    INDENT = "    "
    AND, OR, NOT = "&&", "||", "!"
    COMPARED: ClassVar[dict[str, str]] = {"lt": "<", "le": "<=", "eq": "=="}
    INDEX = "i"
    NO_SIDE = ""
    """The condition that an argument is no whole number, if the language allows others."""
    CONSTANT: ClassVar[dict[Any, str]] = {True: "true", False: "false"}
    """The literals of conditions."""

    def __init__(self, body: Body, helpers: dict[str, None]) -> None:
        """Give every name of the function a name of the language."""
        self.body = body
        self.helpers = helpers
        self.name = self.function_name(body.function.name)
        names = Names({*self.RESERVED, self.INDEX, self.name})
        self.arguments = {one.name: names.new(self.variable(one.name)) for one in body.arguments}
        self.names = {x: names.new(self.variable(name)) for x, name in body.names.items() if x.op != "table"}
        fields = Names(self.RESERVED)
        self.fields = {name: fields.new(self.field(name)) for name in body.function.results}
        tables = Names()
        self.tables = {x: tables.new(self.table_name(name)) for x, name in body.tables.items()}

    # ---- names -------------------------------------------------------------------------------------------------

    def function_name(self, name: str) -> str:
        """Return the name of the function in the language."""
        return Names(self.RESERVED).new(self.variable(name))

    def variable(self, name: str) -> str:
        """Return a name of snake case in the language's case."""
        return name

    def field(self, name: str) -> str:
        """Return the name of a result."""
        return name

    def table_name(self, name: str) -> str:
        """Return the name of a table of known numbers."""
        return self.variable(f"{self.body.function.name}_{name}")

    def helper(self, operation: str, form: str) -> str:
        """Return the name of the helper that computes an operation of numbers in a form."""
        return f"{operation}_{form}"

    def call(self, helper: str, *arguments: str) -> str:
        """Return the call of a helper, which is then written in front of the function."""
        self.helpers[helper] = None
        return f"{helper}({', '.join(arguments)})"

    # ---- expressions -------------------------------------------------------------------------------------------

    def form(self, x: Num | Bool) -> str:
        """Return the form in which a number or condition is kept."""
        return num.kind_of(x)

    def expression(self, x: Num | Bool, form: str | None = None, binding: int = CHOICE) -> str:
        """Return the text of an expression.

        Args:
            x: a number, condition or expression.
            form: the form to give its value; None for its own.
            binding: how strongly the operator around it binds; what binds less gets parentheses.
        """
        form = form or self.form(x)
        found = self.known(x) if isinstance(x, Sym) else Text(self.literal(x, form), self.literal_binding(x), form)
        if found.form != form:
            found = self.converted(found, form)
        return f"({found.text})" if found.binding < binding else found.text

    def known(self, x: Sym) -> Text:
        """Return the name of an expression, or its operation if it has none."""
        if x.op == "symbol":
            return Text(self.arguments[x.args[0]], ATOM, "int")
        if x in self.names:
            return Text(self.names[x] + (self.index() if x in self.body.kept else ""), ATOM, self.form(x))
        if x.op == "table":
            return Text(self.tables[x] + self.index(), ATOM, self.form(x))
        return self.operation(x)

    def index(self) -> str:
        """Return what gives a table's element inside a loop."""
        return f"[{self.INDEX}]"

    def table(self, x: Sym) -> str:
        """Return the name of a whole table."""
        return self.tables[x] if x.op == "table" else self.names[x]

    def literal_binding(self, value: float) -> int:
        """Return how strongly a literal binds: a sign in front is an operator."""
        return UNARY if value < 0 else ATOM

    @abstractmethod
    def literal(self, value: Any, form: str) -> str:
        """Return a known number or condition in a form."""

    @abstractmethod
    def converted(self, text: Text, form: str) -> Text:
        """Return a value in another form."""

    def operation(self, x: Sym) -> Text:
        """Return the last operation of an expression, on its operands."""
        if x.op in _SIGNS:
            return self.arithmetic(x, "float" if x.op == "truediv" else self.working(x))
        if x.op in ("floordiv", "mod"):
            return self.division(x, self.working(x))
        if x.op in self.COMPARED:
            form = self.joint(*x.args)
            left, right = (self.expression(a, form, SUM) for a in x.args)
            return Text(f"{self.left(left)} {self.COMPARED[x.op]} {right}", COMPARISON, "bool")
        if x.op in ("and", "or"):
            return self.logic(x)
        if x.op == "not":
            return Text(f"{self.NOT}{self.expression(x.args[0], 'bool', UNARY)}", UNARY, "bool")
        if x.op == "where":
            return self.choice(x)
        if x.op in ROUNDED:
            return self.rounded(x)
        if x.op == "float":
            return self.converted_operand(x)
        if x.op in ("min", "max"):
            return self.extreme(x, self.working(x))
        if x.op == "take":
            return self.taken(x)
        if x.op in REDUCERS:
            return self.reduced(x)
        return self.function_of(x)

    def working(self, x: Sym) -> str:
        """Return the form in which an operation of numbers computes."""
        return "float" if x.kind == "float" else self.joint(x, *x.args)

    def joint(self, *numbers: Num) -> str:
        """Return the form that several numbers have in common."""
        forms = {self.form(a) for a in numbers if num.kind_of(a) != "bool"}
        return "float" if "float" in forms else next(iter(forms), "int")

    def left(self, text: str) -> str:
        """Return the left side of a comparison."""
        return text

    def arithmetic(self, x: Sym, form: str) -> Text:
        """Return a sum, difference, product or quotient of floats."""
        sign, level = _SIGNS[x.op]
        a, b = x.args
        right = self.expression(b, form, level + 1)
        if right.startswith("-"):
            right = f"({right})"
        return Text(f"{self.expression(a, form, level)} {sign} {right}", level, form)

    def division(self, x: Sym, form: str) -> Text:
        """Return a division that rounds down, or its remainder."""
        a, b = x.args
        low = min(self.body.low(a), self.body.low(b))
        if form != "float" and low >= 0:
            return self.whole_division(x, form)
        name = self.helper("floor_div" if x.op == "floordiv" else "floor_mod", form)
        return Text(self.call(name, self.expression(a, form), self.expression(b, form)), ATOM, form)

    def whole_division(self, x: Sym, form: str) -> Text:
        """Return a division of whole numbers from 0 that drops the remainder, or that remainder."""
        a, b = x.args
        sign = "/" if x.op == "floordiv" else "%"
        return Text(f"{self.expression(a, form, PRODUCT)} {sign} {self.expression(b, form, UNARY)}", PRODUCT, form)

    def logic(self, x: Sym) -> Text:
        """Return `and` or `or`; where one stands in the other there are always parentheses."""
        sign, level = (self.AND, AND) if x.op == "and" else (self.OR, OR)
        sides = []
        for i, a in enumerate(x.args):
            same = i == 0 and isinstance(a, Sym) and a.op == x.op
            sides.append(self.expression(a, "bool", level if same else COMPARISON))
        return Text(f" {sign} ".join(sides), level, "bool")

    def choice(self, x: Sym) -> Text:
        """Return one of two numbers, by a condition."""
        condition, a, b = x.args
        form = self.form(x)
        texts = [self.expression(a, form, OR), self.expression(b, form, OR)]
        return Text(f"{self.expression(condition, 'bool', OR)} ? {texts[0]} : {texts[1]}", CHOICE, form)

    def converted_operand(self, x: Sym) -> Text:
        """Return the operand of `float`, converted."""
        return self.converted(self.known(x.args[0]), "float")

    def extreme(self, x: Sym, form: str) -> Text:
        """Return the smaller or the larger of two numbers."""
        return Text(self.call(self.helper(x.op, form), *(self.expression(a, form) for a in x.args)), ATOM, form)

    def taken(self, x: Sym) -> Text:
        """Return the element of a table at an index."""
        values, index = x.args
        return Text(f"{self.table(values)}[{self.position(index)}]", ATOM, self.form(values))

    def position(self, index: Num) -> str:
        """Return an index of a table."""
        return self.expression(index, "int")

    def reduced(self, x: Sym) -> Text:
        """Return a number that all elements of a table decide."""
        (values,) = x.args
        form = self.form(values)
        return Text(
            self.call(self.helper(x.op, form), self.table(values)), ATOM, form if x.op in ("smallest", "largest") else x.kind
        )

    @abstractmethod
    def rounded(self, x: Sym) -> Text:
        """Return a float rounded to a whole number: `trunc`, `floor`, `ceil` or `round`."""

    @abstractmethod
    def function_of(self, x: Sym) -> Text:
        """Return `sqrt` or `to_float32` of a number."""

    # ---- statements --------------------------------------------------------------------------------------------

    def statements(self, steps: Iterable[Assign | Require | Loop], indent: int = 1) -> list[str]:
        """Return the lines of some steps."""
        lines: list[str] = []
        for step in steps:
            if isinstance(step, Loop):
                lines += self.loop(step, indent)
            elif isinstance(step, Require):
                lines += [self.INDENT * indent + line for line in self.require(step)]
            else:
                lines.append(self.INDENT * indent + self.assignment(step.value))
        return lines

    @abstractmethod
    def assignment(self, x: Sym) -> str:
        """Return the line that gives an expression its name, or writes an element of a table."""

    def require(self, step: Require) -> list[str]:
        """Return the lines that refuse the arguments unless a condition holds."""
        return self.refused(f"{self.NOT}{self.expression(step.condition, 'bool', UNARY)}", step.message)

    def range_checks(self) -> list[str]:
        """Return the lines that refuse arguments that are no sides."""
        lines: list[str] = []
        for one in self.body.arguments:
            x = self.arguments[one.name]
            outside = ([self.NO_SIDE.format(x)] if self.NO_SIDE else []) + [f"{x} < {one.low}"]
            condition = f" {self.OR} ".join(outside + ([] if one.high is None else [f"{x} > {one.high}"]))
            lines += [self.INDENT + line for line in self.refused(condition, one.message)]
        return lines

    @abstractmethod
    def refused(self, condition: str, message: str) -> list[str]:
        """Return the lines that refuse the arguments if a condition holds."""

    @abstractmethod
    def loop(self, loop: Loop, indent: int) -> list[str]:
        """Return the lines of a loop, with the tables that it fills."""

    def value(self, x: Sym, form: str | None = None) -> str:
        """Return what an assignment gives a name: the operation, not the name."""
        form = form or self.form(x)
        found = self.operation(x)
        return (self.converted(found, form) if found.form != form else found).text

    def filled(self, loop: Loop) -> list[Sym]:
        """Return the tables that a loop fills."""
        return [step.value for step in loop.steps if isinstance(step, Assign) and step.value in self.body.kept]

    def result_form(self, value: Num | tuple[Num, ...]) -> str:
        """Return the form in which a result is returned: ints, or floats if one of its numbers is."""
        kinds = {num.kind_of(x) for x in elements(value)}
        return "float" if "float" in kinds else "bool" if kinds == {"bool"} else "int"


def camel(name: str, first: bool = False) -> str:
    """Return a name of snake case in camel case, with a capital in front if `first`."""
    text = "".join(word[0].upper() + word[1:] for word in re.split(r"[\W_]+", name, flags=re.ASCII) if word)
    text = f"N{text}" if text[:1].isdigit() else text
    return text if first else text[:1].lower() + text[1:]


def wrapped(items: Sequence[str], indent: str, width: int = 100) -> list[str]:
    """Return lines of items with commas between them."""
    lines, line = [], indent
    for i, item in enumerate(items):
        part = item + ("," if i < len(items) - 1 else "")
        if len(line) + len(part) + 1 > width and line != indent:
            lines.append(line)
            line = indent
        line += part if line == indent else f" {part}"
    return [*lines, line]
