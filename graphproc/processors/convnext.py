"""ConvNext: below 384 pixels a larger resize and a centre crop, from there on a plain warp."""

from __future__ import annotations

from graphproc.configs.config import Config
from graphproc.errors import ConfigError
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.processors import stages
from graphproc.processors.constants import BICUBIC, INCEPTION, RESCALE, resize_to, shortest
from graphproc.processors.row import Row


def resize(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_resize`: the crop of the `crop_pct` branch belongs to the resize and is taken even without `do_center_crop`."""
    if not config.do_resize:
        return x
    edge = config.size.get("shortest_edge")
    if edge is None:
        raise ConfigError(f"size: ConvNextImageProcessor needs a shortest_edge, got {config.size}")
    if edge >= 384:
        return stages.resample(b, x, edge, edge, config.resample)
    if not config.crop_pct:
        raise ConfigError("crop_pct: ConvNextImageProcessor needs a number above 0 for a shortest_edge below 384")
    x = stages.resample(b, x, *stages.shortest_edge_size(x, int(edge / config.crop_pct)), config.resample)
    return stages.cropped(b, x, edge, edge)


ROWS = (
    Row(
        "ConvNextImageProcessor",
        "own size rule",
        (resize, stages.center_crop, stages.rescale, stages.normalize),
        {**resize_to(shortest(384), BICUBIC), **RESCALE, "do_normalize": True, **INCEPTION, "crop_pct": 224 / 256},
        extra_keys=("crop_pct",),
    ),
)
