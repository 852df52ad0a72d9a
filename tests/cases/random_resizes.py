"""Random resizes of bytes, and what Pillow and torch make of the images."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image
from support.kernels import Array

from graphproc.numerics.filters import FILTER_NAMES
from graphproc.ops import Resize

CODES = {name: code for code, name in FILTER_NAMES.items()}
"""Pillow's codes of its filters."""
Row = tuple[Resize, Array, Array]
"""A resize with a window, its operand, and the other library's whole result, channels first."""


def sides(rng: np.random.Generator) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return (height, width) and (new height, new width): small ones more often than large ones, and some that stay.

    One in eight images loses most of its rows: Pillow then takes the vertical axis first.
    """
    height, width, new_height, new_width = (int(min(2000, 1 + rng.exponential(90))) for _ in range(4))
    match rng.integers(8):
        case 0:
            height, new_height = min(2000, 9 * height), max(1, height // 3)
        case 1:
            new_height = height
        case 2:
            new_width = width
    return (height, width), (new_height, new_width)


def image(rng: np.random.Generator, *shape: int) -> Array:
    """Return noise, or black and white alone, in which sums are largest and smallest."""
    x = rng.integers(0, 256, shape, dtype=np.uint8)
    return x if rng.integers(2) else np.where(x < 128, 0, 255).astype(np.uint8)


def windows(rng: np.random.Generator, height: int, width: int) -> tuple[int, ...]:
    """Return a part of a result, or nothing for the whole."""
    if rng.integers(2):
        return ()
    top, left = int(rng.integers(height)), int(rng.integers(width))
    return top, left, int(rng.integers(1, height - top + 1)), int(rng.integers(1, width - left + 1))


def pillow(rng: np.random.Generator) -> Row:
    """Return a random resize and Pillow's result."""
    (height, width), new = sides(rng)
    layout, channels = str(rng.choice(["HWC", "CHW"])), int(rng.choice([1, 3]))
    name = str(rng.choice([*CODES]))
    x = image(rng, height, width, channels)
    box = (0.0, 0.0, width * float(rng.uniform(0.2, 1)), height * float(rng.uniform(0.2, 1)))
    limited = name != "nearest" and rng.integers(4) == 0
    picture = Image.fromarray(x if channels == 3 else x[..., 0])
    resized = np.asarray(picture.resize((new[1], new[0]), CODES[name], box=box if limited else None))
    extent = (box[3], box[2]) if limited else ()
    op = Resize(new[0], new[1], name, "pillow", windows(rng, *new), layout, extent)
    x = x if layout == "HWC" else np.ascontiguousarray(np.moveaxis(x, -1, 0))
    return op, x, np.moveaxis(resized.reshape(*new, channels), -1, 0)


def torch_bytes(rng: np.random.Generator) -> Row:
    """Return a random resize and torch's result."""
    import torch

    (height, width), new = sides(rng)
    layout, channels = str(rng.choice(["HWC", "CHW"])), int(rng.integers(2, 5))
    name = str(rng.choice(["bilinear", "bicubic"]))
    x = image(rng, channels, max(height, 2), max(width, 2))  # torch fails if it cannot tell channels first from last
    op = Resize(new[0], new[1], name, "torch_bytes", windows(rng, *new), layout)
    try:
        resized = torch.nn.functional.interpolate(torch.from_numpy(x)[None], new, mode=name, antialias=True)[0].numpy()
    except RuntimeError as error:
        if "INTERNAL ASSERT FAILED" not in str(error):
            raise
        return torch_bytes(rng)  # a fault of torch 2.14 for some narrow images, which it takes for channels last
    return op, x if layout == "CHW" else np.ascontiguousarray(np.moveaxis(x, 0, -1)), resized


def at_random(seed: int, count: int) -> Iterator[Row]:
    """Yield random resizes, three with Pillow's arithmetic for each two with torch's."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield pillow(rng) if rng.integers(5) < 3 else torch_bytes(rng)
