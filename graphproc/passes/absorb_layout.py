"""Let the resize read channels-last pixels."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from graphproc.ir.program import Program, Step
from graphproc.ops import Resize, ToChannelsFirst
from graphproc.passes.base import Pass, uses
from graphproc.sizes import num


class AbsorbLayout(Pass):
    """`to_channels_first; resize` becomes a resize that reads HWC: no transpose of the whole input image.

    Where others read the image as well, only resizes to a size of their own do: one that may find that the image has its
    size already passes it on as it is, channels first.
    """

    name: ClassVar[str] = "absorb-layout"
    numerics: ClassVar[Literal["bit-exact", "reassociates"]] = "bit-exact"

    def run(self, program: Program) -> Program:
        """Rewrite every resize of such a value, and drop layout changes that nothing reads any more."""
        for step in program.steps:
            if isinstance(step.op, ToChannelsFirst):
                program = _absorbed(program, step)
        return program


def _absorbed(program: Program, layout: Step) -> Program:
    """The program with resizes that read the image as it comes instead of the result of a layout change."""
    name = layout.output.name
    alone = uses(program, name) == uses(program, layout.inputs[0]) == 1
    steps = []
    for step in program.steps:
        op = step.op
        if step.inputs == (name,) and isinstance(op, Resize) and op.layout == "CHW" and (alone or _has_own_size(op, layout)):
            step = replace(step, op=replace(op, layout="HWC"), inputs=layout.inputs)
        steps.append(step)
    program = replace(program, steps=tuple(steps))
    return program if uses(program, name) else replace(program, steps=tuple(s for s in program.steps if s is not layout))


def _has_own_size(resize: Resize, layout: Step) -> bool:
    """Whether a resize is to a known size that is not known to be the image's."""
    t = layout.output.type
    same = num.both(num.eq(t.size("H"), resize.height), num.eq(t.size("W"), resize.width))
    return isinstance(resize.height, int) and isinstance(resize.width, int) and same is not True
