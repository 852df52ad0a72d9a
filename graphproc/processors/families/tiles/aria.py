"""Aria: the image or its tiles, each in the upper left corner of a square, with a mask of its pixels."""

from __future__ import annotations

from graphproc import joins
from graphproc.configs import legacy
from graphproc.configs.config import Config
from graphproc.configs.settings import OneOf, Setting, Whole, flag
from graphproc.errors import ConfigError
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Full, Numbers, Pad, Slice
from graphproc.processors import stages, tiling
from graphproc.processors.constants import BICUBIC, INCEPTION, NORMALIZE, RGB
from graphproc.processors.families.tiles.any_resolution import tiles
from graphproc.processors.settings import CANVASES
from graphproc.processors.spec import ProcessorSpec, Stage
from graphproc.sizes import num
from graphproc.sizes.num import Num
from graphproc.sizes.rules import Size

SPLITS = [(1, n) for n in range(2, 9)] + [(2, 4), (2, 3), (2, 2), (2, 1), (3, 1), (3, 2), (4, 1), (4, 2)]
SPLITS += [(n, 1) for n in range(5, 9)]
SETTINGS = {
    "max_image_size": Setting(980, OneOf((490, 980)), "The side in pixels of the square that each part becomes: 490 or 980."),
    "min_image_size": Setting(336, Whole(), "The least pixels of the shorter side."),
    "split_resolutions": CANVASES.of(tuple((490 * rows, 490 * columns) for rows, columns in SPLITS)),
    "split_image": Setting(False, flag, "Cut images into parts."),
}


def longest_side(config: Config) -> int:
    """Return `max_image_size`, a length in pixels that the model has patches for.

    Raises:
        ConfigError: it is neither 490 nor 980.
    """
    return stages.count(config, "max_image_size")


def fitted(config: Config, height: Num, width: Num) -> Size:
    """Scale a size so that its longer side is `max_image_size` and the other at least `min_image_size`."""
    longest, least = longest_side(config), stages.count(config, "min_image_size")
    scale, most = longest / num.maximum(height, width), max(longest, least)
    new_height, new_width = (num.minimum(num.maximum(num.trunc(side * scale), least), most) for side in (height, width))
    wide = width >= height
    return num.where(wide, new_height, longest), num.where(wide, longest, new_width)


def squares(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Resize the image, or with `split_image` its tiles, and fill each up to a square with zeros.

    With a `min_image_size` above the square's side, torchvision's backend cuts off what is too long.

    Raises:
        ConfigError: it is above that side in Pillow's backend.
    """
    seen: list[Size] = []
    longest, least = longest_side(config), stages.count(config, "min_image_size")
    if least > longest and b.backend != TORCHVISION:
        raise ConfigError(f"min_image_size: expected at most max_image_size, which is {longest}, got {least}")

    def square(b: ProgramBuilder, config: Config, x: Value) -> Value:
        return b.add((Slice.window if least > longest else Pad.canvas)(0, 0, longest, longest), x)

    def steps(height: Num, width: Num) -> tuple[Stage, Stage]:
        size = fitted(config, height, width)
        seen.append((longest, longest) if least > longest else size)
        return lambda b, config, x: tiling.resample(b, config, x, *size), square

    if config.split_image:
        x = tiles(b, config, x, "split_resolutions", longest, steps)
    else:
        for step in steps(x.type.size("H"), x.type.size("W")):
            x = step(b, config, x)
        x = tiling.as_tile(b, x)
    ones = b.add(Full((1, *x.type.shape[-2:]), 1, "bool", "CHW"))
    masks = tiling.for_each(b, config, ones, x.type.size("N"), Slice.window(0, 0, *seen[0]), (square,))
    b.output("pixel_mask", masks.rearrange("n 1 h w -> n h w", "NHW"), joins.Concatenate())
    return x


def finish(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare `pixel_values` and `num_crops`, the largest number of tiles that an image has."""
    b.output("pixel_values", x, joins.Concatenate())
    b.output("num_crops", b.add(Numbers((x.type.size("N"),), shape=())), joins.Maximum())


SPECS = (
    ProcessorSpec(
        "AriaImageProcessor",
        (squares, tiling.rescale_and_normalize),
        {**RGB, "resample": BICUBIC, **NORMALIZE, **INCEPTION, **SETTINGS},
        older={"split_resolutions": legacy.not_null("split_resolutions")},
        outputs=("pixel_values", "pixel_mask", "num_crops"),
        meanings={"num_crops": "the largest number of crops that an image has"},
        finish=finish,
    ),
)
