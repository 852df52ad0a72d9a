"""The printed form of a program: one line a step, with repeated size expressions named once."""

from __future__ import annotations

from collections import Counter
from typing import Any

from graphproc.ir.delivery import TENSOR
from graphproc.ir.program import Program
from graphproc.ir.registry import Registered
from graphproc.ir.types import TensorType
from graphproc.sizes.num import Sym


def program_text(program: Program) -> str:
    """The IR text of a program.

    Size expressions that occur more than once are named `s0`, `s1`, ... in `size` lines, so that a step's line stays
    readable; everything else is printed in place.
    """
    names = _Names(program)
    lines = [f"program {program.name}", f"  parity: {program.parity}"]
    lines += [f"  input {v.name}: {v.type}{_measures(v.measures)}" for v in program.inputs]
    lines += [f"  require {names.text(c.holds)}: {c.message}" for c in program.preconditions]
    lines += names.definitions()
    for step in program.steps:
        lines.append(
            f"  {step.output.name} = {names.op_text(step.op)}({', '.join(step.inputs)}): {names.type_text(step.output.type)}"
            + _measures(step.measures)
        )
    for output in program.outputs:
        said = names.op_text(output.join)
        said += f", sample {names.op_text(output.sample)}" if output.sample is not None else ""
        said += f", {names.op_text(output.delivery)}" if output.delivery != TENSOR else ""
        lines.append(f"  output {output.name} = {output.value}: {said}")
    return "\n".join(lines) + "\n"


def _measures(names: tuple[str, ...]) -> str:
    return f" measures {', '.join(names)}" if names else ""


class _Names:
    """Names for the compound size expressions that occur more than once."""

    def __init__(self, program: Program) -> None:
        self._count: Counter[Sym] = Counter()
        self._order: list[Sym] = []
        for condition in program.preconditions:
            self._visit(condition.holds)
        for step in program.steps:
            for _, value in step.op.fields():
                self._visit(value)
            for size in step.output.type.shape:
                self._visit(size)
        repeated = [s for s in self._order if self._count[s] > 1]
        self._name = {s: f"s{i}" for i, s in enumerate(repeated)}

    def _visit(self, value: Any) -> None:
        if isinstance(value, tuple):
            for item in value:
                self._visit(item)
        elif isinstance(value, Sym) and value.op != "symbol":
            self._count[value] += 1
            if self._count[value] == 1:
                for argument in value.args:
                    self._visit(argument)
                self._order.append(value)

    def definitions(self) -> list[str]:
        return [f"  size {name} = {self._expand(s)}" for s, name in self._name.items()]

    def text(self, value: Any) -> str:
        if isinstance(value, tuple):
            return f"[{', '.join(self.text(v) for v in value)}]"
        if isinstance(value, Sym):
            return self._name.get(value) or self._expand(value)
        return self.op_text(value) if isinstance(value, Registered) else str(value)

    def _expand(self, value: Sym) -> str:
        return str(Sym(value.op, tuple(self._replace(a) for a in value.args), value.kind))

    def _replace(self, value: Any) -> Any:
        if isinstance(value, Sym) and value.op != "symbol":
            if value in self._name:
                return Sym("symbol", (self._name[value],), value.kind)
            return Sym(value.op, tuple(self._replace(a) for a in value.args), value.kind)
        return value

    def op_text(self, op: Registered) -> str:
        settings = [f"{name}={self.text(value)}" for name, value in op.shown_fields()]
        return f"{op.name}<{', '.join(settings)}>" if settings else op.name

    def type_text(self, type: TensorType) -> str:
        text = f"{type.dtype}[{', '.join(self.text(s) for s in type.shape)}]"
        return f"{text} {type.layout}" if type.layout else text
