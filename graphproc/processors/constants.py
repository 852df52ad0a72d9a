"""Defaults that many classes share: means and deviations, filters, sizes, and `usual`, which puts them together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphproc.numerics.filters import FILTER_NAMES

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

IMAGENET_BGR = {"image_mean": IMAGENET_MEAN[::-1], "image_std": IMAGENET_STD[::-1]}
IMAGENET = {"image_mean": IMAGENET_MEAN, "image_std": IMAGENET_STD}
INCEPTION = {"image_mean": HALF, "image_std": HALF}
CLIP = {"image_mean": CLIP_MEAN, "image_std": CLIP_STD}

CODES = {name: code for code, name in FILTER_NAMES.items()}
"""Pillow's codes of filters by name: `CODES["bicubic"]` is 3. The setting `resample` holds such a code."""
NEAREST, LANCZOS, BILINEAR, BICUBIC = (CODES[name] for name in ("nearest", "lanczos", "bilinear", "bicubic"))

RESCALE = {"do_rescale": True, "rescale_factor": 1 / 255}
"""Bytes become floats in [0, 1]."""
NORMALIZE = {**RESCALE, "do_normalize": True}
"""Bytes become floats in [0, 1], which are then normalized."""
RGB = {"do_convert_rgb": True}

BY_RESIZE = ("do_resize", "size", "resample")
BY_CROP = ("do_center_crop", "crop_size")
BY_RESCALE = ("do_rescale", "rescale_factor")
BY_NORMALIZE = ("do_normalize", "image_mean", "image_std")
BY_RESULT = ("return_tensors", "data_format", "input_data_format")
"""Settings in the order in which older classes take them by position (`ProcessorSpec.settings_by_position`)."""


def resize_to(size: dict[str, int], filter: str) -> dict[str, object]:
    """Return the settings of a resize to a size with a filter, given by its name.

    An int as the size in a file has the form of the default: a shortest edge, or both sides.
    """
    return {"do_resize": True, "size": size, "resample": CODES[filter], "default_to_square": "shortest_edge" not in size}


def crop_to(size: int | dict[str, int]) -> dict[str, object]:
    """Return the settings of a centre crop to a size in pixels; an int is the side of a square."""
    return {"do_center_crop": True, "crop_size": square(size) if isinstance(size, int) else size}


def square(side: int) -> dict[str, int]:
    """Return the size of a square: `{"height": side, "width": side}`."""
    return {"height": side, "width": side}


def shortest(edge: int) -> dict[str, int]:
    """Return a size given by its shortest edge: `{"shortest_edge": edge}`."""
    return {"shortest_edge": edge}


def usual(
    size: dict[str, int],
    filter: str,
    *parts: Mapping[str, Any],
    rgb: bool = False,
    crop: int | dict[str, int] | None = None,
    **others: Any,
) -> dict[str, Any]:
    """Return the usual settings: resize to a size with a filter, rescale bytes to [0, 1], normalize.

    Args:
        size: the size.
        filter: the filter's name.
        *parts: settings that are declared elsewhere: `image_mean` and `image_std`, and what a family shares.
        rgb: whether images become RGB first.
        crop: the size that is cut out of the centre, or the side of a square; None for no crop.
        **others: other settings, including those that only the class has, in their order.
    """
    found: dict[str, Any] = {**(RGB if rgb else {}), **resize_to(size, filter), **NORMALIZE}
    if crop is not None:
        found |= crop_to(crop)
    for part in parts:
        found |= part
    return found | others
