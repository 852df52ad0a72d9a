"""Sapiens 2: foregrounds and alphas at the size of the image, and their composites with given backgrounds.

Source: transformers 5.23, `post_process_image_matting` of `Sapiens2ImageProcessor`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphproc import joins
from graphproc.errors import ImageError
from graphproc.ir.program import Parity
from graphproc.ops.resample import TORCH_UNFUSED, Resample
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.depth import resize_map
from graphproc.postprocessing.method import TRANSFORMERS, Field, Method

BACKGROUND = "backgrounds"
TO_BYTE = 255.999
"""The factor by which torchvision turns floats into bytes."""
PARITY = Parity(TRANSFORMERS, 1e-5, "composites within 1 of 255; torch's compiled code fuses products with sums")


def build(b: MethodBuilder) -> None:
    """Return foregrounds and alphas at the wanted size; with a background also the composite, in bytes."""
    foreground, alpha = b["foregrounds"], b["alphas"]
    if b.target is not None:
        foreground, alpha = (resize_map(b, x, b.target, "bilinear").clip(0, 1) for x in (foreground, alpha))
    b.output("foreground", foreground, joins.Pad())
    b.output("alpha", alpha, joins.Pad())
    if BACKGROUND not in b:
        return
    size = foreground.type.size("H"), foreground.type.size("W")
    behind = b.add(Resample(*size, "bilinear", False, TORCH_UNFUSED), b[BACKGROUND])
    shown = (foreground + (1 - alpha) * behind).clip(0, 1)
    b.output("composite", (shown * TO_BYTE).truncate("i32").cast("u8"), joins.Pad())


def prepare(given: Mapping[str, Any], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a background for each image, channels first, f32 from 0 to 1.

    Raises:
        ImageError: the number of backgrounds is neither one nor that of images, or one is not an image.
    """
    if options[BACKGROUND] is None:
        return {}
    backgrounds, count = [_pixels(image) for image in _listed(options[BACKGROUND])], len(given["foregrounds"])
    if len(backgrounds) not in (1, count):
        raise ImageError(f"{BACKGROUND}: expected one, or one for each of {count} images, got {len(backgrounds)}")
    return {BACKGROUND: backgrounds * (count if len(backgrounds) == 1 else 1)}


def _listed(images: Any) -> list[Any]:
    """Return the images of a list or a batch, or one image."""
    return list(images) if isinstance(images, (list, tuple)) or getattr(images, "ndim", 0) == 4 else [images]


def _pixels(image: Any) -> Any:
    """Return a background as floats, channels first. PIL images and arrays have channels last, tensors first."""
    tensor = hasattr(image, "detach")
    array = image.detach().cpu().float().numpy() if tensor else np.asarray(image)
    whole = str(getattr(image, "dtype", array.dtype)).endswith("uint8")
    if array.ndim != 3:
        raise ImageError(f"{BACKGROUND}: expected images of three axes, got the shape {list(array.shape)}")
    pixels = np.asarray(array if tensor else np.moveaxis(array, -1, 0), dtype=np.float32)
    return pixels / np.float32(255) if whole else pixels


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return one image's foreground, alpha and composite, which is None without a background."""
    return {name: outputs.get(name) for name in ("foreground", "alpha", "composite")}


METHODS = (
    Method(
        "post_process_image_matting",
        ("Sapiens2ImageProcessor",),
        {
            "foregrounds": Field((3, "matte_height", "matte_width"), "CHW"),
            "alphas": Field((1, "matte_height", "matte_width"), "CHW"),
            BACKGROUND: Field((3, "background_height", "background_width"), "CHW", optional=True, call=True),
        },
        build,
        result,
        {"target_sizes": None, BACKGROUND: None},
        parity=PARITY,
        prepare=prepare,
    ),
)
