"""Images to try a processor on: the photograph that ships with the package, noise, and extra inputs to go with them."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np

from graphproc.ir.program import Program
from graphproc.ir.types import DTYPES, TensorType
from graphproc.sizes import num
from graphproc.wrappers.images import to_array

Array = np.ndarray[Any, Any]

DEFAULT_SIZES: tuple[tuple[int, int], ...] = ((300, 451), (224, 224), (31, 17), (1, 1), (1, 300), (300, 1), (1000, 300))
"""(height, width) of the images to try when none are given: the shipped photograph, then noise."""


def photograph() -> Array:
    """Return the photograph that ships with the package: a cat, uint8 [300, 451, 3]."""
    return to_array(str(files("graphproc") / "data" / "cat.png"), do_convert_rgb=True, input_data_format=None)


def default_images(sides: tuple[int, int] | None = None) -> list[Array]:
    """Return the photograph and noise, uint8 [height, width, 3]; all of size `sides` if it is given."""
    photo = photograph()
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in (DEFAULT_SIZES[1:] if sides is None else [sides])]
    if sides is None:
        return [photo, *noise]
    rows, columns = (np.arange(side) * have // side for side, have in zip(sides, photo.shape, strict=False))
    return [np.ascontiguousarray(photo[rows][:, columns]), *noise]


def in_color(rgb: Array, color: str) -> Array:
    """Return an RGB image in the colour order that a graph reads; for `rgba` with a made-up ramp of alpha."""
    if color == "bgr":
        return np.ascontiguousarray(rgb[..., ::-1])
    if color == "gray":
        return rgb[..., 1:2].copy()
    if color == "rgba":
        ramp = np.linspace(0, 255, rgb.shape[1]).astype(np.uint8)
        return np.concatenate([rgb, np.broadcast_to(ramp[:, None], (*rgb.shape[:2], 1))], axis=-1)
    return rgb


def example_inputs(program: Program, image: Array) -> dict[str, Array]:
    """Return everything that a program takes, made from one image.

    Args:
        program: the program.
        image: the image as the program reads it, [height, width, channels].

    Returns:
        The image and each extra input: a map of whole numbers from 0 to 7, a map of depths in metres,
        the image upside down, or boxes (x, y, width, height in pixels) of a half and a third of the image.
    """
    found = {"image": image}
    height, width = image.shape[:2]
    for declared in program.inputs[1:]:
        dtype = DTYPES[declared.type.dtype]
        if declared.type.layout == "HWC":
            pixels = image[::-1, :, :3]  # without the alpha of `rgba`; a `gray` image stands for three equal channels
            found[declared.name] = np.ascontiguousarray(np.broadcast_to(pixels, (*pixels.shape[:2], 3)))
        elif declared.type.layout == "HW":
            rows, columns = np.arange(height)[:, None] * 3 // height, np.arange(width) * 4 // width
            found[declared.name] = (rows * 4 + columns).astype(dtype) % 8
        else:
            boxes = ((0, 0, width / 2, height / 2), (width / 3, height / 4, width / 3, height / 3))
            found[declared.name] = np.array(boxes[: _rows(declared.type)], dtype)
    return found


def _rows(type: TensorType) -> int:
    return 2 if num.is_sym(type.shape[0]) else num.known(type.shape[0])
