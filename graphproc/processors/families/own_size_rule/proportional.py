"""ConvNext, LeViT, Perceiver and PoolFormer: the sizes of resize and crop are in a fixed proportion."""

from __future__ import annotations

from graphproc.configs.config import Config
from graphproc.configs.settings import Setting, divisor
from graphproc.errors import ConfigError
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Blank
from graphproc.processors import stages
from graphproc.processors.constants import IMAGENET, INCEPTION, shortest, square, usual
from graphproc.processors.spec import ProcessorSpec
from graphproc.sizes import num, rules
from graphproc.sizes.num import Num
from graphproc.sizes.rules import Size

CROP_PCT = Setting(None, divisor, "The crop's part of the resized image's shortest edge.")


@stages.when("do_resize")
def resize_and_crop(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply ConvNext's `do_resize`: from 384 pixels on to a square; below, divided by `crop_pct`, and a crop of `size`."""
    edge = stages.edge(config, "size", "shortest_edge")
    if edge >= 384:
        return stages.resample(b, x, edge, edge, config.resample)
    if not config.crop_pct:
        raise ConfigError("crop_pct: ConvNextImageProcessor needs a number above 0 for a shortest_edge below 384")
    x = stages.resample(b, x, *stages.shortest_edge_size(x, int(edge / config.crop_pct)), config.resample)
    return stages.cropped(b, x, edge, edge)


@stages.resizing
def by_eighth(config: Config, height: Num, width: Num) -> Size:
    """Apply LeViT's `do_resize`: a shortest edge of 224 means 256; height and width are taken as they are."""
    edge = config.size.get("shortest_edge")
    if edge is None:
        return stages.sides("size", config.size)
    return rules.shortest_edge(height, width, int((256 / 224) * edge))


@stages.resizing
def by_crop_pct(config: Config, height: Num, width: Num) -> Size:
    """Apply PoolFormer's `do_resize`: a shortest edge or a square size scales the shortest edge, other sizes are exact."""
    if config.crop_pct is None:
        return rules.resized_size(height, width, config.size)
    if not config.crop_pct:
        raise ConfigError("crop_pct: expected a number above 0, got 0")
    edge = config.size.get("shortest_edge")
    if edge is None:
        edge, other = stages.sides("size", config.size)
        if edge != other:
            return int(edge / config.crop_pct), int(other / config.crop_pct)
    return rules.shortest_edge(height, width, int(edge / config.crop_pct))


def crop_and_resize(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_center_crop`: to `size / crop_size` of the shorter side; then `do_resize`.

    The crop of a very small image has no pixels. Resizing it gives a black image, as Pillow does; torchvision fails.
    """
    if not config.do_center_crop:
        return stages.resize(b, config, x)
    shorter = num.minimum(x.type.size("H"), x.type.size("W"))
    pairs = zip(stages.sides("size", config.size), stages.sides("crop_size", config.crop_size), strict=True)
    height, width = (num.trunc((side / crop) * shorter) for side, crop in pairs)
    if not config.do_resize or b.backend == TORCHVISION:
        for side in (height, width):
            b.require(side >= 1, "the centre crop is less than 1 pixel. Use a larger image.")
        return stages.resize(b, config, stages.cropped(b, x, height, width))
    x = stages.resize(b, config, stages.cropped(b, x, num.maximum(height, 1), num.maximum(width, 1)))
    empty = num.either(height < 1, width < 1)
    return x if empty is False else b.add(Blank(empty), x)


SPECS = (
    ProcessorSpec(
        "ConvNextImageProcessor",
        (resize_and_crop, stages.center_crop, stages.rescale, stages.normalize),
        usual(shortest(384), "bicubic", INCEPTION, crop_pct=CROP_PCT.of(224 / 256)),
    ),
    ProcessorSpec(
        "LevitImageProcessor",
        (by_eighth, *stages.STANDARD[1:]),
        usual(shortest(224), "bicubic", IMAGENET, crop=224),
    ),
    ProcessorSpec(
        "PerceiverImageProcessor",
        (crop_and_resize, stages.rescale, stages.normalize),
        usual(square(224), "bicubic", IMAGENET, crop=256),
    ),
    ProcessorSpec(
        "PoolFormerImageProcessor",
        (by_crop_pct, *stages.STANDARD[1:]),
        usual(shortest(224), "bicubic", IMAGENET, crop=224, crop_pct=CROP_PCT.of(0.9)),
    ),
)
