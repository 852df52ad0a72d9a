"""Masks of prompts, at the size of the image that came in.

Source: transformers 5.23, `SamImageProcessor.post_process_masks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphproc.configs.sizes import size_dict
from graphproc.ops import Combine, Crop, Interpolate
from graphproc.postprocessing.method import REQUIRED, Field, Method, Steps
from graphproc.processors.sam import resized

MASKS = {"pred_masks": Field(("prompts", "masks", "mask_height", "mask_width"), "NCHW")}


def build(steps: Steps) -> None:
    """The masks at the size of the padded image, without the padding, at the image's own size, above the threshold."""
    given = steps.options["pad_size"]
    pad = steps.config.pad_size if given is None else size_dict("pad_size", given, default_to_square=True, used=True)
    height, width = steps.sizes["original_sizes"]
    inside = steps.sizes.get("reshaped_input_sizes") or resized(steps.config, height, width)
    x = steps.add(Interpolate(pad["height"], pad["width"], "linear"), steps["pred_masks"])
    x = steps.add(Crop(0, 0, inside[0], inside[1]), x)
    x = steps.add(Interpolate(height, width, "linear"), x)
    if steps.options["binarize"]:
        x = steps.add(Combine("greater", steps.number("mask_threshold")), x)
    steps.output("masks", x, "pad")


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """The masks of one image."""
    return outputs["masks"]


METHODS = (
    Method(
        "post_process_masks",
        ("SamImageProcessor",),
        MASKS,
        build,
        result,
        {
            "original_sizes": REQUIRED,
            "reshaped_input_sizes": REQUIRED,
            "mask_threshold": 0.0,
            "binarize": True,
            "pad_size": None,
        },
        sized=("original_sizes", "reshaped_input_sizes"),
        needs_sizes=True,
        computed=("reshaped_input_sizes",),
        takes="masks",
    ),
)
