"""Gemma 3: the image, and with `do_pan_and_scan` crops along the longer side of an elongated one."""

from __future__ import annotations

from graphproc.configs.config import Config
from graphproc.configs.settings import Setting, Whole, flag, number
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.delivery import PARTS
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Blank, Slice
from graphproc.processors import stages, tiling
from graphproc.processors.constants import INCEPTION, square, usual
from graphproc.processors.spec import ProcessorSpec
from graphproc.processors.tiling import INDEX
from graphproc.sizes import num
from graphproc.sizes.slices import PanAndScan, pan_and_scan

PAN_AND_SCAN = (
    "do_pan_and_scan",
    "pan_and_scan_min_crop_size",
    "pan_and_scan_max_num_crops",
    "pan_and_scan_min_ratio_to_activate",
)


def crops(config: Config, image: Value) -> PanAndScan:
    """Return the crops of an image: their grid and sides, and whether there are any."""
    least, most = (stages.count(config, key) for key in PAN_AND_SCAN[1:3])
    ratio = stages.number(config, "pan_and_scan_min_ratio_to_activate")
    return pan_and_scan(image.type.size("H"), image.type.size("W"), least, most, ratio)


def with_crops(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Return the resized image and then the resized crops. Images with crops of sizes of their own are refused.

    Where there is at most one crop, it is the whole image again. Very small crops may lie beyond the
    image: those are black in Pillow's backend. torchvision's refuses them, and resizes with
    `do_pan_and_scan` whatever `do_resize` says.
    """
    if not config.do_pan_and_scan:
        return stages.resize(b, config, x)
    if b.backend == TORCHVISION:
        config = config.changed(do_resize=True, size=config.size or {})
    found, height, width = crops(config, x), x.type.size("H"), x.type.size("W")
    whole = tiling.as_tile(b, stages.resize(b, config, x))
    if config.pan_and_scan_max_num_crops == 1:
        return tiling.join(b, whole, tiling.tiles_if(b, found.active, whole))
    if not config.do_resize or set(config.size) != {"height", "width"}:
        b.require(num.negate(found.active), "its crops have sizes of their own. Resize to a height and a width.")
        return whole
    down, across = num.where(found.grid.rows > 1, INDEX, 0), num.where(found.grid.columns > 1, INDEX, 0)
    top, left = down * found.crop[0], across * found.crop[1]
    tall, wide = num.minimum(height - top, found.crop[0]), num.minimum(width - left, found.crop[1])
    place = (num.minimum(top, height - 1), num.minimum(left, width - 1), num.maximum(tall, 1), num.maximum(wide, 1))
    steps: list[stages.Stage] = [stages.resize]
    if b.backend == TORCHVISION:
        for count, side, length in zip(found.grid, found.crop, (height, width), strict=True):
            b.require((count - 1) * side < length, "it has crops without pixels. Set a larger pan_and_scan_min_crop_size.")
    else:
        steps.append(lambda b, config, y: b.add(Blank(num.either(tall < 1, wide < 1)), y))
    number = found.grid.rows * found.grid.columns
    return tiling.join(b, whole, tiling.for_each(b, config, x, number, Slice.window(*place), steps))


def with_number(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare `pixel_values` and `num_crops`, the number of each image's crops."""
    b.output("pixel_values", x, tiling.join_of(x), delivery=PARTS)
    tiling.size_output(b, "num_crops", x.type.size("N") - 1 if config.do_pan_and_scan else 0)


CROPS = {
    "do_pan_and_scan": Setting(None, flag, "Add crops of elongated images behind the whole one."),
    "pan_and_scan_min_crop_size": Setting(None, Whole(1), "The least pixels of a crop's sides."),
    "pan_and_scan_max_num_crops": Setting(None, Whole(1), "The most crops of an image."),
    "pan_and_scan_min_ratio_to_activate": Setting(None, number, "How much longer than the other a side must be for crops."),
}

SPECS = (
    ProcessorSpec(
        "Gemma3ImageProcessor",
        (with_crops, stages.rescale, stages.normalize),
        usual(square(224), "bilinear", INCEPTION, CROPS, rgb=True),
        outputs=("pixel_values", "num_crops"),
        finish=with_number,
    ),
)
