"""Print a program as text: one line for each step, and repeated sizes named once.

`ir.parse` reads the text.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any

from graphproc.ir.delivery import TENSOR
from graphproc.ir.fields import class_name
from graphproc.ir.op import Op
from graphproc.ir.program import Output, Precondition, Program, Step
from graphproc.ir.registry import Registered
from graphproc.ir.tokens import IDENTIFIER
from graphproc.ir.types import TensorType
from graphproc.sizes import num
from graphproc.sizes.num import Sym
from graphproc.sizes.text import text as size_text


def program_text(program: Program) -> str:
    """Return the IR text of a program.

    Size expressions that occur more than once are named `s0`, `s1`, ... in `size` lines in front of
    the line that first uses them, so that a step's line stays readable. Everything else is printed
    in place. Fields with their default value are left out.
    """
    return "".join(f"{line}\n" for line in _Printer(program).lines())


def size_names(program: Program) -> dict[Sym, str]:
    """Return the names `s0`, `s1`, ... that a program's text gives to size expressions."""
    printer = _Printer(program)
    for _ in printer.lines():
        pass
    return printer.names


class _Printer:
    """Print one program.

    Attributes:
        names: the names of size expressions, as far as lines were made.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._count: Counter[Sym] = Counter()
        self._symbols: dict[str, Sym] = {}
        self.names: dict[Sym, str] = {}
        for value in program.inputs:
            self._visit(value.type.shape)
        for condition in program.preconditions:
            self._visit(condition.holds)
        for step in program.steps:
            self._visit((step.op, step.output.type.shape))

    def _visit(self, value: Any) -> None:
        """Count how often each size expression occurs, and find symbols."""
        if isinstance(value, tuple):
            for item in value:
                self._visit(item)
        elif isinstance(value, Op):
            for _, item in value.fields():
                self._visit(item)
        elif isinstance(value, Sym) and value.op == "symbol":
            self._symbols.setdefault(value.args[0], value)
        elif isinstance(value, Sym):
            self._count[value] += 1
            if self._count[value] == 1:
                self._visit(value.args)

    def lines(self) -> Iterator[str]:
        """Yield the program's lines."""
        program = self._program
        yield f"program {_name(program.name)}{' inputs_batched' * program.inputs_batched}"
        yield f"  parity{self._record(program.parity)}"
        declared = {s for v in program.inputs for size in v.type.shape for s in num.symbols(size)}
        declared |= program.data_dependent_sizes.union(*(v.size_names for v in program.inputs))
        for name, symbol in sorted(self._symbols.items()):
            if symbol.low != 1 or name not in declared:
                yield f"  symbol {_name(name)} >= {symbol.low}"
        known: set[str] = set()
        for value in program.inputs:
            yield f"  input {_name(value.name)}: {self._type(value.type)}{_size_names(value.size_names)}"
        known.update(program.symbols)
        conditions = list(program.preconditions)
        for step in (None, *program.steps):
            if step is not None:
                yield from self._sizes((step.op, step.output.type.shape))
                yield self._step(step)
                known.update(step.size_names)
            while conditions and known.issuperset(num.symbols(conditions[0].holds)):
                yield from self._condition(conditions.pop(0))
        for condition in conditions:
            yield from self._condition(condition)
        for output in program.outputs:
            yield f"  {self._output(output)}"

    def _sizes(self, value: Any) -> Iterator[str]:
        """Yield lines for expressions that occur more than once and have no name yet."""
        if isinstance(value, tuple):
            for item in value:
                yield from self._sizes(item)
        elif isinstance(value, Op):
            for _, item in value.fields():
                yield from self._sizes(item)
        elif isinstance(value, Sym) and value.op != "symbol" and value not in self.names:
            yield from self._sizes(value.args)
            if self._count[value] > 1:
                written = size_text(value, self.names)
                names = (f"s{i}" for i in range(len(self.names), 1 << 30))
                self.names[value] = next(name for name in names if name not in self._symbols)
                yield f"  size {self.names[value]} = {written}"

    def _condition(self, condition: Precondition) -> Iterator[str]:
        yield from self._sizes(condition.holds)
        yield f"  require {self._value(condition.holds)}: {_string(condition.message)}"

    def _step(self, step: Step) -> str:
        operands = ", ".join(map(_name, step.inputs))
        op, type = self._registered(step.op), self._type(step.output.type)
        return f"  {_name(step.output.name)} = {op}({operands}): {type}{_size_names(step.size_names)}"

    def _output(self, output: Output) -> str:
        sample = "" if output.sample is None else f", sample {self._registered(output.sample)}"
        delivery = "" if output.delivery == TENSOR else f", {self._registered(output.delivery)}"
        return f"output {_name(output.name)} = {_name(output.value)}: {self._registered(output.join)}{sample}{delivery}"

    def _registered(self, value: Registered) -> str:
        return f"{value.name}{self._record(value)}".removesuffix("<>")

    def _record(self, value: Any) -> str:
        return f"<{', '.join(self._settings(value))}>"

    def _settings(self, value: Any) -> Iterator[str]:
        """Yield a dataclass's fields, without those at their defaults."""
        for field in fields(value):
            item = getattr(value, field.name)
            if field.default is MISSING or item != field.default or type(item) is not type(field.default):
                yield f"{field.name}={self._value(item)}"

    def _value(self, value: Any) -> str:
        if isinstance(value, tuple):
            return f"[{', '.join(map(self._value, value))}]"
        if isinstance(value, str):
            return _string(value)
        if isinstance(value, Op):
            return f"{class_name(type(value))}{self._record(value)}"
        return size_text(value, self.names)

    def _type(self, type: TensorType) -> str:
        text = f"{type.dtype}[{', '.join(size_text(size, self.names) for size in type.shape)}]"
        return f"{text} {type.layout}" if type.layout else text


def _size_names(names: tuple[str, ...]) -> str:
    return f" size_names {', '.join(map(_name, names))}" if names else ""


def _name(name: str) -> str:
    return name if IDENTIFIER.fullmatch(name) else _string(name)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
