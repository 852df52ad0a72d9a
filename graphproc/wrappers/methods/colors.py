"""`get_palette` and `mask_to_rgb` of SegGPT, and `rescale` with an offset.

Source: transformers 5.23, the methods of these names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from graphproc.ir.backends import TORCHVISION
from graphproc.ops import Rescale
from graphproc.processors.families.prompts import palette
from graphproc.wrappers.arrays import ArrayMethods
from graphproc.wrappers.methods.steps import Array, arrays


def get_palette(self: Any, num_labels: int) -> list[tuple[int, ...]]:
    """Return (red, green, blue) of the background, which is black, and of each of `num_labels` classes."""
    colors = list(zip(*palette(num_labels), strict=True))
    return colors[: num_labels + 1]


def mask_to_rgb(self: Any, mask: Array, palette: Sequence[Sequence[int]] | None = None) -> Array:
    """Colour a map of classes `[H, W]` or `[1, H, W]`, uint8 `[3, H, W]`; without a palette, repeat the map three times."""
    rows = mask[0] if mask.ndim == 3 else mask
    if palette is None:
        return np.repeat(rows[np.newaxis], 3, axis=0)
    colored: Array = np.moveaxis(np.asarray(palette, np.uint8)[rows.astype(np.int64)], -1, 0)
    return colored


def _offset(default: bool) -> Callable[..., Any]:
    def rescale(self: Any, image: Any, scale: float, offset: bool = default, *args: Any, **kwargs: Any) -> Any:
        """Multiply an image by a number, in torchvision's backend in float32; with `offset`, subtract 1."""

        def rescaled(x: Array) -> Array:
            if self.backend == TORCHVISION:
                y = Rescale(float(scale), "f32").numpy(x)
            else:
                y = ArrayMethods.rescale(self, x, scale, *args, **kwargs)
            return y - np.asarray(1, y.dtype) if offset else y

        return arrays(rescaled, image)

    return rescale


def rescale_and_normalize_efficientnet(
    self: Any,
    images: Any,
    do_rescale: bool,
    rescale_factor: float,
    do_normalize: bool,
    image_mean: float | Sequence[float],
    image_std: float | Sequence[float],
    rescale_offset: bool = False,
) -> Any:
    """Do as `rescale_and_normalize`; with `rescale_offset`, subtract 1 between the two steps."""
    if not (rescale_offset and do_rescale):
        return self.rescale_and_normalize(images, do_rescale, rescale_factor, do_normalize, image_mean, image_std)
    return self.rescale_and_normalize(
        self.rescale(images, rescale_factor, offset=True), False, 1.0, do_normalize, image_mean, image_std
    )


METHODS: Mapping[str, Mapping[str, Callable[..., Any]]] = {
    "get_palette": {"SegGptImageProcessor": get_palette},
    "mask_to_rgb": {"SegGptImageProcessor": mask_to_rgb},
    "rescale_and_normalize_efficientnet": {"EfficientNetImageProcessor": rescale_and_normalize_efficientnet},
    "rescale": {"EfficientNetImageProcessor": _offset(False), "VivitImageProcessor": _offset(True)},
}
