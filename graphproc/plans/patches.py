"""Find where a program cuts an image into patches: how many of them are the image's own, and in which grid."""

from __future__ import annotations

import math
from collections.abc import Iterator

from graphproc.ir.program import Program, Step
from graphproc.ops import Concat, Pad, Rearrange
from graphproc.sizes.num import Num


def patches(program: Program, value: str) -> Num:
    """Return how many patches a value holds, without the padding behind them."""
    total: Num = 0
    for name in _parts(program, value):
        type = program.value(name).type
        total = total + math.prod(type.size(letter) for letter in "NP" if letter in type.layout)
    return total


def grid(program: Program, value: str) -> tuple[Num, Num] | None:
    """Return the rows and columns of a value's patches; None if they are of several images or tiles."""
    cut = [_cut(program, name) for name in _parts(program, value)]
    step = cut[0] if len(cut) == 1 else None
    if step is None:
        return None
    operand = program.value(step.inputs[0]).type
    assert isinstance(step.op, Rearrange)
    return step.op.counts(operand, "H", "P"), step.op.counts(operand, "W", "P")


def _parts(program: Program, value: str) -> Iterator[str]:
    """Yield the values of patches that a value joins or pads."""
    step, layout = _step(program, value), program.value(value).type.layout
    if step is not None and isinstance(step.op, Concat):
        each = [list(_parts(program, name)) for name in step.inputs]
        if layout[step.op.axis] in "NP":
            yield from (name for parts in each for name in parts)
        else:  # more numbers of each patch
            yield from next((parts for parts in each if _cut(program, parts[0])), each[0])
    elif step is not None and _keeps_patches(program, step):
        yield from _parts(program, step.inputs[0])
    else:
        yield value


def _cut(program: Program, value: str) -> Step | None:
    """Return the step that cuts one image into these patches."""
    step = _step(program, value)
    if step is None or not isinstance(step.op, Rearrange):
        return None
    operand = program.value(step.inputs[0]).type
    return step if operand.layout == "CHW" and "P" in step.op.layout and "N" not in step.op.layout else None


def _keeps_patches(program: Program, step: Step) -> bool:
    """Return whether a step keeps each patch of its operand in its place."""
    if isinstance(step.op, Rearrange) or len(step.inputs) != 1:
        return False
    before, after = program.value(step.inputs[0]).type, step.output.type
    return before.layout == after.layout and (isinstance(step.op, Pad) or before.shape == after.shape)


def _step(program: Program, value: str) -> Step | None:
    return next((step for step in program.steps if step.output.name == value), None)
