"""Let the resize of floats make its floats of bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphproc.ir.op import Op
from graphproc.ops import ByteMap, Cast, ResizeFloats
from graphproc.passes.base import Declined, Match, Pass


class MapIntoFloats(Pass):
    """Make floats where the resize reads them: `byte_map; resize_floats` becomes one op, as does a cast.

    The image is then never a whole one of floats.
    """

    name = "map-into-floats"
    matches = (ByteMap | Cast, ResizeFloats)

    def rewrite(self, match: Match) -> Sequence[Op] | Declined:
        """Return the resize with the map, if it maps bytes channel by channel."""
        mapped, resize = match.ops
        assert isinstance(mapped, (ByteMap, Cast))
        assert isinstance(resize, ResizeFloats)
        if match.x.type.dtype != "u8":
            return Declined(f"{match.x.name} is {match.x.type.dtype}, not u8")
        if isinstance(mapped, ByteMap) and (mapped.axis, mapped.each) != (-3, 1):
            return Declined("the constants of the map do not follow channels of planes")
        return [replace(resize, map=mapped)]
