"""What ops should give, computed by other people's code or by scalar arithmetic written separately."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import PIL
from PIL import Image

Array = np.ndarray[Any, Any]

PILLOW_13 = int(PIL.__version__.split(".")[0]) >= 13
"""Whether the installed Pillow decides the order of resize passes as the arithmetic `pillow` does."""
CODES = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}


def per_plane(x: Array, function: Callable[[Image.Image], Image.Image]) -> Array:
    """Apply a Pillow function to every `[H, W]` plane of a uint8 array `[..., H, W]`."""
    planes = [np.asarray(function(Image.fromarray(plane))) for plane in x.reshape(-1, *x.shape[-2:])]
    return np.stack(planes).reshape(*x.shape[:-2], *planes[0].shape)


def pillow_resize(x: Array, height: int, width: int, filter: str) -> Array:
    """Apply `Image.resize` to each plane of uint8 `[..., H, W]`."""
    return per_plane(x, lambda image: image.resize((width, height), Image.Resampling(CODES[filter])))


def torch_resize(x: Array, height: int, width: int, filter: str) -> Array:
    """Apply what torchvision's resize calls, torch's antialiased `interpolate`, to uint8 `[..., H, W]`."""
    import torch

    planes = torch.from_numpy(np.ascontiguousarray(x.reshape(-1, 1, *x.shape[-2:])))
    y = torch.nn.functional.interpolate(planes, (height, width), mode=filter, antialias=True)
    return y.numpy().reshape(*x.shape[:-2], height, width)


def pillow_two_passes(x: Array, height: int, width: int, filter: str, vertical_first: bool) -> Array:
    """Run the two passes as two calls of Pillow, in a chosen order; a pass that keeps its length does nothing."""
    for axis in (0, 1) if vertical_first else (1, 0):
        h, w = x.shape[-2:]
        x = pillow_resize(x, *((height, w) if axis == 0 else (h, width)), filter)
    return x


def pillow_crop(x: Array, top: int, left: int, height: int, width: int) -> Array:
    """Apply `Image.crop` to each plane; outside the image it gives zeros."""
    return per_plane(x, lambda image: image.crop((left, top, left + width, top + height)))


def pillow_center_crop(x: Array, height: int, width: int) -> Array:
    """Cut out a centred box with Pillow, with its corner rounded towards the top left."""
    top, left = ((have - want) // 2 for have, want in zip(x.shape[-2:], (height, width), strict=True))
    return pillow_crop(x, top, left, height, width)


def pillow_pad(x: Array, top: int, left: int, height: int, width: int, value: int = 0) -> Array:
    """Paste each plane onto a new image of one value."""

    def paste(image: Image.Image) -> Image.Image:
        canvas = Image.new("L", (width, height), value)
        canvas.paste(image, (left, top))
        return canvas

    return per_plane(x, paste)


def pillow_bordered(x: Array, top: int, left: int, height: int, width: int, color: tuple[int, int, int]) -> Array:
    """Paste RGB images, uint8 `[..., 3, H, W]`, onto a new image of one colour."""

    def paste(pixels: Array) -> Array:
        canvas = Image.new("RGB", (width, height), color)
        canvas.paste(Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))), (left, top))
        return np.asarray(canvas).transpose(2, 0, 1)

    flat = x.reshape(-1, *x.shape[-3:])
    return np.stack([paste(pixels) for pixels in flat]).reshape(*x.shape[:-2], height, width)


def pillow_on_white(x: Array) -> Array:
    """Apply `Image.alpha_composite` over opaque white to uint8 `[..., H, W, 4]`."""
    flat = x.reshape(-1, x.shape[-2], 4)
    white = Image.new("RGBA", (flat.shape[1], flat.shape[0]), (255, 255, 255, 255))
    return np.asarray(Image.alpha_composite(white, Image.fromarray(flat)).convert("RGB")).reshape(*x.shape[:-1], 3)


def on_checkerboard(x: Array) -> Array:
    """Composite uint8 `[..., H, W, 4]` pixel by pixel over squares of 8 x 8 pixels, in Python's integers."""
    result = np.empty((*x.shape[:-1], 3), np.uint8)
    for index in np.ndindex(x.shape[:-1]):
        *color, alpha = map(int, x[index])
        behind = 153 if (index[-2] // 8 + index[-1] // 8) % 2 else 204
        result[index] = [(value * alpha + behind * (255 - alpha) + 127) // 255 for value in color]
    return result


def byte_table(function: Callable[[int, int], np.float32], channels: int) -> Callable[[Array], Array]:
    """Return an oracle that calls `function(byte, channel)` once for each, for uint8 `[..., C, H, W]`."""
    with np.errstate(all="ignore"):
        table = np.array([[function(byte, c) for byte in range(256)] for c in range(channels)], dtype=np.float32)

    def look_up(x: Array) -> Array:
        return np.stack([table[c][x[..., c, :, :]] for c in range(channels)], axis=-3)

    return look_up


def scalar_rescale(value: float, factor: float) -> np.float32:
    """Multiply Python floats, and store the product as float32."""
    return np.float32(float(value) * factor)


def scalar_normalize(value: float, mean: float, std: float) -> np.float32:
    """Compute one subtraction and one division of float32 scalars."""
    return np.float32((np.float32(value) - np.float32(mean)) / np.float32(std))


def elementwise(x: Array, function: Callable[[Any], np.float32]) -> Array:
    """Apply a scalar function to each element, one at a time."""
    with np.errstate(all="ignore"):
        return np.array([function(v) for v in x.reshape(-1).tolist()], dtype=np.float32).reshape(x.shape)


def pick_channels(x: Array, order: Sequence[int]) -> Array:
    """Return channels of `[..., C, H, W]`, one at a time."""
    return np.stack([x[..., i, :, :] for i in order], axis=-3)


def channels_first(x: Array) -> Array:
    """Turn `[..., H, W, C]` into `[..., C, H, W]`, one channel at a time."""
    return np.stack([x[..., i] for i in range(x.shape[-1])], axis=-3)


def rearranged(x: Array, /, pattern: str, **lengths: int) -> Array:
    """Rearrange axes by an einops-like pattern, element by element; the length of every part is given."""
    left, right = (
        [(inside or single.replace("1", "")).split() for inside, single in re.findall(r"\(([^)]*)\)|(\w+)", side)]
        for side in pattern.split("->")
    )
    lead = x.shape[: x.ndim - len(left)]
    y = np.empty((*lead, *(math.prod(lengths[n] for n in group) for group in right)), dtype=x.dtype)
    names = [name for group in right for name in group]

    def place(groups: list[list[str]], at: dict[str, int]) -> tuple[Any, ...]:
        index = []
        for group in groups:
            position = 0
            for name in group:
                position = position * lengths[name] + at[name]
            index.append(position)
        return (..., *index)

    for values in itertools.product(*(range(lengths[name]) for name in names)):
        at = dict(zip(names, values, strict=True))
        y[place(right, at)] = x[place(left, at)]
    return y


def for_every(value: Array) -> Callable[[Array], Array]:
    """Make an oracle that gives the same value for every image `[..., C, H, W]`."""
    return lambda x: np.broadcast_to(value, (*x.shape[:-3], *value.shape))


def numpy_pad(x: Array, mode: Any, widths: Sequence[tuple[int, int]]) -> Array:
    """Apply `numpy.pad` to the last axes."""
    return np.pad(x, [(0, 0)] * (x.ndim - len(widths)) + [*widths], mode=mode)
