"""Let the rearrangement map the bytes that it moves."""

from __future__ import annotations

from collections.abc import Sequence

from graphproc.ir.op import Op
from graphproc.ops import ByteMap, Rearrange, RearrangeMapped
from graphproc.passes.base import Match, Pass


class MapIntoRearrange(Pass):
    """Map bytes as they move: `rearrange; byte_map` becomes one op, which has a kernel."""

    name = "map-into-rearrange"
    matches = (Rearrange, ByteMap)

    def rewrite(self, match: Match) -> Sequence[Op]:
        """Return the rearrangement with the map."""
        move, mapped = match.ops
        assert isinstance(move, Rearrange)
        assert isinstance(mapped, ByteMap)
        return [RearrangeMapped.of(move, mapped)]
