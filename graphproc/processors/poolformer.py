"""PoolFormer: resize to the size divided by `crop_pct`, then crop."""

from __future__ import annotations

from graphproc.configs.config import Config
from graphproc.errors import ConfigError
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.processors import stages
from graphproc.processors.constants import BICUBIC, IMAGENET, RESCALE, crop_to, resize_to, shortest
from graphproc.processors.row import Row


def resize(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_resize`: a shortest edge or a square size scales the shortest edge, other sizes are exact."""
    if not config.do_resize or config.crop_pct is None:
        return stages.resize(b, config, x)
    if not config.crop_pct:
        raise ConfigError("crop_pct: expected a number above 0, got 0")
    size = config.size
    edge = size.get("shortest_edge")
    if edge is None:
        height, width = stages.sides("size", size)
        if height != width:
            return stages.resample(b, x, int(height / config.crop_pct), int(width / config.crop_pct), config.resample)
        edge = height
    return stages.resample(b, x, *stages.shortest_edge_size(x, int(edge / config.crop_pct)), config.resample)


ROWS = (
    Row(
        "PoolFormerImageProcessor",
        "own size rule",
        (resize, *stages.STANDARD[1:]),
        {
            **resize_to(shortest(224), BICUBIC),
            **crop_to(224),
            **RESCALE,
            "do_normalize": True,
            **IMAGENET,
            "crop_pct": 0.9,
        },
        extra_keys=("crop_pct",),
    ),
)
