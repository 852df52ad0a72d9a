"""Deepseek-VL and Janus: the image scaled to a longer side, in the middle of a square of the mean colour.

Source of the defaults: transformers 5.23, `models/{deepseek_vl,deepseek_vl_hybrid,janus}/image_processing_pil_*.py`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from graphproc.configs.config import NEEDS, Config
from graphproc.configs.settings import Setting, Sides, Whole, filter_code, numbers
from graphproc.errors import ConfigError
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.processors import stages
from graphproc.processors.calls import NONZERO, PARTLY
from graphproc.processors.constants import BICUBIC, BILINEAR, CLIP, CLIP_MEAN, CLIP_STD, square, usual
from graphproc.processors.spec import ONLY_PIL, ProcessorSpec
from graphproc.sizes import fit

GRAY = (127, 127, 127)


def longer_side(b: ProgramBuilder, config: Config, x: Value, key: str = "size", filter_code: int | None = None) -> Value:
    """Apply `do_resize`: the longer side to that of a square size, the other at least `min_size`."""
    if not config.do_resize:
        return x
    height, width = stages.sides(key, getattr(config, key))
    if height != width:
        raise ConfigError(f"{key}: {config.processor} needs a height equal to the width, got {getattr(config, key)}")
    size = fit.longest_edge_half_even(x.type.size("H"), x.type.size("W"), height, stages.count(config, "min_size"))
    return stages.resample(b, x, *size, config.resample if filter_code is None else filter_code)


def on_square(b: ProgramBuilder, config: Config, x: Value, mean: Any, key: str = "size") -> Value:
    """Apply `do_pad`: in the middle of a square of the mean colour, truncated to bytes."""
    if not config.do_pad:
        return x
    if mean is not None and not isinstance(mean, tuple):
        raise ConfigError(f"image_mean: do_pad needs a number for each channel, got {mean!r}")
    color = GRAY if mean is None else tuple(int(v * 255) for v in mean)
    # the longer side is rounded to exactly the length that it was scaled to, for any image
    side = max(getattr(config, key)["height"], stages.count(config, "min_size")) if config.do_resize else None
    return stages.pad_to_square(b, x, color, side)


def pad(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_pad` in the mean colour that the processor was made with."""
    return on_square(b, config, x, config.own("image_mean"))


def finer_filter(b: ProgramBuilder, config: Config) -> int:
    """Return the code of the first resize's filter, `high_res_resample`.

    Where it is null, torchvision's backend takes bilinear. Pillow's takes the processor's `resample`,
    also where it is 0.
    """
    if b.backend == TORCHVISION:
        return BILINEAR if config.high_res_resample is None else int(config.high_res_resample)
    return int(config.high_res_resample or config.own("resample"))


def two_scales(b: ProgramBuilder, config: Config, x: Value) -> None:
    """Declare the image at a high resolution, and this one reduced again; without `do_resize` both are the image.

    Raises:
        ConfigError: the backend is torchvision's, and `do_resize` or `do_pad` is off.
    """
    if b.backend == TORCHVISION and not (config.do_resize and config.do_pad):
        raise ConfigError("do_resize, do_pad: torchvision's backend needs both. Switch them on, or use backend='pil'.")
    high = low = x
    fine = config.changed(image_mean=config.high_res_image_mean, image_std=config.high_res_image_std)
    if config.do_resize:
        high = longer_side(b, config, x, "high_res_size", finer_filter(b, config))
        high = on_square(b, config, high, config.own("high_res_image_mean"), "high_res_size")
        low = pad(b, config, longer_side(b, config, high))
    b.output("pixel_values", stages.normalize(b, config, stages.rescale(b, config, low)))
    b.output("high_res_pixel_values", stages.normalize(b, fine, stages.rescale(b, fine, high)))


DEFAULTS = usual(
    square(384), "bicubic", CLIP, do_pad=True, min_size=Setting(14, Whole(0), "The least pixels of the shorter side.")
)


def _background(config: Config, key: str) -> tuple[int, ...]:
    """Return a mean colour as bytes, truncated: 0.485 becomes 123. Null becomes gray.

    Raises:
        ConfigError: the mean is one number, which transformers does not make a colour of.
    """
    mean = config.settings[key]
    if mean is None:
        return GRAY
    if not isinstance(mean, (list, tuple)):
        raise ConfigError(f"{key}: expected a number for each channel, for the background's colour, got {mean!r}")
    return tuple(int(v * 255) for v in mean)


def one_mean(config: Config) -> dict[str, Any]:
    """Return the attribute `background_color`, made of the mean."""
    return {"background_color": _background(config, "image_mean")}


def two_means(config: Config) -> dict[str, Any]:
    """Return both background colours: of `image_mean` and of `high_res_image_mean`."""
    return {**one_mean(config), "high_res_background_color": _background(config, "high_res_image_mean")}


CALLS = {"image_mean": PARTLY, "resample": replace(NONZERO, backends=ONLY_PIL)}
STAGES = (longer_side, pad, stages.rescale, stages.normalize)

SPECS = (
    ProcessorSpec("DeepseekVLImageProcessor", STAGES, DEFAULTS, calls=CALLS, computed=one_mean),
    ProcessorSpec(
        "DeepseekVLHybridImageProcessor",
        (),
        {
            **DEFAULTS,
            "high_res_size": Setting(square(1024), Sides(("do_resize",)), "As `size`, for the image of high resolution."),
            "high_res_resample": Setting(BICUBIC, filter_code, "As `resample`, for the image of high resolution."),
            "high_res_image_mean": Setting(CLIP_MEAN, numbers, "As `image_mean`, for the image of high resolution."),
            "high_res_image_std": Setting(CLIP_STD, numbers, "As `image_std`, for the image of high resolution."),
        },
        outputs=("pixel_values", "high_res_pixel_values"),
        needs={**NEEDS, "do_normalize": (*NEEDS["do_normalize"], "high_res_image_mean", "high_res_image_std")},
        finish=two_scales,
        calls={**CALLS, "high_res_image_mean": PARTLY},
        computed=two_means,
    ),
    ProcessorSpec("JanusImageProcessor", STAGES, DEFAULTS, calls=CALLS, computed=one_mean),
)
