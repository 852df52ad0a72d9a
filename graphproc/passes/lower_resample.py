"""Lower the resampling of bytes to the op that the other passes fuse with its neighbours."""

from __future__ import annotations

from typing import ClassVar, Literal

from graphproc.ir.program import Program
from graphproc.ops import Resample
from graphproc.passes.base import Pass, chain, replace_chain


class LowerResample(Pass):
    """`resample` becomes `resize` where its arithmetic has integer weights: Pillow's, and torch's for antialiased bytes.

    The other arithmetics are emitted as they stand.
    """

    name: ClassVar[str] = "lower-resample"
    numerics: ClassVar[Literal["bit-exact", "reassociates"]] = "bit-exact"

    def run(self, program: Program) -> Program:
        """Rewrite every such step."""
        for index in range(len(program.steps)):
            (op,) = chain(program, index, Resample) or (None,)
            lowered = op.lowered() if isinstance(op, Resample) else None
            if lowered is not None:
                program = replace_chain(program, index, 1, [lowered])
        return program
