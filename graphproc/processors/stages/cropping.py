"""Crop and pad images, and say how images of different sizes join."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.errors import ConfigError
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.join import Join
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import (
    CenterCrop,
    Pad,
)
from graphproc.processors.stages.settings import sides
from graphproc.processors.stages.stage import when
from graphproc.sizes import num
from graphproc.sizes.num import Num

PADDED = joins.Pad(unpadded=(-3,))
"""Pads images, masks and maps at the bottom and right to the largest of all, but not their channels."""


@when("do_center_crop")
def center_crop(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_center_crop`: to `crop_size`."""
    return cropped(b, x, *sides("crop_size", config.crop_size))


def cropped(b: ProgramBuilder, x: Value, height: Num, width: Num) -> Value:
    """Cut out the centre, with zeros around a smaller image.

    The backend decides on which side an odd number of zeros has one more.
    """
    return b.add(CenterCrop(height, width, "after" if b.backend == TORCHVISION else "before"), x)


def pad(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_pad`: zeros at the bottom and right up to `pad_size`; without one, the join pads."""
    return pad_to(b, x, config.pad_size) if config.do_pad else x


def pad_to(b: ProgramBuilder, x: Value, size: dict[str, int] | None) -> Value:
    """Pad with zeros at the bottom and right to a size; without one, leave it to the join (`join_padded_to`)."""
    if size is None:
        return x
    height, width = sides("pad_size", size)
    for name, side, limit in (("height", x.type.size("H"), height), ("width", x.type.size("W"), width)):
        b.require(side <= limit, f"the image's {name} is larger than pad_size's {limit}. Resize it or raise pad_size.")
    return b.add(Pad.canvas(0, 0, height, width), x)


def join_after(config: Config, steps: Sequence[Callable[..., Value]]) -> Join:
    """Return the join of images that went through some stages. The stage `pad` may leave padding to it."""
    return join_padded(config) if pad in steps else joins.STACK


def join_padded(config: Config) -> Join:
    """Return the join of images with `do_pad`: it pads where there is no `pad_size`."""
    return join_padded_to(config.pad_size) if config.do_pad else joins.STACK


def join_padded_to(size: dict[str, int] | None) -> Join:
    """Return the join of images behind `pad_to`: it pads where there was no size."""
    return PADDED if size is None else joins.STACK


def pad_to_square(b: ProgramBuilder, x: Value, color: tuple[int, ...], side: Num | None = None) -> Value:
    """Put the image in the middle of a square of one colour, as wide as the longer side.

    `side` is the longer side in pixels where it is known beforehand.

    Raises:
        ConfigError: the colour does not have a number for each channel, or numbers that are not bytes
            beside pixels that are.
    """
    if len(color) != x.type.channels or (x.type.dtype == "u8" and not all(0 <= v <= 255 for v in color)):
        what = "a byte" if x.type.dtype == "u8" else "a number"
        raise ConfigError(f"background: expected {what} for each of {x.type.channels} channels, got {color}")
    height, width = x.type.size("H"), x.type.size("W")
    longer = num.maximum(height, width) if side is None else side
    return b.add(Pad.canvas((longer - height) // 2, (longer - width) // 2, longer, longer, color), x)
