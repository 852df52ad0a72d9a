"""What a pass is, and the tools that passes share."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from graphproc.ir.op import Op
from graphproc.ir.program import Program, Step, ValueInfo


class Pass:
    """A rewrite: program in, new program out; running it twice changes nothing more.

    Attributes:
        name: its name on the command line and in `--why`.
        numerics: `bit-exact`, or `reassociates` where float results may change in the last place.
    """

    name: ClassVar[str]
    numerics: ClassVar[Literal["bit-exact", "reassociates"]]

    def run(self, program: Program) -> Program:
        """The rewritten program."""
        raise NotImplementedError


def uses(program: Program, name: str) -> int:
    """How many steps and outputs read a value."""
    return sum(step.inputs.count(name) for step in program.steps) + sum(o.value == name for o in program.outputs)


def replace_chain(program: Program, index: int, length: int, ops: list[Op]) -> Program:
    """Replace `length` consecutive single-input steps from `index` by other single-input ops on the same operand.

    New values are named after their ops; whatever read the last old value reads the last new one, or the operand itself
    where no op is left.
    """
    steps = list(program.steps)
    old = steps[index : index + length]
    (name,) = old[0].inputs
    taken = {v.name for v in (*program.inputs, *(s.output for s in steps if s not in old))}
    new: list[Step] = []
    type = program.value(name).type
    for op in ops:
        type = op.infer(type)
        label = next(n for n in (op.name, *(f"{op.name}_{i}" for i in range(2, len(steps) + 9))) if n not in taken)
        taken.add(label)
        new.append(Step(op, (name,), ValueInfo(label, type)))
        name = label
    result = old[-1].output.name
    rest = [replace(s, inputs=tuple(name if i == result else i for i in s.inputs)) for s in steps[index + length :]]
    return replace(
        program,
        steps=(*steps[:index], *new, *rest),
        outputs=tuple(replace(o, value=name) if o.value == result else o for o in program.outputs),
    )


def chain(program: Program, index: int, *kinds: type[Op]) -> list[Op] | None:
    """The ops of steps `index, index + 1, ...` if they are of these kinds, each reading only the one before it."""
    steps = program.steps[index : index + len(kinds)]
    if len(steps) < len(kinds):
        return None
    for position, (step, kind) in enumerate(zip(steps, kinds, strict=True)):
        if not isinstance(step.op, kind) or len(step.inputs) != 1:
            return None
        if position:
            before = steps[position - 1].output.name
            if step.inputs != (before,) or uses(program, before) != 1:
                return None
    return [step.op for step in steps]
