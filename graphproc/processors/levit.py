"""Levit: the shortest edge is enlarged by 256 / 224 before the crop."""

from __future__ import annotations

from graphproc.configs.config import Config
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.processors import stages
from graphproc.processors.constants import BICUBIC, IMAGENET, RESCALE, crop_to, resize_to, shortest
from graphproc.processors.row import Row


def resize(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_resize`: a shortest edge of 224 means 256; height and width are taken as they are."""
    if not config.do_resize:
        return x
    edge = config.size.get("shortest_edge")
    if edge is None:
        return stages.resample(b, x, *stages.sides("size", config.size), config.resample)
    return stages.resample(b, x, *stages.shortest_edge_size(x, int((256 / 224) * edge)), config.resample)


ROWS = (
    Row(
        "LevitImageProcessor",
        "own size rule",
        (resize, *stages.STANDARD[1:]),
        {**resize_to(shortest(224), BICUBIC), **crop_to(224), **RESCALE, "do_normalize": True, **IMAGENET},
    ),
)
