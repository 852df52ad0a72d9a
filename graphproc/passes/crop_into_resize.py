"""Never compute the pixels that a crop throws away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphproc.ir.op import Op
from graphproc.ops import CenterCrop, Crop, Pad, Resize
from graphproc.passes.base import Declined, Match, Pass
from graphproc.sizes.rules import center_window


class CropIntoResize(Pass):
    """A crop behind a resize becomes its window; a centre crop that may be larger than the image is padded then.

    A window only selects which outputs are computed; each keeps its own weights. A crop of a size that depends on the image
    often turns out to keep all of it, and stays.
    """

    name = "crop-into-resize"
    matches = (Resize, CenterCrop | Crop)

    def rewrite(self, match: Match) -> Sequence[Op] | Declined:
        """The resize with a window, and a pad if need be."""
        resize, crop = match.ops
        assert isinstance(resize, Resize)
        if resize.window:
            return Declined("the resize has a window already")
        if isinstance(crop, Crop):
            if not (isinstance(crop.height, int) and isinstance(crop.width, int)):
                return Declined("the crop's size depends on the image")
            return [replace(resize, window=(crop.top, crop.left, crop.height, crop.width))]
        assert isinstance(crop, CenterCrop)
        top, height, above = center_window(resize.height, crop.height, crop.extra)
        left, width, before = center_window(resize.width, crop.width, crop.extra)
        whole = (top, left, height, width) == (0, 0, resize.height, resize.width)
        ops: list[Op] = [resize if whole else replace(resize, window=(top, left, height, width))]
        if (height, width) != (crop.height, crop.width):
            ops.append(Pad(above, before, crop.height, crop.width))
        return ops
