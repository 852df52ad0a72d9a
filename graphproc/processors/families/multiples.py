"""Processors that make sides multiples of a divisor, by resizing or by padding.

Source of the defaults: transformers 5.23, `models/*/image_processing_*.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from graphproc import joins
from graphproc.configs import legacy
from graphproc.configs.config import NEEDS, Config
from graphproc.configs.settings import Setting, Whole, changed, number
from graphproc.configs.sizes import size_dict
from graphproc.errors import ConfigError
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.delivery import STACKED, TENSOR, TUPLES
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ir.types import FLOATS
from graphproc.ops import Distinct, Numbers, Pad, SelectChannels
from graphproc.processors import label_maps, stages
from graphproc.processors.calls import NONZERO, Reads
from graphproc.processors.constants import BILINEAR, CLIP, IMAGENET, IMAGENET_BGR, INCEPTION, RESCALE, shortest, square, usual
from graphproc.processors.families.detection import pad_with_mask
from graphproc.processors.padding import padded
from graphproc.processors.settings import DO_REDUCE_LABELS, ENSURE_MULTIPLE_OF, KEEP_ASPECT_RATIO, PATCH_SIDES, SIZE_DIVISOR
from graphproc.processors.spec import ONLY_PIL, ONLY_TORCHVISION, ExtraInput, ProcessorSpec, Stage
from graphproc.sizes import multiples, rules
from graphproc.sizes.num import Num
from graphproc.sizes.rules import Size


def by_edge(rule: Callable[[Num, Num, int, int], Size]) -> Stage:
    """Make the stage that applies `do_resize`: a rule's size for a shortest edge, in multiples of `size_divisor`."""

    def size(config: Config, height: Num, width: Num) -> Size:
        return rule(height, width, stages.edge(config, "size", "shortest_edge"), stages.count(config, "size_divisor"))

    return stages.resizing(size)


short_side = by_edge(multiples.short_side_floored)


def short_side_of_any(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize` as `short_side`; in torchvision's backend, a null `size_divisor` allows any sides."""
    any_side = config.size_divisor is None and b.backend == TORCHVISION
    return short_side(b, config.changed(size_divisor=1) if any_side else config, x)


@stages.when("do_center_crop")
def square_crop(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_center_crop`: to the square of `crop_size`'s shortest edge."""
    edge = stages.edge(config, "crop_size", "shortest_edge")
    return stages.cropped(b, x, edge, edge)


@stages.resizing
def rounded(config: Config, height: Num, width: Num) -> Size:
    """Apply `do_resize`: a shortest edge of `resize_short`, then up to multiples of `size_divisor`; without it to `size`."""
    if config.resize_short is None:
        return rules.resized_size(height, width, config.size)
    divisor = stages.optional(config, "size_divisor") or 1
    return multiples.shortest_edge_rounded(height, width, stages.count(config, "resize_short"), divisor)


def to_bgr(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Reverse the three channels. The mean and deviation applied before are in BGR order, although pixels were RGB."""
    return b.add(SelectChannels((2, 1, 0)), x)


def with_mask(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the pixels; with `do_pad`, padded to the largest of the batch, and their mask."""
    if not config.do_pad:
        return b.output("pixel_values", x)
    for name, value in zip(MASKED, pad_with_mask(b, x, None), strict=True):
        b.output(name, value, stages.PADDED)


@stages.resizing
def floored(config: Config, height: Num, width: Num) -> Size:
    """Apply `do_resize`: both sides down to multiples."""
    return multiples.floor_multiple(height, width, stages.count(config, "size_divisor"))


def in_patches(config: Config, height: Num, width: Num) -> Size:
    """Return the size that `do_resize` makes: shrunk to inside `size`, then up to whole patches of `patch_size`."""
    edge = config.size.get("longest_edge")
    tall, wide = (edge, edge) if edge else stages.sides("size", config.size)
    patch = stages.sides("patch_size", size_dict("patch_size", config.patch_size))
    return multiples.within_ceiled(height, width, tall, wide, *patch)


def with_sizes(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the pixels, padded to the batch's largest with `do_pad`, and `image_sizes`, the sizes before padding.

    In torchvision's backend, they are the sizes before `do_center_crop`.
    """
    join, delivery = (stages.PADDED, STACKED) if config.do_pad else (joins.STACK, TENSOR)
    b.output("pixel_values", x, join, delivery=delivery)
    size = x.type.size("H"), x.type.size("W")
    if b.backend == TORCHVISION and config.do_center_crop:
        size = b.image.type.size("H"), b.image.type.size("W")
        size = in_patches(config, *size) if config.do_resize else size
    b.output("image_sizes", b.add(Numbers(size)), delivery=TUPLES)


@stages.when("do_pad")
def mirrored(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_pad`: mirrored at the bottom and right up to the next larger multiple.

    torchvision's backend mirrors an image once, not back and forth.
    """
    size = multiples.above_multiple(x.type.size("H"), x.type.size("W"), stages.count(config, "size_divisor"))
    if b.backend == TORCHVISION:
        return padded(b, x, (0, 0, *size), mode="symmetric")
    return b.add(Pad.canvas(0, 0, *size, mode="symmetric"), x)


@stages.resizing
def towards(config: Config, height: Num, width: Num) -> Size:
    """Apply `do_resize`: towards `size`, each side to the nearest multiple of `ensure_multiple_of`."""
    multiple, keep = stages.count(config, "ensure_multiple_of"), bool(config.keep_aspect_ratio)
    return multiples.nearest_multiple(height, width, *stages.sides("size", config.size), keep, multiple)


def centered_by_given(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_pad` as `centered`.

    Raises:
        ConfigError: the divisor is null in torchvision's backend, which fails without one.
    """
    if config.do_pad and config.size_divisor is None and b.backend == TORCHVISION:
        raise ConfigError("do_pad: needs size_divisor, which is null. Set it, or do_pad to false.")
    return centered(b, config, x)


def centered(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_pad` with a `size_divisor`: zeros all around, up to multiples of it."""
    if not config.do_pad or config.size_divisor is None:
        return x
    height, width, divisor = x.type.size("H"), x.type.size("W"), stages.count(config, "size_divisor")
    top, left = (multiples.centered_padding(side, divisor)[0] for side in (height, width))
    return b.add(Pad.canvas(top, left, *multiples.ceil_multiple(height, width, divisor)), x)


def with_prompt(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the pixels, and the prompt's depths in metres, f32 [1, H, W], where a prompt is given."""
    b.output("pixel_values", x)
    if "prompt_depth" in b.extra_inputs:
        depth, scale = b.extra_inputs["prompt_depth"], stages.number(config, "prompt_scale_to_meter")
        if b.backend == TORCHVISION:
            depth, scale = stages.times(b, depth, scale, "prompt_scale_to_meter"), 1
        whole = b.backend == TORCHVISION and depth.dtype not in FLOATS  # to which a millionth adds nothing
        depth = depth.cast("f32") if whole else b.add(Distinct(float(scale)), depth)
        b.output("prompt_depth", depth.rearrange("h w -> 1 h w", "CHW"))


crop = stages.only(TORCHVISION, stages.center_crop)
MASKED = ("pixel_values", "pixel_mask")
DEPTH_DEFAULTS = usual(
    square(384),
    "bicubic",
    INCEPTION,
    do_pad=False,
    ensure_multiple_of=ENSURE_MULTIPLE_OF.of(1),
    keep_aspect_ratio=KEEP_ASPECT_RATIO.of(False),
    size_divisor=SIZE_DIVISOR,
)
DPT = ProcessorSpec(
    "DPTImageProcessor",
    (towards, crop, stages.rescale, stages.normalize, centered_by_given),
    {**DEPTH_DEFAULTS, "do_reduce_labels": DO_REDUCE_LABELS},
    extra_inputs=label_maps.LABEL_MAPS,
    finish=label_maps.with_labels(towards, crop, centered_by_given, resample=None),
)

SPECS = (
    ProcessorSpec(
        "BridgeTowerImageProcessor",
        (short_side, square_crop, stages.rescale, stages.normalize),
        usual(shortest(288), "bicubic", CLIP, crop=shortest(288), do_pad=True, size_divisor=SIZE_DIVISOR.of(32)),
        outputs=MASKED[::-1],
        model_inputs=MASKED,
        finish=with_mask,
    ),
    replace(
        DPT,
        name="CHMv2ImageProcessor",
        settings=changed(
            DPT.settings,
            do_resize=False,
            image_mean=(0.42, 0.411, 0.296),
            image_std=(0.213, 0.156, 0.143),
            do_pad=True,
            ensure_multiple_of=16,
            keep_aspect_ratio=True,
            size_divisor=16,
        ),
        backends=ONLY_TORCHVISION,
    ),
    DPT,
    ProcessorSpec(
        "GLPNImageProcessor",
        (floored, stages.rescale, stages.normalize),
        {"do_resize": True, "resample": BILINEAR, **RESCALE, "size_divisor": SIZE_DIVISOR.of(32)},
        needs={**NEEDS, "do_resize": ()},
    ),
    ProcessorSpec(
        "PixtralImageProcessor",
        (stages.resizing(in_patches), stages.center_crop, stages.rescale, stages.normalize),
        usual({"longest_edge": 1024}, "bicubic", CLIP, rgb=True, do_pad=True, patch_size=PATCH_SIDES.of(square(16))),
        outputs=("pixel_values", "image_sizes"),
        meanings={"image_sizes": "height and width of each resized image in pixels, without the padding"},
        finish=with_sizes,
    ),
    ProcessorSpec(
        "PPLCNetImageProcessor",
        (rounded, stages.center_crop, stages.rescale, stages.normalize, to_bgr),
        usual(
            square(256),
            "bilinear",
            IMAGENET_BGR,
            crop=224,
            resize_short=Setting(256, Whole(1), "The shortest edge in pixels; null resizes to `size`."),
            size_divisor=SIZE_DIVISOR.of(1),
        ),
        calls={"resize_short": Reads(lambda own, given: own is None)},
        backends=ONLY_TORCHVISION,
    ),
    ProcessorSpec(
        "PromptDepthAnythingImageProcessor",
        (towards, stages.rescale, stages.normalize, centered),
        {
            **DEPTH_DEFAULTS,
            "prompt_scale_to_meter": Setting(0.001, number, "What the prompt's depths are multiplied by to be metres."),
        },
        outputs=("pixel_values", "prompt_depth"),
        extra_inputs={"prompt_depth": ExtraInput("prompt_depth", dtype="i32", aligned=False, floats=True)},
        finish=with_prompt,
        reads="plain",
    ),
    ProcessorSpec(
        "Swin2SRImageProcessor",
        (stages.rescale_alone, mirrored),
        {**RESCALE, "do_pad": True, "size_divisor": SIZE_DIVISOR.of(8)},
        older={"pad_size": legacy.older("size_divisor")},
    ),
    ProcessorSpec(
        "TextNetImageProcessor",
        (by_edge(multiples.shortest_edge_ceiled), stages.center_crop, stages.rescale, stages.normalize),
        usual(shortest(640), "bilinear", IMAGENET, rgb=True, crop=224, do_center_crop=False, size_divisor=SIZE_DIVISOR.of(32)),
    ),
    ProcessorSpec(
        "ViltImageProcessor",
        (short_side_of_any, stages.rescale, stages.normalize),
        usual(shortest(384), "bicubic", INCEPTION, do_pad=True, size_divisor=SIZE_DIVISOR.of(32)),
        calls={"size_divisor": replace(NONZERO, backends=ONLY_PIL)},
        outputs=MASKED,
        finish=with_mask,
    ),
)
