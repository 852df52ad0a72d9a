"""Never compute the pixels that a crop throws away."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

from graphproc.ir.op import Op
from graphproc.ir.program import Program
from graphproc.ops import CenterCrop, Pad, Resize
from graphproc.passes.base import Pass, chain, replace_chain
from graphproc.sizes.rules import center_window


class CropIntoResize(Pass):
    """`resize; center_crop` becomes a resize of the kept window, padded where the crop may be larger than the image.

    A window only selects which outputs are computed; each keeps its own weights.
    """

    name: ClassVar[str] = "crop-into-resize"
    numerics: ClassVar[Literal["bit-exact", "reassociates"]] = "bit-exact"

    def run(self, program: Program) -> Program:
        """Rewrite every pair."""
        index = 0
        while index < len(program.steps):
            pair = chain(program, index, Resize, CenterCrop)
            if pair and isinstance(pair[0], Resize) and isinstance(pair[1], CenterCrop) and not pair[0].window:
                program = replace_chain(program, index, 2, _window(pair[0], pair[1]))
            index += 1
        return program


def _window(resize: Resize, crop: CenterCrop) -> list[Op]:
    top, height, above = center_window(resize.height, crop.height, crop.extra)
    left, width, before = center_window(resize.width, crop.width, crop.extra)
    whole = (top, left, height, width) == (0, 0, resize.height, resize.width)
    ops: list[Op] = [resize if whole else replace(resize, window=(top, left, height, width))]
    if (height, width) != (crop.height, crop.width):
        ops.append(Pad(above, before, crop.height, crop.width))
    return ops
