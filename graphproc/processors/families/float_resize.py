"""Processors that resize floats: Owlv2 as scipy does, the others as torch does."""

from __future__ import annotations

from graphproc.configs import legacy
from graphproc.configs.config import Config
from graphproc.configs.settings import Above, Setting
from graphproc.errors import ConfigError
from graphproc.ir.backends import PIL
from graphproc.ir.program import Parity, ProgramBuilder, Value
from graphproc.ops import Pad
from graphproc.ops.resample import SCIPY, Resample
from graphproc.processors import stages
from graphproc.processors.constants import BILINEAR, CLIP, IMAGENET, INCEPTION, NEAREST, square, usual
from graphproc.processors.settings import KEEP_ASPECT_RATIO
from graphproc.processors.spec import ONLY_PIL, ONLY_TORCHVISION, PIL_PARITY, ProcessorSpec
from graphproc.sizes import multiples, num


@stages.when("do_pad")
def reflect(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_pad`: reflected all around, by more pixels for larger images."""
    height, width = x.type.size("H"), x.type.size("W")
    rows, columns = multiples.root_padding(height, width)
    return b.add(Pad.canvas(rows, columns, height + 2 * rows, width + 2 * columns, mode="reflect"), x)


@stages.when("do_resize")
def align_corners(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize`: towards `size`, linearly between the corners' centres."""
    if config.resample != BILINEAR:
        raise ConfigError(f"resample: {config.processor} is compiled with bilinear ({BILINEAR}) alone, got {config.resample}")
    multiple = stages.number(config, "ensure_multiple_of")
    size, keep = stages.sides("size", config.size), bool(config.keep_aspect_ratio)
    height, width = multiples.nearest_multiple(x.type.size("H"), x.type.size("W"), *size, keep, multiple)
    return stages.with_aligned_corners(b, x, *stages.at_least_a_pixel(b, height, width))


@stages.when("do_pad")
def to_square(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_pad`: zeros at the bottom or right up to a square."""
    side = num.maximum(x.type.size("H"), x.type.size("W"))
    return b.add(Pad.canvas(0, 0, side, side), x)


@stages.when("do_resize")
def smooth(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize`: blurred where it shrinks, then interpolated; `resample` says nothing but whether it is blurred."""
    if config.resample == NEAREST:
        raise ConfigError(f"resample: {NEAREST} turns the blur of {config.processor} off, which is not compiled. Use {BILINEAR}.")
    if x.type.dtype == "u8":
        raise ConfigError(f"do_rescale: {config.processor} is compiled for floats alone. Set it, or do_resize to false.")
    return b.add(Resample(*stages.sides("size", config.size), "bilinear", arithmetic=SCIPY), x)


def without_one_channel(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare `pixel_values`; without `do_normalize`, a resize of one channel drops the channel axis."""
    dropped = config.do_resize and not config.do_normalize and x.type.channels == 1
    b.output("pixel_values", x.rearrange("1 h w -> h w", "HW") if dropped else x)


SPECS = (
    ProcessorSpec(
        "DepthProImageProcessor",
        (stages.rescale, stages.normalize, stages.resize_without_antialias),
        usual(square(1536), "bilinear", INCEPTION),
        backends=ONLY_TORCHVISION,
    ),
    ProcessorSpec(
        "DINOv3ViTImageProcessor",
        (stages.rescale_alone, stages.resize, stages.center_crop, stages.normalize_alone),
        usual(square(224), "bilinear", IMAGENET),
        limitations="resample 1 (lanczos) after rescaling",
        backends=ONLY_TORCHVISION,
    ),
    ProcessorSpec(
        "Owlv2ImageProcessor",
        (stages.rescale, to_square, smooth, stages.normalize),
        usual(square(960), "bilinear", CLIP, rgb=True, do_pad=True),
        older=legacy.OWL,
        limitations="resample 0, which means a resize without blur; do_rescale=False, by which scipy blurs bytes",
        parity={
            PIL: Parity(
                f"{PIL_PARITY.compared_with} and scipy",
                5e-7,
                "the runtime's and scipy's exponentials differ in their last bits; another rescale_factor or image_std "
                "scales that",
            )
        },
        backends=ONLY_PIL,
    ),
    ProcessorSpec(
        "ZoeDepthImageProcessor",
        (stages.rescale, reflect, align_corners, stages.normalize),
        usual(
            {"height": 384, "width": 512},
            "bilinear",
            INCEPTION,
            do_pad=True,
            ensure_multiple_of=Setting(1 / 32, Above(0), "What the sides become multiples of, in pixels."),
            keep_aspect_ratio=KEEP_ASPECT_RATIO.of(True),
        ),
        limitations="resample 3 (torch's bicubic with aligned corners)",
        parity={PIL: Parity(f"{PIL_PARITY.compared_with} and torch")},
        finish=without_one_channel,
        backends=ONLY_PIL,
    ),
)
