"""The stages that most processors share. Each reads its own settings; a class's spec puts them in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

import numpy as np

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.configs.settings import RangeCheck
from graphproc.errors import ConfigError
from graphproc.ir.backends import PIL, TORCHVISION
from graphproc.ir.join import Join
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ir.types import DTYPES, FLOATS
from graphproc.numerics.kernels import KERNEL_NAMES
from graphproc.ops import (
    CenterCrop,
    Normalize,
    Pad,
    Rescale,
    SelectChannels,
)
from graphproc.ops.resample import (
    ALIGNED,
    NEAREST,
    NEAREST_EXACT,
    PILLOW,
    TORCH_BYTES,
    TORCH_FLOATS,
    TORCH_NEAREST,
    Resample,
)
from graphproc.ops.resample.registry import ARITHMETICS
from graphproc.processors.constants import BILINEAR
from graphproc.sizes import num, rules
from graphproc.sizes.num import Num

BYTE_ARITHMETICS: Mapping[str, str] = {PIL: PILLOW, TORCHVISION: TORCH_BYTES}
"""The arithmetic that each backend has for bytes."""
Stage = Callable[[ProgramBuilder, Config, Value], Value]
"""One step of a pipeline: reads its own settings and returns its input unchanged where they switch it off."""
SizeRule = Callable[[Config, Num, Num], rules.Size]
"""Returns the height and width to resize an image to, given its height and width in pixels."""


def when(switch: str) -> Callable[[Stage], Stage]:
    """Make a stage that leaves the image as it is where a setting is false or null."""

    def switched(stage: Stage) -> Stage:
        @wraps(stage)
        def run(b: ProgramBuilder, config: Config, x: Value) -> Value:
            return stage(b, config, x) if getattr(config, switch) else x

        return run

    return switched


def only(backend: str, stage: Stage) -> Stage:
    """Make a stage that leaves the image as it is in the other backend."""

    @wraps(stage)
    def run(b: ProgramBuilder, config: Config, x: Value) -> Value:
        return stage(b, config, x) if b.backend == backend else x

    return run


def resizing(rule: SizeRule) -> Stage:
    """Make the stage `do_resize` of a size rule; the kernel is `resample`."""

    @when("do_resize")
    @wraps(rule)
    def resize(b: ProgramBuilder, config: Config, x: Value) -> Value:
        return resample(b, x, *rule(config, x.type.size("H"), x.type.size("W")), config.resample)

    return resize


PADDED = joins.Pad(unpadded=(-3,))
"""Pads images, masks and maps at the bottom and right to the largest of all, but not their channels."""


def at_least_a_pixel(b: ProgramBuilder, height: Num, width: Num, what: str = "resized") -> rules.Size:
    """Require that each side is at least a pixel after rounding; return the sides, known to be at least 1."""
    for name, side in (("height", height), ("width", width)):
        b.require(side >= 1, f"the {what} {name} rounds to less than 1 pixel. Use a less elongated image.")
    return num.maximum(height, 1), num.maximum(width, 1)


NATIVE = ("u8", "f32", "f64")
"""The element types that torch resizes without a cast."""


def resample(
    b: ProgramBuilder,
    x: Value,
    height: Num,
    width: Num,
    kernel_code: int | None,
    *,
    antialias: bool = True,
    keeps_size: bool = False,
    has_pixels: bool = False,
) -> Value:
    """Resize in the backend's arithmetic: Pillow's of bytes, or torchvision's of pixels of any type.

    Args:
        b: the builder.
        x: the image. torchvision's backend resizes types other than `NATIVE` as float32.
        height, width: the new sides in pixels.
        kernel_code: Pillow's code of the kernel, e.g. 3 for bicubic; None for bilinear.
        antialias: whether every pixel counts where an image shrinks, as it always does in Pillow's backend.
        keeps_size: whether Pillow's backend leaves an image that has the size already untouched.
        has_pixels: whether the size rule guarantees a pixel in each side although its expression does not
            show it; else the program requires it.

    Raises:
        ConfigError: the backend does not have the kernel, or not for pixels of this type.
    """
    if not has_pixels:
        at_least_a_pixel(b, height, width)
    code, dtype = BILINEAR if kernel_code is None else kernel_code, x.type.dtype
    kernel = KERNEL_NAMES[code]
    if b.backend != TORCHVISION:
        if dtype != "u8":
            raise ConfigError(f"do_resize: Pillow resizes bytes, and the pixels are {dtype} here. Set do_rescale.")
        return b.add(Resample(height, width, kernel, kernel != NEAREST, BYTE_ARITHMETICS[b.backend], keeps_size=keeps_size), x)
    if kernel == NEAREST:
        op = Resample(height, width, NEAREST_EXACT, False, TORCH_NEAREST)
    else:
        op = Resample(height, width, kernel, antialias, BYTE_ARITHMETICS[b.backend] if dtype == "u8" else TORCH_FLOATS)
        kernels = ARITHMETICS[op.arithmetic].kernels(antialias)
        if kernel not in kernels:
            what = ("bytes" if dtype == "u8" else "floats") if antialias else "images without antialiasing"
            codes = ", ".join(str(known) for known, name in KERNEL_NAMES.items() if name in (NEAREST, *kernels))
            raise ConfigError(
                f"resample: torchvision resizes {what} with the kernels {codes} alone, got {code} ({kernel}). "
                "Use one of these, or a class's backend 'pil'."
            )
    if dtype in NATIVE:
        return b.add(op, x)
    return as_it_was(b, b.add(op, x.cast("f32")), dtype)


def with_aligned_corners(b: ProgramBuilder, x: Value, height: Num, width: Num) -> Value:
    """Resize pixels of any type linearly between the corners' centres."""
    if x.type.dtype == "f16":
        return b.add(Resample(height, width, ALIGNED, False, TORCH_FLOATS, weights="f16"), x.cast("f32")).cast("f16")
    return b.add(Resample(height, width, ALIGNED, False, TORCH_BYTES if x.type.dtype == "u8" else TORCH_FLOATS), x)


def as_it_was(b: ProgramBuilder, x: Value, dtype: str) -> Value:
    """Cast resized floats back to the type that the pixels had.

    Whole numbers are rounded, uint16 is truncated; a bool is true where the float is not 0.
    """
    if dtype == "bool":
        return x != 0.0
    if dtype in FLOATS:
        return x.cast(dtype)
    return (x if dtype == "u16" else x.round()).truncate(dtype)


@resizing
def resize(config: Config, height: Num, width: Num) -> rules.Size:
    """Apply `do_resize`: to `size`, by the standard rules."""
    return rules.resized_size(height, width, config.size)


@when("do_resize")
def resize_without_antialias(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_resize` without antialiasing, to pixels of any type: only the nearest pixels count."""
    size = rules.resized_size(x.type.size("H"), x.type.size("W"), config.size)
    return resample(b, x, *size, config.resample, antialias=False)


@when("do_center_crop")
def center_crop(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_center_crop`: to `crop_size`."""
    return cropped(b, x, *sides("crop_size", config.crop_size))


def cropped(b: ProgramBuilder, x: Value, height: Num, width: Num) -> Value:
    """Cut out the centre, with zeros around a smaller image.

    The backend decides on which side an odd number of zeros has one more.
    """
    return b.add(CenterCrop(height, width, "after" if b.backend == TORCHVISION else "before"), x)


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


def flip_channels(b: ProgramBuilder, config: Config, x: Value) -> Value:
    """Apply `do_flip_channel_order`: RGB to BGR."""
    return reverse_channels(b, x) if config.do_flip_channel_order else x


def reverse_channels(b: ProgramBuilder, x: Value) -> Value:
    """Return the channels in reverse."""
    return b.add(SelectChannels(tuple(reversed(range(x.type.channels)))), x)


def sides(key: str, size: dict[str, int] | None) -> tuple[int, int]:
    """Return the height and width of a size that must give both.

    Raises:
        ConfigError: the size has another form, or is null.
    """
    if size is None or set(size) != {"height", "width"}:
        raise ConfigError(f"{key}: expected height and width, got {size}")
    return size["height"], size["width"]


def edge(config: Config, key: str, name: str) -> int:
    """Return an edge of a size that must have it: `shortest_edge` or `longest_edge`.

    Raises:
        ConfigError: the size lacks the edge.
    """
    length = getattr(config, key).get(name)
    if length is None:
        raise ConfigError(f"{key}: {config.processor} needs a {name}, got {getattr(config, key)}")
    return int(length)


def given(config: Config, key: str) -> Any:
    """Return a setting that the step needs: not null, and in its range.

    Raises:
        ConfigError: it is null, or out of its range.
    """
    value, check = getattr(config, key), config.declared[key].check
    if value is None:
        raise ConfigError(f"{key}: expected {getattr(check, 'expected', 'a number')}, got None")
    return check.used(key, value) if isinstance(check, RangeCheck) else value


def optional(config: Config, key: str) -> Any:
    """Return a setting that may be null: None, or a value in its range.

    Raises:
        ConfigError: it is out of its range.
    """
    return None if getattr(config, key) is None else given(config, key)


def count(config: Config, key: str) -> int:
    """Return a setting that is a whole number, which the step needs.

    Raises:
        ConfigError: it is null, or out of its range.
    """
    return int(given(config, key))


def number(config: Config, key: str) -> float:
    """Return a setting that is a number of any kind, which the step needs.

    Raises:
        ConfigError: it is null, or out of its range.
    """
    return given(config, key)  # type: ignore[no-any-return]


def shortest_edge_size(x: Value, edge: int) -> tuple[Num, Num]:
    """Return the size of an image scaled to a shortest edge."""
    return rules.shortest_edge(x.type.size("H"), x.type.size("W"), edge)


STANDARD = (resize, center_crop, rescale, normalize, pad)
"""The steps of transformers' base class, in order."""
WITHOUT_PAD = STANDARD[:-1]
"""The steps of classes that never pad."""
WITHOUT_CROP_AND_PAD = (resize, rescale, normalize)
"""The steps of classes that have no centre crop either."""
