"""Move the selection of channels behind geometry, where there are fewer pixels."""

from __future__ import annotations

from collections.abc import Sequence

from graphproc.ir.op import Op
from graphproc.ops import CenterCrop, Pad, Resize, SelectChannels
from graphproc.passes.base import Declined, Match, Pass


class LateChannels(Pass):
    """Select channels late: `select_channels; geometry` becomes `geometry; select_channels`.

    Geometry treats every channel alike, so the results are the same bits. A border with a value for
    each channel does not, and stays. Two selections become one, or none if they cancel.
    """

    name = "late-channels"
    matches = (SelectChannels, SelectChannels | Resize | CenterCrop | Pad)

    def rewrite(self, match: Match) -> Sequence[Op] | Declined:
        """Return the geometry, then the selection, or one selection for two."""
        selection, after = match.ops
        assert isinstance(selection, SelectChannels)
        if isinstance(after, SelectChannels):
            order = tuple(selection.order[i] for i in after.order)
            return [] if order == tuple(range(match.x.type.channels)) else [SelectChannels(order)]
        if isinstance(after, Pad) and isinstance(after.value, tuple):
            return Declined("the border has a value for each channel")
        if isinstance(after, Pad) and -3 in after.axes:
            return Declined("the canvas has more channels")
        return [after, selection]
