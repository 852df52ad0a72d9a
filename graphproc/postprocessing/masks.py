"""Masks of prompts, at the size of the image that came in.

Source: transformers 5.23, `post_process_masks` of SAM, SAM 2 and SAM 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphproc.configs.sizes import size_dict
from graphproc.ir.program import Value
from graphproc.ops import Choose, Combine, CountUp, Crop, Rearrange, Reduce
from graphproc.ops.resample import TORCH_UNFUSED, Resample
from graphproc.postprocessing.method import REQUIRED, Field, Method, Steps
from graphproc.processors.sam import resized

NAME = "post_process_masks"
MASKS = {"pred_masks": Field(("prompts", "masks", "mask_height", "mask_width"), "NCHW")}
NOTHING = -10.0
"""What a mask has at most where it is another prompt's."""
LOWEST = float(np.finfo(np.float32).min)


def build(steps: Steps) -> None:
    """The masks at the size of the padded image, without the padding, at the image's own size, above the threshold."""
    given = steps.options["pad_size"]
    pad = steps.config.pad_size if given is None else size_dict("pad_size", given, default_to_square=True, used=True)
    height, width = steps.sizes["original_sizes"]
    inside = steps.sizes.get("reshaped_input_sizes") or resized(steps.config, height, width)
    x = steps.add(Resample(pad["height"], pad["width"], "bilinear", False, TORCH_UNFUSED), steps["pred_masks"])
    x = steps.add(Crop(0, 0, inside[0], inside[1]), x)
    finish(steps, steps.add(Resample(height, width, "bilinear", False, TORCH_UNFUSED), x))


def build_whole(steps: Steps) -> None:
    """The masks at the size of the image, above the threshold."""
    height, width = steps.sizes["original_sizes"]
    x = steps.add(Resample(height, width, "bilinear", False, TORCH_UNFUSED), steps["pred_masks"])
    finish(steps, apart(steps, x) if steps.options["apply_non_overlapping_constraints"] else x)


def apart(steps: Steps, x: Value) -> Value:
    """Masks of which each pixel belongs to one prompt, that of the largest; what the others have there is at most `NOTHING`."""
    owner = steps.add(Reduce("argmax", -4, keep=True), x)
    prompts = steps.add(Rearrange("n -> n 1 1 1"), steps.add(CountUp(x.type.shape[0])))
    own = steps.add(Choose(LOWEST), steps.add(Combine("equal"), owner, prompts), x)
    return steps.add(Combine("maximum"), own, steps.add(Combine("minimum", NOTHING), x))


def finish(steps: Steps, x: Value) -> None:
    """The masks, or where they are above the threshold."""
    if steps.options["binarize"]:
        x = steps.add(Combine("greater", steps.number("mask_threshold")), x)
    steps.output("masks", x, "pad")


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """The masks of one image."""
    return outputs["masks"]


METHODS = (
    Method(
        NAME,
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
    Method(
        NAME,
        ("Sam2ImageProcessor", "Sam3ImageProcessor"),
        MASKS,
        build_whole,
        result,
        {
            "original_sizes": REQUIRED,
            "mask_threshold": 0.0,
            "binarize": True,
            "max_hole_area": 0.0,
            "max_sprinkle_area": 0.0,
            "apply_non_overlapping_constraints": False,
        },
        sized=("original_sizes",),
        needs_sizes=True,
        takes="masks",
        left_to_python=("max_hole_area", "max_sprinkle_area"),  # the reference takes them, no more
        ignores_more=True,
    ),
)
