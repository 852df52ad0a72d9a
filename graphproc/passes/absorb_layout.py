"""Let the resize read channels-last pixels."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from graphproc.ir.program import Program
from graphproc.ops import Resize, ToChannelsFirst
from graphproc.passes.base import Pass, chain, replace_chain


class AbsorbLayout(Pass):
    """`to_channels_first; resize` becomes a resize that reads HWC: no transpose of the whole input image."""

    name: ClassVar[str] = "absorb-layout"
    numerics: ClassVar[Literal["bit-exact", "reassociates"]] = "bit-exact"

    def run(self, program: Program) -> Program:
        """Rewrite every pair."""
        index = 0
        while index < len(program.steps):
            pair = chain(program, index, ToChannelsFirst, Resize)
            if pair and isinstance(pair[1], Resize) and pair[1].layout == "CHW":
                program = replace_chain(program, index, 2, [replace(pair[1], layout="HWC")])
            index += 1
        return program
