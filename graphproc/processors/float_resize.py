"""Processors that resize floats: Owlv2 as scipy does, the others as torch does."""

from __future__ import annotations

from graphproc.configs.config import Config
from graphproc.configs.settings import Above, Setting
from graphproc.errors import ConfigError
from graphproc.ir.program import Parity, ProgramBuilder, Value
from graphproc.ops import MirrorPad, Pad
from graphproc.ops.resample import ALIGNED, SCIPY, TORCH_BYTES, TORCH_FLOATS, Resample
from graphproc.processors import stages
from graphproc.processors.constants import BILINEAR, CLIP, IMAGENET, INCEPTION, NEAREST, NORMALIZE, RGB, resize_to, square
from graphproc.processors.row import ONLY_PIL, ONLY_TORCHVISION, PIL, Row
from graphproc.processors.settings import KEEP_ASPECT_RATIO
from graphproc.sizes import multiples, num, rules


@stages.when("do_pad")
def reflect(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_pad`: reflected all around, the more the larger the image."""
    height, width = x.type.size("H"), x.type.size("W")
    rows, columns = multiples.root_padding(height, width)
    return b.add(MirrorPad(rows, columns, height + 2 * rows, width + 2 * columns, "reflect"), x)


@stages.when("do_resize")
def align_corners(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_resize`: towards `size`, linearly between the corners' centres."""
    if config.resample != BILINEAR:
        raise ConfigError(f"resample: {config.processor} is compiled with bilinear ({BILINEAR}) alone, got {config.resample}")
    multiple = stages.number(config, "ensure_multiple_of")
    size, keep = stages.sides("size", config.size), bool(config.keep_aspect_ratio)
    height, width = multiples.nearest_multiple(x.type.size("H"), x.type.size("W"), *size, keep, multiple)
    stages.at_least_a_pixel(b, height, width)
    height, width = num.maximum(height, 1), num.maximum(width, 1)
    if x.type.dtype == "u8":  # not rescaled, which torch resizes in bytes
        return b.add(Resample(height, width, ALIGNED, False, TORCH_BYTES), x)
    return b.add(Resample(height, width, ALIGNED, False, TORCH_FLOATS), x)


def resize(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_resize` of whatever the pixels are by then, floats or bytes."""
    return _resized(b, config, x, antialias=True)


def resize_without_antialias(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """The same from the nearest pixels alone."""
    return _resized(b, config, x, antialias=False)


def _resized(b: ProgramBuilder, config: Config, x: Value, antialias: bool) -> Value:
    if not config.do_resize:
        return x
    size = rules.resized(x.type.size("H"), x.type.size("W"), config.size)
    return stages.resample(b, x, *size, config.resample, antialias=antialias)


@stages.when("do_pad")
def to_square(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_pad`: zeros at the bottom or right up to a square."""
    side = num.maximum(x.type.size("H"), x.type.size("W"))
    return b.add(Pad(0, 0, side, side), x)


@stages.when("do_resize")
def smooth(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_resize`: blurred where it shrinks, then interpolated; `resample` says nothing but whether it is blurred."""
    if config.resample == NEAREST:
        raise ConfigError(f"resample: {NEAREST} turns the blur of {config.processor} off, which is not compiled. Use {BILINEAR}.")
    if x.type.dtype == "u8":
        raise ConfigError(f"do_rescale: {config.processor} is compiled for floats alone. Set it, or do_resize to false.")
    return b.add(Resample(*stages.sides("size", config.size), "bilinear", arithmetic=SCIPY), x)


def without_one_channel(b: ProgramBuilder, config: Config, x: Value) -> None:
    """`pixel_values`; a resize that nothing follows drops an only channel."""
    dropped = config.do_resize and not config.do_normalize and x.type.channels == 1
    b.output("pixel_values", x.rearrange("1 h w -> h w", "HW") if dropped else x)


ROWS = (
    Row(
        "DepthProImageProcessor",
        (stages.rescale, stages.normalize, resize_without_antialias),
        {**resize_to(square(1536), "bilinear"), **NORMALIZE, **INCEPTION},
        backends=ONLY_TORCHVISION,
    ),
    Row(
        "DINOv3ViTImageProcessor",
        (stages.rescale_alone, resize, stages.center_crop, stages.normalize_alone),
        {**resize_to(square(224), "bilinear"), **NORMALIZE, **IMAGENET},
        not_compiled="resample 1 (lanczos) after rescaling",
        backends=ONLY_TORCHVISION,
    ),
    Row(
        "Owlv2ImageProcessor",
        (stages.rescale, to_square, smooth, stages.normalize),
        {
            **RGB,
            **resize_to(square(960), "bilinear"),
            **NORMALIZE,
            **CLIP,
            "do_pad": True,
        },
        not_compiled="resample 0, which means a resize without blur; do_rescale=False, by which scipy blurs bytes",
        parity=Parity(
            f"{PIL.reference} and scipy",
            5e-7,
            "the runtime's and scipy's exponentials differ in their last bits; another rescale_factor or image_std scales that",
        ),
        backends=ONLY_PIL,
    ),
    Row(
        "ZoeDepthImageProcessor",
        (stages.rescale, reflect, align_corners, stages.normalize),
        {
            **resize_to({"height": 384, "width": 512}, "bilinear"),
            **NORMALIZE,
            **INCEPTION,
            "do_pad": True,
            "ensure_multiple_of": Setting(1 / 32, Above(0), "What the sides become multiples of, in pixels."),
            "keep_aspect_ratio": KEEP_ASPECT_RATIO.of(True),
        },
        not_compiled="resample 3 (torch's bicubic with aligned corners)",
        parity=Parity(f"{PIL.reference} and torch"),
        finish=without_one_channel,
        backends=ONLY_PIL,
    ),
)
