"""EfficientNet: the plain steps, an offset after rescaling, and a second division by the standard deviation."""

from __future__ import annotations

from graphproc.configs.config import NEEDS, Config
from graphproc.configs.settings import Setting
from graphproc.errors import ConfigError
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.processors import stages
from graphproc.processors.constants import INCEPTION, square, usual
from graphproc.processors.spec import ProcessorSpec


def rescale(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_rescale`; with `rescale_offset`, subtract 1."""
    x = stages.rescale(b, _apart(config), x)
    if not config.do_rescale or not config.rescale_offset:
        return x
    if (held := x.type.dtype) in ("f32", "f64"):
        return x - 1.0
    if held == "f16":
        return (x.cast("f32") - 1.0).cast(held)
    return (x.cast("i64") - 1).cast(held)  # whole numbers, which wrap around at their limits


def normalize(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_normalize`; with `rescale_offset` it is a step by itself, in both backends."""
    if b.backend == TORCHVISION and config.do_normalize and x.type.dtype != "f32":
        x = x.cast("f32")  # which torchvision then does not normalize in place, so that one channel becomes three
    return stages.normalize(b, config.changed(do_rescale=False) if config.rescale_offset else config, x)


def _apart(config: Config) -> Config:
    return config.changed(do_normalize=False) if config.rescale_offset else config


def normalize_top(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `include_top`: divided by `image_std` (again), whether or not `do_normalize` is on.

    Raises:
        ConfigError: the pixels are still bytes, which torchvision does not normalize.
    """
    if config.include_top and b.backend == TORCHVISION and x.type.dtype == "u8":
        raise ConfigError("include_top: torchvision normalizes no bytes. Set do_rescale, or backend='pil'.")
    return stages.normalize_alone(b, config.changed(do_normalize=config.include_top, image_mean=0), x)


SPECS = (
    ProcessorSpec(
        "EfficientNetImageProcessor",
        (stages.resize, stages.center_crop, rescale, normalize, normalize_top),
        usual(
            square(346),
            "bicubic",
            INCEPTION,
            crop=289,
            do_center_crop=False,
            rescale_offset=Setting(False, None, "Subtract 1 after rescaling."),
            include_top=Setting(True, None, "Divide by `image_std` once more, for models with a classifier."),
        ),
        needs={**NEEDS, "include_top": ("image_std",)},
    ),
)
