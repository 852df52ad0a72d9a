"""Processors whose sizes are multiples of a divisor, by the resize or by padding.

Source of the defaults: transformers 5.23, `models/*/image_processing_*.py`.
"""

from __future__ import annotations

from dataclasses import replace

from graphproc.configs.config import NEEDS, Config
from graphproc.configs.sizes import size_dict
from graphproc.errors import ConfigError
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.numerics.filters import TORCHVISION
from graphproc.ops import Distinct, MirrorPad, Numbers, Pad, Rearrange, SelectChannels
from graphproc.processors import label_maps, stages
from graphproc.processors.calls import NONZERO, Reads
from graphproc.processors.constants import (
    BICUBIC,
    BILINEAR,
    CLIP,
    IMAGENET,
    IMAGENET_MEAN,
    IMAGENET_STD,
    INCEPTION,
    NORMALIZE,
    RESCALE,
    RGB,
    crop_to,
    resize_to,
    shortest,
    square,
)
from graphproc.processors.detr import pad_with_mask
from graphproc.processors.row import ONLY_PIL, ONLY_TORCHVISION, Extra, Finish, Row
from graphproc.sizes import multiples


def short_side(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_resize`: a shortest edge with a cap, floored to multiples of `size_divisor`."""
    if not config.do_resize:
        return x
    height, width = x.type.size("H"), x.type.size("W")
    edge, divisor = shortest_edge(config, "size"), stages.count(config, "size_divisor")
    return stages.resample(b, x, *multiples.short_side_floored(height, width, edge, divisor), config.resample)


def short_side_of_any(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """The same, with any sides where torchvision's backend has no `size_divisor`."""
    any_side = config.size_divisor is None and b.backend == TORCHVISION
    return short_side(b, config.changed(size_divisor=1) if any_side else config, x)


def shortest_edge(config: Config, key: str) -> int:
    """The shortest edge of a size that must give one."""
    edge = getattr(config, key).get("shortest_edge")
    if edge is None:
        raise ConfigError(f"{key}: {config.processor} needs a shortest_edge, got {getattr(config, key)}")
    return int(edge)


def square_crop(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_center_crop`: to the square of `crop_size`'s shortest edge."""
    if not config.do_center_crop:
        return x
    edge = shortest_edge(config, "crop_size")
    return stages.cropped(b, x, edge, edge)


def rounded(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_resize`: a shortest edge of `resize_short`, then up to multiples of `size_divisor`; without it to `size`."""
    if not config.do_resize or config.resize_short is None:
        return stages.resize(b, config, x)
    edge = stages.count(config, "resize_short")
    divisor = 1 if config.size_divisor is None else stages.count(config, "size_divisor")
    size = multiples.shortest_edge_rounded(x.type.size("H"), x.type.size("W"), edge, divisor)
    return stages.resample(b, x, *size, config.resample)


def to_bgr(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """The three channels in reverse; the statistics before it are in reverse, too, but applied to RGB."""
    return b.add(SelectChannels((2, 1, 0)), x)


def with_mask(*order: str) -> Finish:
    """A finish that pads to the largest of the batch with `do_pad`, and gives the pixels and their mask in an order."""

    def finish(b: ProgramBuilder, config: Config, x: Value) -> None:
        found = dict(zip(MASKED, pad_with_mask(b, x, None), strict=True)) if config.do_pad else {"pixel_values": x}
        for name in order:
            if name in found:
                b.output(name, found[name])

    return finish


def floored(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_resize`: both sides down to multiples, bilinear without a `resample`."""
    if not config.do_resize:
        return x
    divisor = stages.count(config, "size_divisor")
    to = multiples.floor_multiple(x.type.size("H"), x.type.size("W"), divisor)
    return stages.resample(b, x, *to, config.resample)


def ceiled(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_resize`: a shortest edge, then both sides up to multiples."""
    if not config.do_resize:
        return x
    edge, divisor = shortest_edge(config, "size"), stages.count(config, "size_divisor")
    size = multiples.shortest_edge_ceiled(x.type.size("H"), x.type.size("W"), edge, divisor)
    return stages.resample(b, x, *size, config.resample)


def whole_patches(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_resize`: shrunk to inside `size`, then up to whole patches of `patch_size`."""
    if not config.do_resize:
        return x
    edge = config.size.get("longest_edge")
    tall, wide = (edge, edge) if edge else stages.sides("size", config.size)
    patch = stages.sides("patch_size", size_dict("patch_size", config.patch_size))
    return stages.resample(
        b, x, *multiples.within_ceiled(x.type.size("H"), x.type.size("W"), tall, wide, *patch), config.resample
    )


def with_sizes(b: ProgramBuilder, config: Config, x: Value) -> None:
    """`do_pad` to the largest of the batch, and `image_sizes`, those before it."""
    b.output("pixel_values", x, "pad" if config.do_pad else "stack")
    b.output("image_sizes", b.add(Numbers((x.type.size("H"), x.type.size("W")))), "stack")


def mirrored(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_pad`: mirrored at the bottom and right up to the next larger multiple."""
    if not config.do_pad:
        return x
    height, width = x.type.size("H"), x.type.size("W")
    return b.add(MirrorPad(0, 0, *multiples.above_multiple(height, width, stages.count(config, "size_divisor")), "symmetric"), x)


def towards(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_resize`: towards `size`, each side to the nearest multiple of `ensure_multiple_of`."""
    if not config.do_resize:
        return x
    size, multiple = stages.sides("size", config.size), stages.count(config, "ensure_multiple_of")
    keep = bool(config.keep_aspect_ratio)
    return stages.resample(
        b, x, *multiples.nearest_multiple(x.type.size("H"), x.type.size("W"), *size, keep, multiple), config.resample
    )


def crop(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_center_crop`, which only torchvision's backend has."""
    return stages.center_crop(b, config, x) if b.backend == TORCHVISION else x


def centered(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """`do_pad` with a `size_divisor`, without which torchvision's backend fails: zeros all around up to multiples."""
    if config.do_pad and config.size_divisor is None and b.backend == TORCHVISION:
        raise ConfigError("do_pad: needs size_divisor, which is null. Set it, or do_pad to false.")
    if not config.do_pad or config.size_divisor is None:
        return x
    height, width, divisor = x.type.size("H"), x.type.size("W"), stages.count(config, "size_divisor")
    top, left = (multiples.centered_padding(side, divisor)[0] for side in (height, width))
    return b.add(Pad(top, left, *multiples.ceil_multiple(height, width, divisor)), x)


def with_prompt(b: ProgramBuilder, config: Config, x: Value) -> None:
    """The pixels, and the prompt's depths in metres where it is given, with an axis of one channel."""
    b.output("pixel_values", x)
    if "prompt_depth" in b.extras:
        depth = b.add(Distinct(float(stages.number(config, "prompt_scale_to_meter"))), b.extras["prompt_depth"])
        b.output("prompt_depth", b.add(Rearrange("h w -> 1 h w", layout="CHW"), depth))


MASKED = ("pixel_values", "pixel_mask")
DEPTH = (towards, crop, stages.rescale, stages.normalize, centered)
DEPTH_DEFAULTS = {
    **resize_to(square(384), BICUBIC),
    **NORMALIZE,
    **INCEPTION,
    "do_pad": False,
    "ensure_multiple_of": 1,
    "keep_aspect_ratio": False,
}
DEPTH_KEYS = ("ensure_multiple_of", "keep_aspect_ratio", "size_divisor")
DPT = Row(
    "DPTImageProcessor",
    "multiples",
    DEPTH,
    DEPTH_DEFAULTS,
    extra_keys=(*DEPTH_KEYS, "do_reduce_labels"),
    extras=label_maps.LABEL_MAPS,
    finish=label_maps.with_labels(towards, crop, centered, resample=None),
)

ROWS = (
    Row(
        "BridgeTowerImageProcessor",
        "multiples",
        (short_side, square_crop, stages.rescale, stages.normalize),
        {
            **resize_to(shortest(288), BICUBIC),
            "do_center_crop": True,
            "crop_size": shortest(288),
            **NORMALIZE,
            **CLIP,
            "do_pad": True,
            "size_divisor": 32,
        },
        extra_keys=("size_divisor",),
        outputs=MASKED[::-1],
        input_names=MASKED,
        finish=with_mask(*MASKED[::-1]),
    ),
    replace(
        DPT,
        name="CHMv2ImageProcessor",
        defaults={
            **DEPTH_DEFAULTS,
            "do_resize": False,
            "image_mean": (0.42, 0.411, 0.296),
            "image_std": (0.213, 0.156, 0.143),
            "do_pad": True,
            "ensure_multiple_of": 16,
            "keep_aspect_ratio": True,
            "size_divisor": 16,
        },
        backends=ONLY_TORCHVISION,
    ),
    DPT,
    Row(
        "GLPNImageProcessor",
        "multiples",
        (floored, stages.rescale, stages.normalize),
        {"do_resize": True, "resample": BILINEAR, **RESCALE, "size_divisor": 32},
        extra_keys=("size_divisor",),
        needs={**NEEDS, "do_resize": ()},
    ),
    Row(
        "PixtralImageProcessor",
        "multiples",
        (whole_patches, stages.center_crop, stages.rescale, stages.normalize),
        {
            **RGB,
            **resize_to({"longest_edge": 1024}, BICUBIC),
            **NORMALIZE,
            **CLIP,
            "do_pad": True,
            "patch_size": square(16),
        },
        extra_keys=("patch_size",),
        outputs=("pixel_values", "image_sizes"),
        input_names=("pixel_values", "image_sizes"),
        finish=with_sizes,
        backends=ONLY_PIL,
    ),
    Row(
        "PPLCNetImageProcessor",
        "multiples",
        (rounded, stages.center_crop, stages.rescale, stages.normalize, to_bgr),
        {
            **resize_to(square(256), BILINEAR),
            **crop_to(224),
            **NORMALIZE,
            "image_mean": IMAGENET_MEAN[::-1],
            "image_std": IMAGENET_STD[::-1],
            "resize_short": 256,
            "size_divisor": 1,
        },
        extra_keys=("resize_short", "size_divisor"),
        calls={"resize_short": Reads(lambda own, given: own is None)},
        backends=ONLY_TORCHVISION,
    ),
    Row(
        "PromptDepthAnythingImageProcessor",
        "multiples",
        DEPTH,
        {**DEPTH_DEFAULTS, "prompt_scale_to_meter": 0.001},
        extra_keys=(*DEPTH_KEYS, "prompt_scale_to_meter"),
        outputs=("pixel_values", "prompt_depth"),
        input_names=("pixel_values", "prompt_depth"),
        extras={"prompt_depth": Extra("prompt_depth", dtype="i32", aligned=False, floats=True)},
        finish=with_prompt,
        backends=ONLY_PIL,
        reads="plain",
    ),
    Row(
        "Swin2SRImageProcessor",
        "multiples",
        (stages.rescale, mirrored),
        {**RESCALE, "do_pad": True, "size_divisor": 8},
        extra_keys=("size_divisor",),
        backends=ONLY_PIL,
    ),
    Row(
        "TextNetImageProcessor",
        "multiples",
        (ceiled, stages.center_crop, stages.rescale, stages.normalize),
        {**RGB, **resize_to(shortest(640), BILINEAR), **crop_to(224, on=False), **NORMALIZE, **IMAGENET, "size_divisor": 32},
        extra_keys=("size_divisor",),
    ),
    Row(
        "ViltImageProcessor",
        "multiples",
        (short_side_of_any, stages.rescale, stages.normalize),
        {**resize_to(shortest(384), BICUBIC), **NORMALIZE, **INCEPTION, "do_pad": True, "size_divisor": 32},
        extra_keys=("size_divisor",),
        calls={"size_divisor": replace(NONZERO, backends=ONLY_PIL)},
        outputs=MASKED,
        input_names=MASKED,
        finish=with_mask(*MASKED),
    ),
)
