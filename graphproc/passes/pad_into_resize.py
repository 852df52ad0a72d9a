"""Let the resize write its result to the canvas that it is put on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphproc.ir.op import Op
from graphproc.ops import Pad, Resize
from graphproc.ops.axes import SIDES
from graphproc.passes.base import Declined, Match, Pass


class PadIntoResize(Pass):
    """Put a pad behind a resize into it: `resize; pad` becomes one op, which a kernel writes at once.

    The canvas has one value around the result. Graphs without kernels have the nodes of both.
    """

    name = "pad-into-resize"
    matches = (Resize, Pad)

    def rewrite(self, match: Match) -> Sequence[Op] | Declined:
        """Return the resize with the pad, or why not."""
        resize, pad = match.ops
        assert isinstance(resize, Resize)
        assert isinstance(pad, Pad)
        if pad.mode != "constant" or pad.axes != SIDES:
            return Declined("the canvas is filled with pixels of the image, or has more than its height and width")
        if resize.pad is not None:
            return Declined("the resize has a canvas already")
        return [replace(resize, pad=pad)]
