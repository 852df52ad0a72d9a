"""Perceiver: a centre crop in proportion to the shorter side, then the resize."""

from __future__ import annotations

from graphproc.configs.config import Config
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Blank
from graphproc.processors import stages
from graphproc.processors.constants import IMAGENET, NORMALIZE, crop_to, resize_to, square
from graphproc.processors.row import ONLY_PIL, Row
from graphproc.sizes import num


def crop_and_resize(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_center_crop`: to `size / crop_size` of the shorter side; then `do_resize`.

    The crop of a very small image has no pixels; resizing it gives a black image, as Pillow does.
    """
    if not config.do_center_crop:
        return stages.resize(b, config, x)
    shorter = num.minimum(x.type.size("H"), x.type.size("W"))
    pairs = zip(stages.sides("size", config.size), stages.sides("crop_size", config.crop_size), strict=True)
    height, width = (num.trunc((side / crop) * shorter) for side, crop in pairs)
    if not config.do_resize:
        for side in (height, width):
            b.require(side >= 1, "the centre crop is less than 1 pixel. Use a larger image.")
        return stages.cropped(b, x, height, width)
    x = stages.resize(b, config, stages.cropped(b, x, num.maximum(height, 1), num.maximum(width, 1)))
    empty = num.either(height < 1, width < 1)
    return x if empty is False else b.add(Blank(empty), x)


ROWS = (
    Row(
        "PerceiverImageProcessor",
        (crop_and_resize, stages.rescale, stages.normalize),
        {**resize_to(square(224), "bicubic"), **crop_to(256), **NORMALIZE, **IMAGENET},
        backends=ONLY_PIL,
    ),
)
