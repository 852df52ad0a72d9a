"""Processors that resize floats: Owlv2 as scipy does, the others as torch does."""

from __future__ import annotations

from graphproc.configs.config import Config
from graphproc.errors import ConfigError
from graphproc.ir.program import Parity, ProgramBuilder, Value
from graphproc.ops import MirrorPad, Pad, Rearrange
from graphproc.ops.resample import ALIGNED, SCIPY, TORCH_BYTES, TORCH_FLOATS, Resample
from graphproc.processors import stages
from graphproc.processors.constants import (
    BILINEAR,
    CLIP,
    IMAGENET,
    INCEPTION,
    NEAREST,
    NORMALIZE,
    RESCALE,
    RGB,
    resize_to,
    square,
)
from graphproc.processors.row import ONLY_PIL, ONLY_TORCHVISION, PIL, Row
from graphproc.sizes import multiples, num, rules


def reflect(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_pad`: reflected all around, the more the larger the image."""
    if not config.do_pad:
        return x
    height, width = x.type.size("H"), x.type.size("W")
    rows, columns = multiples.root_padding(height, width)
    return b.add(MirrorPad(rows, columns, height + 2 * rows, width + 2 * columns, "reflect"), x)


def align_corners(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_resize`: towards `size`, linearly between the corners' centres."""
    if not config.do_resize:
        return x
    if config.resample != BILINEAR:
        raise ConfigError(f"resample: {config.processor} is compiled with bilinear ({BILINEAR}) alone, got {config.resample}")
    multiple = config.ensure_multiple_of
    if isinstance(multiple, bool) or not isinstance(multiple, (int, float)) or multiple <= 0:
        raise ConfigError(f"ensure_multiple_of: expected a number above 0, got {multiple!r}")
    size, keep = stages.sides("size", config.size), bool(config.keep_aspect_ratio)
    height, width = multiples.nearest_multiple(x.type.size("H"), x.type.size("W"), *size, keep, multiple)
    stages.at_least_a_pixel(b, height, width)
    height, width = num.maximum(height, 1), num.maximum(width, 1)
    # Where it is not rescaled, torch resizes in bytes.
    return b.add(Resample(height, width, ALIGNED, False, TORCH_BYTES if x.type.dtype == "u8" else TORCH_FLOATS), x)


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


def to_square(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_pad`: zeros at the bottom or right up to a square."""
    if not config.do_pad:
        return x
    side = num.maximum(x.type.size("H"), x.type.size("W"))
    return b.add(Pad(0, 0, side, side), x)


def smooth(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_resize`: blurred where it shrinks, then interpolated; `resample` says nothing but whether it is blurred."""
    if not config.do_resize:
        return x
    if config.resample == NEAREST:
        raise ConfigError(f"resample: {NEAREST} turns the blur of {config.processor} off, which is not compiled. Use {BILINEAR}.")
    if x.type.dtype == "u8":
        raise ConfigError(f"do_rescale: {config.processor} is compiled for floats alone. Set it, or do_resize to false.")
    return b.add(Resample(*stages.sides("size", config.size), "bilinear", arithmetic=SCIPY), x)


def without_one_channel(b: ProgramBuilder, config: Config, x: Value) -> None:
    """`pixel_values`; a resize that nothing follows drops an only channel."""
    dropped = config.do_resize and not config.do_normalize and x.type.channels == 1
    b.output("pixel_values", b.add(Rearrange("1 h w -> h w", layout="HW"), x) if dropped else x)


ROWS = (
    Row(
        "DepthProImageProcessor",
        "float resize",
        (stages.rescale, stages.normalize, resize_without_antialias),
        {**resize_to(square(1536), BILINEAR), **NORMALIZE, **INCEPTION},
        backends=ONLY_TORCHVISION,
    ),
    Row(
        "DINOv3ViTImageProcessor",
        "float resize",
        (stages.rescale_alone, resize, stages.center_crop, stages.normalize_alone),
        {**resize_to(square(224), BILINEAR), **NORMALIZE, **IMAGENET},
        not_compiled="resample 1 (lanczos) after rescaling",
        backends=ONLY_TORCHVISION,
    ),
    Row(
        "Owlv2ImageProcessor",
        "float resize",
        (stages.rescale, to_square, smooth, stages.normalize),
        {
            **RGB,
            **resize_to(square(960), BILINEAR),
            **RESCALE,
            "do_normalize": True,
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
        "float resize",
        (stages.rescale, reflect, align_corners, stages.normalize),
        {
            **resize_to({"height": 384, "width": 512}, BILINEAR),
            **RESCALE,
            "do_normalize": True,
            **INCEPTION,
            "do_pad": True,
            "keep_aspect_ratio": True,
            "ensure_multiple_of": 1 / 32,
        },
        extra_keys=("ensure_multiple_of", "keep_aspect_ratio"),
        not_compiled="resample 3 (torch's bicubic with aligned corners)",
        parity=Parity(f"{PIL.reference} and torch"),
        finish=without_one_channel,
        backends=ONLY_PIL,
    ),
)
