"""Perceiver: a centre crop in proportion to the shorter side, then the resize."""

from __future__ import annotations

from graphproc.configs.config import Config
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import CenterCrop
from graphproc.processors import stages
from graphproc.processors.constants import BICUBIC, IMAGENET, RESCALE, crop_to, resize_to, square
from graphproc.processors.row import Row
from graphproc.sizes import num


def center_crop(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_center_crop`: to `size / crop_size` of the shorter side."""
    if not config.do_center_crop:
        return x
    shorter = num.minimum(x.type.size("H"), x.type.size("W"))
    pairs = zip(stages.sides("size", config.size), stages.sides("crop_size", config.crop_size), strict=True)
    height, width = (num.trunc((side / crop) * shorter) for side, crop in pairs)
    for side in (height, width):
        b.require(side >= 1, "the centre crop is less than 1 pixel. Use a larger image.")
    return b.add(CenterCrop(height, width), x)


ROWS = (
    Row(
        "PerceiverImageProcessor",
        "plain",
        (center_crop, stages.resize, stages.rescale, stages.normalize),
        {**resize_to(square(224), BICUBIC), **crop_to(256), **RESCALE, "do_normalize": True, **IMAGENET},
    ),
)
