"""Make the bytes that Pillow gets for images of other dtypes, and resample alpha as Pillow does.

Source:   transformers `image_transforms.to_pil_image`; Pillow `Image.resize` and `Convert.c` (modes
          `La` and `RGBa`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphproc.errors import ImageError

Array = np.ndarray[Any, Any]


def as_bytes(array: Array) -> tuple[Array, bool]:
    """Return the bytes that stand for an image of any dtype, and whether they were multiplied by 255.

    Bools and whole numbers in 0..255 are taken as they are. Other values in [0, 1] are multiplied
    by 255 and truncated.

    Raises:
        ImageError: the values are neither.
    """
    if array.dtype == np.uint8:
        return array, False
    with np.errstate(invalid="ignore"):  # NaN has no integer; it fails every comparison below
        whole = array.astype(np.int64)
    if array.dtype == np.bool_ or (np.allclose(array, whole) and array.min() >= 0 and array.max() <= 255):
        return array.astype(np.uint8), False
    if array.min() >= 0 and array.max() <= 1:
        return (array.astype(np.float64) * 255).astype(np.float32).astype(np.uint8), True
    raise ImageError(
        f"image of dtype {array.dtype}: expected whole numbers in 0..255 or values in [0, 1], "
        f"got values from {array.min()} to {array.max()}. Convert the image to uint8."
    )


def has_alpha(pixels: Array) -> bool:
    """Return whether Pillow takes the last channel of (..., C, H, W) for alpha.

    It does for two and for four channels.
    """
    return pixels.shape[-3] in (2, 4)


def through_alpha(pixels: Array, resize: Callable[[Array], Array]) -> Array:
    """Resize bytes (..., C, H, W), weighted by the last channel, alpha, as Pillow does."""
    return unweighted(resize(weighted(pixels)))


def weighted(pixels: Array) -> Array:
    """Return bytes (..., C, H, W) multiplied by their alpha, the last channel, which is unchanged."""
    colors, alpha = pixels[..., :-1, :, :].astype(np.int64), pixels[..., -1:, :, :]
    product = colors * alpha + 128
    return np.concatenate([(((product >> 8) + product) >> 8).astype(np.uint8), alpha], axis=-3)


def unweighted(pixels: Array) -> Array:
    """Return bytes (..., C, H, W) divided by their alpha, the last channel, which is unchanged."""
    colors, alpha = pixels[..., :-1, :, :].astype(np.int64), pixels[..., -1:, :, :]
    plain = np.minimum(colors * 255 // np.maximum(alpha, 1), 255)
    kept = (alpha == 0) | (alpha == 255)
    return np.concatenate([np.where(kept, colors, plain).astype(np.uint8), alpha], axis=-3)
