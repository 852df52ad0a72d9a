"""Change the values and the order of channels: rescale, normalize, flip."""

from __future__ import annotations

import numpy as np

from graphproc.configs.config import Config
from graphproc.errors import ConfigError
from graphproc.ir.backends import TORCHVISION
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ir.types import DTYPES, FLOATS
from graphproc.ops import (
    Normalize,
    Rescale,
    SelectChannels,
)
from graphproc.processors.stages.stage import when


def rescale(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_rescale`: times `rescale_factor`; torchvision's backend leaves it to `normalize` where that follows."""
    if not config.do_rescale or _fused(b, config):
        return x
    if b.backend != TORCHVISION:
        return b.add(Rescale(float(config.rescale_factor)), x)
    return times(b, x, config.rescale_factor)


def times(b: ProgramBuilder, x: Value, factor: float, key: str = "rescale_factor") -> Value:
    """Multiply pixels by a number, a setting's, as torch does.

    Whole numbers times an int keep their type, and wrap around where it is too small; bools become
    int64. Floats keep their type. Whole numbers times a float become float32.

    Raises:
        ConfigError: the factor is an int that the pixels' type cannot hold.
    """
    dtype = x.type.dtype
    if isinstance(factor, int) and dtype not in FLOATS:
        dtype = "i64" if dtype == "bool" else dtype
        limits = np.iinfo(DTYPES[dtype])
        if not limits.min <= factor <= limits.max:
            raise ConfigError(f"{key}: {factor} is no number of the pixels' type, {dtype}. Write it as a float.")
        if factor == 1:
            return x if dtype == x.type.dtype else x.cast(dtype)
        return (x.cast("i64") * factor).cast(dtype)
    if dtype == "f64":
        return x * float(factor)
    product = b.add(Rescale(float(factor), "f32"), x)
    return product.cast("f16") if dtype == "f16" else product


@when("do_normalize")
def normalize(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_normalize`: minus `image_mean`, over `image_std`, in the units of the pixels where rescaling is left to it.

    Raises:
        ConfigError: there are more or fewer numbers than channels, or `rescale_factor` is 0 where
            torchvision's backend divides the mean by it.
    """
    mean, std = (per_channel(b, key, getattr(config, key), x) for key in ("image_mean", "image_std"))
    if b.backend == TORCHVISION and x.type.dtype not in ("u8", "f32"):
        x = x.cast("f32")
    if _fused(b, config):
        if not config.rescale_factor:
            raise ConfigError(
                "rescale_factor: expected a number other than 0, by which torchvision's backend divides image_mean."
            )
        unit = np.float32(1 / config.rescale_factor)
        mean, std = (tuple(float(np.float32(v) * unit) for v in values) for values in (mean, std))
    return normalized(b, x, mean, std)


def normalized(b: ProgramBuilder, x: Value, mean: tuple[float, ...], std: tuple[float, ...]) -> Value:
    """Subtract the mean and divide by the deviation.

    In torchvision's backend, one channel becomes as many as there are numbers.
    """
    return b.add(Normalize(mean, std), spread(b, x, mean, std))


def spread(b: ProgramBuilder, x: Value, *numbers: float | tuple[float, ...]) -> Value:
    """Repeat a single channel for each number that there is, as torchvision's backend does; else change nothing."""
    channels = max(len(one) if isinstance(one, tuple) else 1 for one in numbers)
    if b.backend == TORCHVISION and x.type.channels == 1 and channels > 1:
        return b.add(SelectChannels((0,) * channels), x)
    return x


def rescale_alone(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_rescale` in classes that take another step before they normalize, in both backends."""
    return rescale(b, config.changed(do_normalize=False), x)


def normalize_alone(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_normalize` in these classes.

    Raises:
        ConfigError: the pixels are still bytes, which torchvision does not normalize.
    """
    if not config.do_normalize or b.backend != TORCHVISION:
        return normalize(b, config.changed(do_rescale=False), x)
    if x.type.dtype not in FLOATS:
        raise ConfigError(
            f"do_normalize: torchvision normalizes floats alone, and the pixels are {x.type.dtype}. Set do_rescale."
        )
    return normalized(b, x, *(per_channel(b, key, getattr(config, key), x) for key in ("image_mean", "image_std")))


def normalize_apart(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_normalize` in classes that take another step before, in float32, also to whole numbers."""
    return normalize(b, config.changed(do_rescale=False), x)


def _fused(b: ProgramBuilder, config: Config) -> bool:
    """Tell whether rescale and normalize are one step.

    Source: transformers 5.23, `TorchvisionBackend.rescale_and_normalize`.
    """
    return bool(b.backend == TORCHVISION and config.do_rescale and config.do_normalize)


def per_channel(b: ProgramBuilder, key: str, value: float | tuple[float, ...], x: Value) -> tuple[float, ...]:
    """Return the numbers of a setting: one for all channels, or one for each.

    A list of one number is an error for several channels, as in transformers, but not in torchvision's
    backend. That takes several numbers for one channel of floats, too, and makes as many channels. Other
    pixels it normalizes in place, where there is no room for more.

    Raises:
        ConfigError: there are more or fewer numbers than channels.
    """
    if not isinstance(value, tuple):
        return (value,)
    channels = x.type.size("C")
    spread = b.backend == TORCHVISION and (len(value) == 1 or (channels == 1 and x.type.dtype in FLOATS))
    if len(value) != channels and not spread:
        raise ConfigError(f"{key}: expected a number, or one for each of the {channels} channels, got {list(value)}")
    return value


def flip_channels(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_flip_channel_order`: RGB to BGR."""
    return reverse_channels(b, x) if config.do_flip_channel_order else x


def reverse_channels(b: ProgramBuilder, x: Value) -> Value:
    """Return the channels in reverse."""
    return b.add(SelectChannels(tuple(reversed(range(x.type.channels)))), x)
