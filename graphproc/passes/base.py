"""Define what a pass is: it declares what it matches, and returns new ops or why a match stays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from types import UnionType
from typing import ClassVar

from graphproc.errors import ProgramError
from graphproc.ir.op import Op
from graphproc.ir.program import Program, Step, ValueInfo

Kinds = type[Op] | UnionType
"""A class of ops, or several: `Resize`, `Resize | Pad`."""


@dataclass(frozen=True, slots=True)
class Many:
    """Match as many ops of these kinds as follow, or none.

    It is the last part of a pass's `matches`.
    """

    kinds: Kinds


@dataclass(frozen=True, slots=True)
class Match:
    """Hold steps that a pass may rewrite. Each but the first reads the result of the one before.

    Attributes:
        x: what the first step reads.
        steps: in order.
        readers: how many steps and outputs read `x`, and each result but the last.
    """

    x: ValueInfo
    steps: tuple[Step, ...]
    readers: tuple[int, ...]

    @property
    def ops(self) -> tuple[Op, ...]:
        """Return the ops of the steps."""
        return tuple(step.op for step in self.steps)

    def __str__(self) -> str:
        return ", ".join(step.output.name for step in self.steps)


@dataclass(frozen=True, slots=True)
class Declined:
    """Leave a match alone: a rewrite returns this with the reason, which `--why` prints."""

    reason: str


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Hold what a pass made of a program.

    Attributes:
        by: the pass.
        program: the result.
        changes: for each rewrite, the ops that are gone and the new ones.
        declined: for each match that is left in the result, its steps' names and the reason.
    """

    by: Pass
    program: Program
    changes: tuple[tuple[tuple[Op, ...], tuple[Op, ...]], ...]
    declined: tuple[tuple[str, str], ...]


class Pass:
    """Rewrite sequences of steps, without a change of any bit of the program's results.

    Running a pass twice changes nothing more. Its docstring says what it does; `graphproc inspect
    --why` prints the first paragraph.

    Attributes:
        name: its name in messages and in `--why`.
        matches: the kinds of ops that it rewrites, in sequence, e.g. `(Resize, CenterCrop)`. The
            last may be `Many(...)`.
        alone: whether matched steps must follow one another directly, and their results between may
            have no other readers. Without it, steps may lie apart; those that others read as well
            stay.
    """

    name: ClassVar[str]
    matches: ClassVar[tuple[Kinds | Many, ...]]
    alone: ClassVar[bool] = True

    def rewrite(self, match: Match) -> Sequence[Op] | Declined:
        """Return the ops to put in place of a match, or why it stays.

        The first op reads what the match reads, and each other one the result of the op before. For
        an empty list, readers of the match's result read what the match reads.
        """
        raise NotImplementedError

    def run(self, program: Program) -> Rewritten:
        """Rewrite until every match is declined.

        Raises:
            ProgramError: the rewrites do not come to an end, or one gives another type than its
                match.
        """
        changes: list[tuple[tuple[Op, ...], tuple[Op, ...]]] = []
        most = 100 + 20 * len(program.steps)
        while True:
            declined = []
            for match in self._found(program):
                ops = self._rewritten(match)
                if not isinstance(ops, Declined):
                    break
                declined.append((str(match), ops.reason))
            else:
                return Rewritten(self, program, tuple(changes), tuple(declined))
            changes.append((match.ops, tuple(ops)))
            if len(changes) > most:
                raise ProgramError(f"program {program.name}: {most} rewrites, without end")
            program = replaced(program, match, ops)

    def _rewritten(self, match: Match) -> Sequence[Op] | Declined:
        for step, readers in zip(match.steps, match.readers[1:], strict=False):
            if self.alone and readers > 1:
                return Declined(f"others read {step.output.name} as well")
        return self.rewrite(match)

    def _found(self, program: Program) -> Iterator[Match]:
        """Yield the matches, in the order of their first steps."""
        readers = _readers(program)
        values = {value.name: value for value in (*program.inputs, *(step.output for step in program.steps))}
        behind = {step.output.name: next for step, next in pairwise(program.steps)}

        def following(step: Step) -> Iterator[Step]:
            for reader in readers.get(step.output.name, ()):
                if reader is not None and len(reader.inputs) == 1 and (not self.alone or reader is behind[step.output.name]):
                    yield reader

        def chains(steps: tuple[Step, ...], kinds: Sequence[Kinds | Many]) -> Iterator[tuple[Step, ...]]:
            """Yield every way to go on with ops of these kinds; `Many` goes on as far as it can."""
            if not kinds:
                yield steps
                return
            many = isinstance(kinds[0], Many)
            wanted = kinds[0].kinds if isinstance(kinds[0], Many) else kinds[0]
            found = [step for step in following(steps[-1]) if isinstance(step.op, wanted)]
            if many and not (found and len(readers[steps[-1].output.name]) == 1):
                yield steps
                return
            for step in found:
                yield from chains((*steps, step), kinds if many else kinds[1:])

        first, *rest = self.matches
        for step in program.steps:
            if isinstance(step.op, first) and len(step.inputs) == 1:  # type: ignore[arg-type]  # no Many comes first
                x = values[step.inputs[0]]
                for steps in chains((step,), rest):
                    yield Match(x, steps, tuple(len(readers[v.name]) for v in (x, *(s.output for s in steps[:-1]))))


def _readers(program: Program) -> dict[str, list[Step | None]]:
    """Return the steps that read each value, by its name.

    A step is listed as often as it reads the value. None stands for an output.
    """
    readers: dict[str, list[Step | None]] = {}
    for step in program.steps:
        for name in step.inputs:
            readers.setdefault(name, []).append(step)
    for output in program.outputs:
        readers.setdefault(output.value, []).append(None)
    return readers


def replaced(program: Program, match: Match, ops: Sequence[Op]) -> Program:
    """Return the program with new ops in place of a match.

    Matched steps that others read as well stay. New values are named after their ops.

    Raises:
        ProgramError: the new ops give another type than the match.
    """
    readers, last = _readers(program), match.steps[-1]
    gone = [last]
    for step in reversed(match.steps[:-1]):
        if all(reader in gone for reader in readers[step.output.name]):
            gone.append(step)
    values = (*program.inputs, *(step.output for step in program.steps if step not in gone))
    taken = {value.name for value in values}
    new: list[Step] = []
    for op in ops:
        read = new[-1].output if new else match.x
        name = next(n for n in (op.name, *(f"{op.name}_{i}" for i in range(2, len(taken) + 9))) if n not in taken)
        taken.add(name)
        new.append(Step(op, (read.name,), ValueInfo(name, op.infer(read.type))))
    result, made = last.output, new[-1].output if new else match.x
    if made.type != result.type:
        raise ProgramError(f"program {program.name}: {match} gives {result.type}, but what takes its place {made.type}")
    steps: list[Step] = []
    for step in program.steps:
        steps += new if step is last else []
        if result.name in step.inputs:
            step = replace(step, inputs=tuple(made.name if i == result.name else i for i in step.inputs))
        if step not in gone:
            steps.append(step)
    outputs = tuple(replace(o, value=made.name) if o.value == result.name else o for o in program.outputs)
    return replace(program, steps=tuple(steps), outputs=outputs)
