"""Let the resize of floats read channels-last bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphproc.ir.op import Op
from graphproc.ops import ResizeFloats, ToChannelsFirst
from graphproc.passes.base import Declined, Match, Pass


class FloatsFromPixels(Pass):
    """Read HWC in a resize that maps bytes to floats: `to_channels_first; resize_floats` becomes one op."""

    name = "floats-from-pixels"
    matches = (ToChannelsFirst, ResizeFloats)

    def rewrite(self, match: Match) -> Sequence[Op] | Declined:
        """Return the resize, with another layout."""
        _, resize = match.ops
        assert isinstance(resize, ResizeFloats)
        if resize.map is None:
            return Declined("the resize reads floats")
        return [replace(resize, layout="HWC")]
