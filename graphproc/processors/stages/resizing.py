"""Resize images to a size that a rule computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps

from graphproc.configs.config import Config
from graphproc.errors import ConfigError
from graphproc.ir.backends import PIL, TORCHVISION
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ir.types import FLOATS
from graphproc.numerics.filters import FILTER_NAMES
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
from graphproc.processors.stages.stage import Stage, when
from graphproc.sizes import num, rules
from graphproc.sizes.num import Num

BYTE_ARITHMETICS: Mapping[str, str] = {PIL: PILLOW, TORCHVISION: TORCH_BYTES}
"""The arithmetic that each backend has for bytes."""


SizeRule = Callable[[Config, Num, Num], rules.Size]
"""Returns the height and width to resize an image to, given its height and width in pixels."""


def resizing(rule: SizeRule) -> Stage:
    """Make the stage `do_resize` of a size rule; the filter is `resample`."""

    @when("do_resize")
    @wraps(rule)
    def resize(b: ProgramBuilder, config: Config, x: Value) -> Value:
        return resample(b, x, *rule(config, x.type.size("H"), x.type.size("W")), config.resample)

    return resize


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
    filter_code: int | None,
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
        filter_code: Pillow's code of the filter, e.g. 3 for bicubic; None for bilinear.
        antialias: whether every pixel counts where an image shrinks, as it always does in Pillow's backend.
        keeps_size: whether Pillow's backend leaves an image that has the size already untouched.
        has_pixels: whether the size rule guarantees a pixel in each side although its expression does not
            show it; else the program requires it.

    Raises:
        ConfigError: the backend does not have the filter, or not for pixels of this type.
    """
    if not has_pixels:
        at_least_a_pixel(b, height, width)
    code, dtype = BILINEAR if filter_code is None else filter_code, x.type.dtype
    filter = FILTER_NAMES[code]
    if b.backend != TORCHVISION:
        if dtype != "u8":
            raise ConfigError(f"do_resize: Pillow resizes bytes, and the pixels are {dtype} here. Set do_rescale.")
        return b.add(Resample(height, width, filter, filter != NEAREST, BYTE_ARITHMETICS[b.backend], keeps_size=keeps_size), x)
    if filter == NEAREST:
        op = Resample(height, width, NEAREST_EXACT, False, TORCH_NEAREST)
    else:
        op = Resample(height, width, filter, antialias, BYTE_ARITHMETICS[b.backend] if dtype == "u8" else TORCH_FLOATS)
        filters = ARITHMETICS[op.arithmetic].filters(antialias)
        if filter not in filters:
            what = ("bytes" if dtype == "u8" else "floats") if antialias else "images without antialiasing"
            codes = ", ".join(str(known) for known, name in FILTER_NAMES.items() if name in (NEAREST, *filters))
            raise ConfigError(
                f"resample: torchvision resizes {what} with the filters {codes} alone, got {code} ({filter}). "
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


def shortest_edge_size(x: Value, edge: int) -> tuple[Num, Num]:
    """Return the size of an image scaled to a shortest edge."""
    return rules.shortest_edge(x.type.size("H"), x.type.size("W"), edge)
