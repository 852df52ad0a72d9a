"""Never compute the pixels that a crop throws away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphproc.ir.op import Op
from graphproc.ops import CenterCrop, Pad, Resize
from graphproc.passes.base import Declined, Match, Pass
from graphproc.sizes.rules import center_window


class CropIntoResize(Pass):
    """`resize; center_crop` becomes a resize of the kept window, padded where the crop is larger.

    A window only selects which outputs are computed; each keeps its own weights.
    """

    name = "crop-into-resize"
    matches = (Resize, CenterCrop)

    def rewrite(self, match: Match) -> Sequence[Op] | Declined:
        """The resize with a window, and a pad if need be."""
        resize, crop = match.ops
        assert isinstance(resize, Resize)
        assert isinstance(crop, CenterCrop)
        if resize.window:
            return Declined("the resize has a window already")
        top, height, above = center_window(resize.height, crop.height, crop.extra)
        left, width, before = center_window(resize.width, crop.width, crop.extra)
        whole = (top, left, height, width) == (0, 0, resize.height, resize.width)
        ops: list[Op] = [resize if whole else replace(resize, window=(top, left, height, width))]
        if (height, width) != (crop.height, crop.width):
            ops.append(Pad(above, before, crop.height, crop.width))
        return ops
