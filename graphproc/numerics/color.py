"""Remove an alpha channel over an opaque white background, or over a checkerboard.

PIL images go through Pillow's integer compositing, arrays through a floating point blend. On uint8
the two agree for every pair of colour and alpha: both round the exact quotient by 255, which is
never a tie. Only the integer form fits in 16 bits, and only the blend takes other dtypes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphproc.errors import ImageError, ShapeError


def composite_on_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Composite 8-bit RGBA pixels over opaque white exactly as Pillow's `Image.alpha_composite` does.

    Pillow (`libImaging/AlphaComposite.c`) weighs source `s` and background 255 with 15-bit
    coefficients. Over an opaque background the output alpha is constant, the coefficients become
    `128 * A` and `128 * (255 - A)`, and the division by 255 becomes `(u + (u >> 8)) >> 8` with
    `u = s * A + 255 * (255 - A) + 128`. Pillow treats `A == 0` as a separate case and gives 255, as
    the formula does.

    Args:
        rgba: uint8 `[..., 4]`, channels red, green, blue, alpha (not premultiplied).

    Returns:
        uint8 `[..., 3]`, a new array.

    Raises:
        ShapeError: The dtype is not uint8 or the last axis does not hold four channels.
    """
    _check_four_channels("composite_on_white", rgba)
    if rgba.dtype != np.uint8:
        raise ShapeError(f"composite_on_white: expected dtype uint8, got {rgba.dtype}. Use blend_on_white for other types.")
    # u, rewritten as 65153 - A * (255 - s), and every step after it fit in 16 bits.
    total = (255 - rgba[..., :3]).astype(np.uint16)
    total *= rgba[..., 3:]
    np.subtract(np.uint16(255 * 255 + 128), total, out=total)
    total += total >> 8
    total >>= 8
    return total.astype(np.uint8)


def blend_on_white(rgba: NDArray[Any]) -> NDArray[Any]:
    """Blend RGBA pixels given as an array over white, as transformers' `convert_to_rgb` does.

    The result is `alpha * color + (1 - alpha) * white`. For integers, white and full alpha are 255
    in every integer type, the arithmetic is float64, and the result is rounded half to even. For
    floats, white and full alpha are 1.0, and the arithmetic stays in the input's own precision. For
    bools, white is True.

    Args:
        rgba: integer, floating or boolean `[..., 4]`, channels red, green, blue, alpha (not
            premultiplied).

    Returns:
        `[..., 3]` of the input's dtype, a new array.

    Raises:
        ShapeError: The last axis does not hold four channels, or the dtype is not a real number
            type.
        ImageError: Floating values are outside 0..1, or an integer alpha is outside 0..255.
    """
    _check_four_channels("blend_on_white", rgba)
    if rgba.dtype.kind not in "buif":
        raise ShapeError(f"blend_on_white: expected an integer, floating or boolean dtype, got {rgba.dtype}.")
    if rgba.size == 0:
        return np.array(rgba[..., :3])

    if rgba.dtype.kind in "ui":
        low, high = int(rgba[..., 3].min()), int(rgba[..., 3].max())
        if low < 0 or high > 255:
            # The blend would be cast back from outside the type's range, which C leaves undefined.
            raise ImageError(
                f"RGBA image of dtype {rgba.dtype}: expected alpha from 0 to 255, got {low} to {high}. "
                "Convert the image to uint8 first."
            )
        color, alpha = rgba[..., :3].astype(np.float64), rgba[..., 3:].astype(np.float64) / 255
        return np.round(alpha * color + (1 - alpha) * 255).astype(rgba.dtype)

    if rgba.dtype.kind == "f":
        _check_unit_range(rgba)
    fraction = rgba[..., 3:] / 1.0
    blended: NDArray[Any] = fraction * rgba[..., :3] + (1 - fraction) * 1.0
    return blended.astype(rgba.dtype, copy=False)


def _check_unit_range(rgba: NDArray[Any]) -> None:
    if rgba.size == 0:
        return
    least, most = float(rgba.min()), float(rgba.max())
    # Two plain comparisons: a NaN passes, as it does in transformers.
    if least < 0.0 or most > 1.0:
        raise ImageError(
            f"RGBA image of dtype {rgba.dtype}: expected values from 0 to 1, got {least:g} to {most:g}. "
            "Convert the image to uint8, or divide it by its white value."
        )


def blend_on_white_in_float32(rgba: NDArray[Any]) -> NDArray[Any]:
    """Blend RGBA pixels over white as transformers' torchvision backend does.

    Whole numbers are multiplied by `1 / largest`, where `largest` is the largest number of their
    type, and blended in float32. The result is multiplied by `largest + 1 - 0.001` and truncated
    (`TorchvisionBackend.convert_to_rgb`; torchvision's `to_dtype(scale=True)`). Floats are blended
    as they are, in float32.

    Args:
        rgba: `[..., 4]` of floats, bools, or whole numbers of at most 16 bits, channels red, green,
            blue, alpha (not premultiplied).

    Returns:
        The same type, `[..., 3]`, a new array.

    Raises:
        ShapeError: The last axis does not hold four channels, or the dtype is not a real number
            type.
        ImageError: Floats are outside 0..1, or whole numbers have more than 16 bits, to which
            torchvision does not convert float32.
    """
    _check_four_channels("blend_on_white_in_float32", rgba)
    whole = rgba.dtype.kind in "iu"
    if rgba.dtype.kind not in "biuf":
        raise ShapeError(f"blend_on_white_in_float32: expected an integer, floating or boolean dtype, got {rgba.dtype}.")
    if whole and rgba.dtype.itemsize > 2:
        raise ImageError(
            f"RGBA image of dtype {rgba.dtype}: expected floats, or whole numbers of 16 bits at most. Convert the image."
        )
    if rgba.dtype.kind == "f":
        _check_unit_range(rgba)
    largest = np.iinfo(rgba.dtype).max if whole else 1
    unit = rgba.astype(np.float32) * np.float32(1 / largest) if whole else rgba.astype(np.float32)
    blended = unit[..., :3] * unit[..., 3:] + (1 - unit[..., 3:])
    return (blended * np.float32(largest + 1 - 1e-3) if whole else blended).astype(rgba.dtype)


def composite_on_checkerboard(rgba: NDArray[Any]) -> NDArray[np.uint8]:
    """Composite 8-bit RGBA pixels over a checkerboard of squares of 8 x 8 pixels.

    Squares alternate between light gray (204) and gray (153); the first one is light. The result is
    `(color * alpha + background * (255 - alpha) + 127) // 255` in int32, for every type, as in
    transformers' Inkling 2. Floats are truncated first. If the result does not fit a byte, its
    lowest 8 bits are kept.

    Args:
        rgba: integer, floating or boolean `[..., height, width, 4]`, channels red, green, blue,
            alpha (not premultiplied).

    Returns:
        uint8 `[..., height, width, 3]`, a new array.

    Raises:
        ShapeError: The dtype is not a real number type, there are no two axes of pixels, or the
            last axis does not have four channels.
    """
    _check_four_channels("composite_on_checkerboard", rgba)
    if rgba.dtype.kind not in "buif" or rgba.ndim < 3:
        raise ShapeError(
            f"composite_on_checkerboard: expected numbers [..., height, width, 4], got {rgba.dtype}{list(rgba.shape)}."
        )
    rows, columns = (np.arange(side) // 8 for side in rgba.shape[-3:-1])
    dark = (rows[:, None] + columns) % 2
    background = (204 - 51 * dark).astype(np.int32)[..., None]
    with np.errstate(invalid="ignore"):  # NaN has no integer
        color, alpha = rgba[..., :3].astype(np.int32), rgba[..., 3:].astype(np.int32)
    result: NDArray[np.uint8] = ((color * alpha + background * (255 - alpha) + 127) // 255).astype(np.uint8)
    return result


def _check_four_channels(name: str, rgba: NDArray[Any]) -> None:
    if rgba.ndim == 0 or rgba.shape[-1] != 4:
        raise ShapeError(f"{name}: expected shape [..., 4], got {list(rgba.shape)}.")
