"""Tap steps: their values are outputs as well, so that a graph can be followed step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphproc.errors import ProgramError
from graphproc.ir.program import Output, Program
from graphproc.ir.verify import verify
from graphproc.joins.stack import STACK


def tapped(program: Program, names: Sequence[str]) -> Program:
    """Return a program with the values of some steps as more outputs, named after the steps.

    Values of a tapped step are stacked, so those of several images must have one shape: a graph of a
    sequence refuses others. Padding would hide where an image ends. Passes keep what an output
    returns, so a graph gives the values that this program says, not those of a faster one.

    Args:
        program: the program.
        names: names of steps, as `print(program)` shows them.

    Raises:
        ProgramError: no step has the name, or an output that returns another value has it.
    """
    known = [step.output.name for step in program.steps]
    found = {output.name: output.value for output in program.outputs}
    for name in names:
        if name not in known:
            raise ProgramError(f"tap: expected names of steps of {program.name}, got {name!r}. It has {', '.join(known)}.")
        if found.setdefault(name, name) != name:
            raise ProgramError(f"tap: {program.name} has an output {name!r} already, for {found[name]!r}. Leave it out.")
    sample = STACK if program.nested else None
    more = [Output(name, name, sample=sample) for name in list(found)[len(program.outputs) :]]
    return verify(replace(program, outputs=(*program.outputs, *more)))
