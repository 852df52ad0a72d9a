"""Processors that resize floats: Owlv2 as scipy does, the others as torch does."""

from __future__ import annotations

from graphproc.configs import legacy
from graphproc.configs.config import Config
from graphproc.configs.settings import Above, Setting
from graphproc.errors import ConfigError
from graphproc.ir.backends import PIL, TORCHVISION
from graphproc.ir.program import Parity, ProgramBuilder, Value
from graphproc.ir.types import FLOATS
from graphproc.ops import Blur, Pad
from graphproc.ops.resample import SCIPY, Resample
from graphproc.processors import stages
from graphproc.processors.constants import BILINEAR, CLIP, IMAGENET, INCEPTION, NEAREST, square, usual
from graphproc.processors.padding import padded
from graphproc.processors.parity import THREADS
from graphproc.processors.settings import KEEP_ASPECT_RATIO
from graphproc.processors.spec import ONLY_TORCHVISION, PIL_PARITY, TORCHVISION_PARITY, ProcessorSpec
from graphproc.sizes import multiples, num

LEAST_SIGMA = 0.11
"""The narrowest Gaussian that is blurred by, in pixels: the pixels beside have a weight of 1e-18."""


@stages.when("do_pad")
def reflect(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_pad`: reflected all around, by more pixels for larger images."""
    height, width = x.type.size("H"), x.type.size("W")
    rows, columns = multiples.root_padding(height, width)
    if b.backend == TORCHVISION:
        return padded(b, x, (rows, columns, height + 2 * rows, width + 2 * columns), mode="reflect")
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


def check_channels(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Check that an image has a number of channels that OWLv2's steps recognise in Pillow's backend.

    Raises:
        ConfigError: it has neither 1 nor 3 there.
    """
    if b.backend != TORCHVISION and x.type.channels not in (1, 3):
        raise ConfigError(
            f"{config.processor}: Pillow's backend pads and resizes images of 1 or 3 channels alone, got {x.type.channels}. "
            "Convert the image to RGB."
        )


@stages.when("do_pad")
def to_square(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_pad`: zeros at the bottom or right up to a square."""
    check_channels(b, config, x)
    side = num.maximum(x.type.size("H"), x.type.size("W"))
    return b.add(Pad.canvas(0, 0, side, side), x)


def blurred(b: ProgramBuilder, x: Value, height: int, width: int) -> Value:
    """Blur an image that shrinks both ways, as torchvision's backend does.

    It takes the height's Gaussian for the columns, and the width's for the rows.
    """
    rows, columns = x.type.size("H"), x.type.size("W")
    factors = (num.to_float32(rows / height), num.to_float32(columns / width))
    down, across = (num.maximum(num.to_float32(factor - 1) / 2, 0.0) for factor in factors)
    shrinks = num.both(down > 0, across > 0)
    radii = tuple(num.where(shrinks, num.ceil(num.to_float32(3 * sigma)), 0) for sigma in (across, down))
    for radius, side in zip(radii, (rows, columns), strict=True):
        b.require(radius < side, "the image is too narrow to be blurred. Set do_pad, or make size's height and width alike.")
    blur = Blur(tuple(num.maximum(sigma, LEAST_SIGMA) for sigma in (across, down)), radii)
    return b.add(blur, x.cast("f32")).cast("f16") if x.dtype == "f16" else b.add(blur, x)


@stages.when("do_resize")
def smooth(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize`: blurred where it shrinks, then interpolated.

    `resample` says nothing but whether it is blurred in Pillow's backend.
    """
    check_channels(b, config, x)
    if config.resample == NEAREST and b.backend != TORCHVISION:
        raise ConfigError(f"resample: {NEAREST} turns the blur of {config.processor} off, which is not compiled. Use {BILINEAR}.")
    if x.dtype not in FLOATS:
        raise ConfigError(f"do_rescale: {config.processor} is compiled for floats alone. Set it, or do_resize to false.")
    if b.backend == TORCHVISION:
        size = stages.sides("size", config.size)
        return stages.resample(b, blurred(b, x, *size), *size, BILINEAR, antialias=False)
    return b.add(Resample(*stages.sides("size", config.size), "bilinear", arithmetic=SCIPY), x)


def resized(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize` as `smooth`.

    Raises:
        ConfigError: it is off in torchvision's backend, which loses the images then.
    """
    if not config.do_resize and b.backend == TORCHVISION:
        raise ConfigError("do_resize: torchvision's backend fails without it. Set it to true.")
    return smooth(b, config, x)


def without_one_channel(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare `pixel_values`; in Pillow's backend, a resize of one channel without `do_normalize` drops the channel axis."""
    dropped = b.backend != TORCHVISION and config.do_resize and not config.do_normalize and x.type.channels == 1
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
        (stages.rescale_alone, to_square, resized, stages.normalize_apart),
        usual(square(960), "bilinear", CLIP, rgb=True, do_pad=True),
        older=legacy.OWL,
        limitations="resample 0, with pil a resize without blur; do_rescale=False, by which bytes are blurred",
        parity={
            PIL: Parity(
                f"{PIL_PARITY.compared_with} and scipy",
                5e-7,
                "the runtime's and scipy's exponentials differ in their last bits; another rescale_factor or image_std "
                "scales that",
            ),
            TORCHVISION: Parity(
                TORCHVISION_PARITY.compared_with,
                2e-5,
                "torch's exponentials and convolutions round otherwise on each processor; another rescale_factor or image_std "
                "scales that",
                where=THREADS,
            ),
        },
    ),
    ProcessorSpec(
        "ZoeDepthImageProcessor",
        (stages.rescale_alone, reflect, align_corners, stages.normalize_alone),
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
    ),
)
