"""Never compute the pixels that a crop throws away."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from graphproc.ir.op import Op
from graphproc.ir.program import Program
from graphproc.ops import CenterCrop, Crop, Pad, Resize
from graphproc.passes.base import Pass, chain, replace_chain
from graphproc.sizes.rules import center_window


class CropIntoResize(Pass):
    """A crop behind a resize becomes its window; a centre crop that may be larger than the image is padded then.

    A window only selects which outputs are computed; each keeps its own weights. A crop of a size that depends on the image
    often turns out to keep all of it, and stays.
    """

    name: ClassVar[str] = "crop-into-resize"
    numerics: ClassVar[Literal["bit-exact", "reassociates"]] = "bit-exact"

    def run(self, program: Program) -> Program:
        """Rewrite every pair."""
        index = 0
        while index < len(program.steps):
            resize, crop = chain(program, index, Resize, CenterCrop) or chain(program, index, Resize, Crop) or (None, None)
            known = isinstance(crop, CenterCrop) or (
                isinstance(crop, Crop) and isinstance(crop.height, int) and isinstance(crop.width, int)
            )
            if isinstance(resize, Resize) and isinstance(crop, (Crop, CenterCrop)) and known and not resize.window:
                program = replace_chain(program, index, 2, _window(resize, crop))
            index += 1
        return program


def _window(resize: Resize, crop: Crop | CenterCrop) -> list[Op]:
    if isinstance(crop, Crop):
        return [replace(resize, window=(crop.top, crop.left, crop.height, crop.width))]
    top, height, above = center_window(resize.height, crop.height, crop.extra)
    left, width, before = center_window(resize.width, crop.width, crop.extra)
    whole = (top, left, height, width) == (0, 0, resize.height, resize.width)
    ops: list[Op] = [resize if whole else replace(resize, window=(top, left, height, width))]
    if (height, width) != (crop.height, crop.width):
        ops.append(Pad(above, before, crop.height, crop.width))
    return ops
