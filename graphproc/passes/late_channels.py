"""Reorder or repeat channels after geometry, where there are fewer pixels."""

from __future__ import annotations

from typing import ClassVar, Literal

from graphproc.ir.op import Op
from graphproc.ir.program import Program
from graphproc.ops import CenterCrop, Pad, Resize, SelectChannels
from graphproc.passes.base import Pass, chain, replace_chain


class LateChannels(Pass):
    """`select_channels; geometry` becomes `geometry; select_channels`, and two selections become one or none.

    Geometry treats every channel alike, so the results are the same bits; a border of its own colour does not, and stays.
    """

    name: ClassVar[str] = "late-channels"
    numerics: ClassVar[Literal["bit-exact", "reassociates"]] = "bit-exact"

    def run(self, program: Program) -> Program:
        """Move selections back step by step until none moves."""
        index = 0
        while index < len(program.steps):
            ops: list[Op] | None = None
            if pair := chain(program, index, SelectChannels, SelectChannels):
                ops = _merged(pair[0], pair[1], program.value(program.steps[index].inputs[0]).type.channels)
            elif pair := next(filter(None, (chain(program, index, SelectChannels, k) for k in (Resize, CenterCrop, Pad))), None):
                own = isinstance(pair[1], Pad) and isinstance(pair[1].value, tuple)  # a value for each channel
                ops = None if own else [pair[1], pair[0]]
            if ops is None:
                index += 1
            else:
                program = replace_chain(program, index, 2, ops)
                index = 0
        return program


def _merged(first: Op, second: Op, channels: int) -> list[Op]:
    """Both selections as one, or none where all of the operand's channels come back in their order."""
    assert isinstance(first, SelectChannels)
    assert isinstance(second, SelectChannels)
    order = tuple(first.order[i] for i in second.order)
    return [] if order == tuple(range(channels)) else [SelectChannels(order)]
