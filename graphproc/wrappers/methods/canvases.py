"""`pad_to_square`, `pad_image` and `pad_images`: put an image on a larger canvas.

Images are arrays or tensors `[C, H, W]` of any dtype, or batches of them. Results have the same kind and dtype.

Source: transformers 5.23, the methods of these names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np

from graphproc.errors import ImageError
from graphproc.ir.backends import TORCHVISION
from graphproc.sizes import num
from graphproc.sizes.multiples import centered_padding, root_padding
from graphproc.wrappers.methods.steps import Array, arrays, both_sides

Amounts = tuple[int, int]
"""Pixels to add before and after a side."""


def _around(x: Array, rows: Amounts, columns: Amounts, mode: Any = "constant", **options: Any) -> Array:
    if min(*rows, *columns) < 0:
        raise ImageError(f"image of {x.shape[-2]} x {x.shape[-1]} pixels: expected one that is no larger than its canvas")
    return np.pad(x, [(0, 0)] * (x.ndim - 2) + [rows, columns], mode=mode, **options)


def _behind(missing: int) -> Amounts:
    return 0, missing


def _halves(missing: int) -> Amounts:
    return missing // 2, missing - missing // 2


def pad_to_square(self: Any, image: Any, background_color: int | tuple[int, ...] = 0) -> Any:
    """Put the image in the middle of a square as wide as its longer side.

    Args:
        image: an image, or a batch.
        background_color: the colour around it, a number for each channel. A single number is the first
            channel's, the others are 0.

    Raises:
        ImageError: there are more or fewer numbers than channels.
    """

    def squared(x: Array) -> Array:
        channels, height, width = x.shape[-3:]
        color = (background_color, *[0] * (channels - 1)) if isinstance(background_color, int) else tuple(background_color)
        if height == width:
            return x
        if len(color) != channels:
            raise ImageError(f"background_color: expected a number for each of the {channels} channels, got {len(color)}")
        side = max(height, width)
        whole = np.empty((*x.shape[:-2], side, side), x.dtype)
        whole[:] = np.asarray(color).reshape(-1, 1, 1)
        top, left = (side - height) // 2, (side - width) // 2
        whole[..., top : top + height, left : left + width] = x
        return whole

    return arrays(squared, image)


def _centered(self: Any, image: Any, size_divisor: int = 1) -> Any:
    """Surround the image with zeros up to multiples of `size_divisor`; an odd zero comes after it."""

    def padded(x: Array) -> Array:
        rows, columns = (centered_padding(side, size_divisor) for side in x.shape[-2:])
        return _around(x, (num.known(rows[0]), num.known(rows[1])), (num.known(columns[0]), num.known(columns[1])))

    return arrays(padded, image)


def _at_the_end(self: Any, image: Any, size_divisor: int = 32) -> Any:
    """Add zeros below and right of the image, up to multiples of `size_divisor`."""
    return arrays(lambda x: _around(x, *(_behind(-side % size_divisor) for side in x.shape[-2:])), image)


def pad_images(self: Any, image: Any, size: Any) -> Any:
    """Surround the page with zeros up to `size`, height and width in pixels; an odd zero comes after it."""
    wanted = both_sides("size", size)

    def padded(x: Array) -> Array:
        return _around(x, *(_halves(want - have) for have, want in zip(x.shape[-2:], wanted, strict=True)))

    return arrays(padded, image)


def _page(self: Any, image: Any, size: Any, random_padding: bool = False) -> Any:
    """Surround the page as `pad_images` does; with `random_padding`, numpy's or torch's random numbers choose its position."""
    if not random_padding:
        return pad_images(self, image, size)
    wanted = both_sides("size", size)

    def padded(x: Array) -> Array:
        missing = [want - have for have, want in zip(x.shape[-2:], wanted, strict=True)]
        before = [_random(self.backend, count) for count in missing]
        return _around(x, *((first, count - first) for first, count in zip(before, missing, strict=True)))

    return arrays(padded, image)


def _random(backend: str, most: int) -> int:
    """Return a random number from 0 to `most`, from the generator that transformers' class of the backend takes it from."""
    if backend == TORCHVISION and find_spec("torch"):
        import torch

        return int(torch.randint(0, most + 1, ()))
    return int(np.random.randint(0, most + 1))  # noqa: NPY002 - as there, for the same seed


def _frame(self: Any, image: Any, pad_size: Any = None, constant_values: float = 0, pad_mode: Any = "constant") -> Any:
    """Add `constant_values`, or the frame's own pixels by `pad_mode`, below and right of it, up to `pad_size`."""
    height, width = both_sides("pad_size", pad_size)
    mode = {"replicate": "edge"}.get(name := getattr(pad_mode, "value", pad_mode), name)
    options = {"constant_values": constant_values} if mode == "constant" else {}
    return arrays(lambda x: _around(x, _behind(height - x.shape[-2]), _behind(width - x.shape[-1]), mode, **options), image)


def _reflected(self: Any, image: Any) -> Any:
    """Surround the image with its own reflection, by more pixels for larger images."""

    def padded(x: Array) -> Array:
        rows, columns = (num.known(side) for side in root_padding(*x.shape[-2:]))
        return _around(x, (rows, rows), (columns, columns), "reflect")

    return arrays(padded, image)


SQUARED = ("DeepseekOcr2", "DeepseekVL", "DeepseekVLHybrid", "Janus", "Llava", "LlavaOnevision", "UnlimitedOcr")
METHODS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "pad_to_square": {f"{stem}ImageProcessor": pad_to_square for stem in SQUARED},
    "pad_images": dict.fromkeys(("NougatImageProcessor", "PPFormulaNetImageProcessor"), pad_images),
    "pad_image": {
        **{f"{stem}ImageProcessor": _centered for stem in ("CHMv2", "DPT", "PromptDepthAnything")},
        "DonutImageProcessor": _page,
        "TvpImageProcessor": _frame,
        "VitMatteImageProcessor": _at_the_end,
        "ZoeDepthImageProcessor": _reflected,
    },
}
