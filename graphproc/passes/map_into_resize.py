"""Let the resize map the bytes that it computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphproc.ir.op import Op
from graphproc.ops import ByteMap, Resize
from graphproc.passes.base import Declined, Match, Pass


class MapIntoResize(Pass):
    """Map bytes in the resize, while they are in the cache: `resize; byte_map` becomes one op."""

    name = "map-into-resize"
    matches = (Resize, ByteMap)

    def rewrite(self, match: Match) -> Sequence[Op] | Declined:
        """Return the resize with the map."""
        resize, mapped = match.ops
        assert isinstance(resize, Resize)
        assert isinstance(mapped, ByteMap)
        if resize.pad is not None:
            return Declined("the canvas lies between them")
        if (mapped.axis, mapped.each) != (-3, 1):
            return Declined("the constants of the map do not follow channels of planes")
        return [replace(resize, map=mapped)]
