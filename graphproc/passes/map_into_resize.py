"""Let the resize map the bytes that it computes."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from graphproc.ir.program import Program
from graphproc.ops import ByteMap, Resize
from graphproc.passes.base import Pass, chain, replace_chain


class MapIntoResize(Pass):
    """`resize; byte_map` becomes a resize with a map, which is done piece by piece while its bytes are in the cache."""

    name: ClassVar[str] = "map-into-resize"
    numerics: ClassVar[Literal["bit-exact", "reassociates"]] = "bit-exact"

    def run(self, program: Program) -> Program:
        """Rewrite every pair."""
        index = 0
        while index < len(program.steps):
            resize, map = chain(program, index, Resize, ByteMap) or (None, None)
            if isinstance(resize, Resize) and isinstance(map, ByteMap) and (map.axis, map.each) == (-3, 1):
                program = replace_chain(program, index, 2, [replace(resize, map=map)])
            index += 1
        return program
