"""Leave out the computation of pixels that a crop throws away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphproc.ir.op import Op
from graphproc.ops import CenterCrop, Pad, Resize, Slice
from graphproc.ops.axes import SIDES
from graphproc.passes.base import Declined, Match, Pass
from graphproc.sizes.rules import center_window


class CropIntoResize(Pass):
    """Make a crop behind a resize its window; pad what a centre crop takes from outside the image.

    A window only selects which outputs are computed; each keeps its own weights. A crop stays if
    its size depends on the image, because it often keeps the whole image then.
    """

    name = "crop-into-resize"
    matches = (Resize, CenterCrop | Slice)

    def rewrite(self, match: Match) -> Sequence[Op] | Declined:
        """Return the resize with a window, and a pad if the crop is larger than the image."""
        resize, crop = match.ops
        assert isinstance(resize, Resize)
        if resize.pad is not None:
            return Declined("the canvas lies between them")
        if resize.window:
            return Declined("the resize has a window already")
        if isinstance(crop, Slice):
            if crop.axes != SIDES:
                return Declined("the crop is not of height and width")
            if not all(isinstance(length, int) for length in crop.lengths):
                return Declined("the crop's size depends on the image")
            return [replace(resize, window=(*crop.starts, *crop.lengths))]
        assert isinstance(crop, CenterCrop)
        top, height, above = center_window(resize.height, crop.height, crop.extra)
        left, width, before = center_window(resize.width, crop.width, crop.extra)
        whole = (top, left, height, width) == (0, 0, resize.height, resize.width)
        ops: list[Op] = [resize if whole else replace(resize, window=(top, left, height, width))]
        if (height, width) != (crop.height, crop.width):
            ops.append(Pad.canvas(above, before, crop.height, crop.width))
        return ops
