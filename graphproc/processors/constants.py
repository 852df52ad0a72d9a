"""The means and standard deviations that many models share."""

from __future__ import annotations

from graphproc.numerics.filters import NAMES

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

IMAGENET = {"image_mean": IMAGENET_MEAN, "image_std": IMAGENET_STD}
INCEPTION = {"image_mean": HALF, "image_std": HALF}
CLIP = {"image_mean": CLIP_MEAN, "image_std": CLIP_STD}

CODES = {name: code for code, name in NAMES.items()}
"""Pillow's filter codes, as `resample` holds them, by name."""
NEAREST, LANCZOS, BILINEAR, BICUBIC = (CODES[name] for name in ("nearest", "lanczos", "bilinear", "bicubic"))

RESCALE = {"do_rescale": True, "rescale_factor": 1 / 255}
"""Bytes to [0, 1]."""
NORMALIZE = {**RESCALE, "do_normalize": True}
"""Bytes to [0, 1], then normalized."""
RGB = {"do_convert_rgb": True}

BY_RESIZE = ("do_resize", "size", "resample")
BY_CROP = ("do_center_crop", "crop_size")
BY_RESCALE = ("do_rescale", "rescale_factor")
BY_NORMALIZE = ("do_normalize", "image_mean", "image_std")
BY_RESULT = ("return_tensors", "data_format", "input_data_format")
"""Settings in the order in which older classes take them by position (`Row.settings_by_position`)."""


def resize_to(size: dict[str, int], filter: str) -> dict[str, object]:
    """Resize on, to a size, with a filter by its name; an int size in a file means the same form as the default."""
    return {"do_resize": True, "size": size, "resample": CODES[filter], "default_to_square": "shortest_edge" not in size}


def crop_to(side: int, on: bool = True) -> dict[str, object]:
    """A square centre crop."""
    return {"do_center_crop": on, "crop_size": {"height": side, "width": side}}


def square(side: int) -> dict[str, int]:
    """A square size."""
    return {"height": side, "width": side}


def shortest(edge: int) -> dict[str, int]:
    """A shortest-edge size."""
    return {"shortest_edge": edge}
