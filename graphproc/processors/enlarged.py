"""ConvNext, LeViT and PoolFormer: the shortest edge is resized to more than the crop has, by a factor."""

from __future__ import annotations

from typing import Any

from graphproc.configs.config import Config
from graphproc.configs.settings import Setting, number
from graphproc.errors import ConfigError
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.processors import stages
from graphproc.processors.constants import IMAGENET, INCEPTION, NORMALIZE, crop_to, resize_to, shortest
from graphproc.processors.row import Row
from graphproc.sizes import rules
from graphproc.sizes.num import Num
from graphproc.sizes.rules import Size


def share(key: str, value: Any) -> float:
    """A number that sizes are divided by: the quotient has to be a size."""
    if 0 < abs(number(key, value)) < 1e-6:
        raise ConfigError(f"{key}: expected a number that sizes can be divided by, got {value!r}")
    return number(key, value)


CROP_PCT = Setting(None, share, "The crop's part of the resized image's shortest edge.")


@stages.when("do_resize")
def resize_and_crop(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """ConvNext, `do_resize`: from 384 pixels on to a square; below, divided by `crop_pct`, and a crop that belongs to it."""
    edge = stages.edge(config, "size", "shortest_edge")
    if edge >= 384:
        return stages.resample(b, x, edge, edge, config.resample)
    if not config.crop_pct:
        raise ConfigError("crop_pct: ConvNextImageProcessor needs a number above 0 for a shortest_edge below 384")
    x = stages.resample(b, x, *stages.shortest_edge_size(x, int(edge / config.crop_pct)), config.resample)
    return stages.cropped(b, x, edge, edge)


@stages.resizing
def by_eighth(config: Config, height: Num, width: Num) -> Size:
    """LeViT, `do_resize`: a shortest edge of 224 means 256; height and width are taken as they are."""
    edge = config.size.get("shortest_edge")
    if edge is None:
        return stages.sides("size", config.size)
    return rules.shortest_edge(height, width, int((256 / 224) * edge))


@stages.resizing
def by_crop_pct(config: Config, height: Num, width: Num) -> Size:
    """PoolFormer, `do_resize`: a shortest edge or a square size scales the shortest edge, other sizes are exact."""
    if config.crop_pct is None:
        return rules.resized(height, width, config.size)
    if not config.crop_pct:
        raise ConfigError("crop_pct: expected a number above 0, got 0")
    edge = config.size.get("shortest_edge")
    if edge is None:
        edge, other = stages.sides("size", config.size)
        if edge != other:
            return int(edge / config.crop_pct), int(other / config.crop_pct)
    return rules.shortest_edge(height, width, int(edge / config.crop_pct))


ROWS = (
    Row(
        "ConvNextImageProcessor",
        (resize_and_crop, stages.center_crop, stages.rescale, stages.normalize),
        {
            **resize_to(shortest(384), "bicubic"),
            **NORMALIZE,
            **INCEPTION,
            "crop_pct": CROP_PCT.of(224 / 256),
        },
    ),
    Row(
        "LevitImageProcessor",
        (by_eighth, *stages.STANDARD[1:]),
        {**resize_to(shortest(224), "bicubic"), **crop_to(224), **NORMALIZE, **IMAGENET},
    ),
    Row(
        "PoolFormerImageProcessor",
        (by_crop_pct, *stages.STANDARD[1:]),
        {
            **resize_to(shortest(224), "bicubic"),
            **crop_to(224),
            **NORMALIZE,
            **IMAGENET,
            "crop_pct": CROP_PCT.of(0.9),
        },
    ),
)
