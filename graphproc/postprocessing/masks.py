"""Masks of prompts, at the size of the image before preprocessing.

Source: transformers 5.23, `post_process_masks` of SAM, SAM 2 and SAM 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphproc import joins
from graphproc.configs.sizes import size_dict
from graphproc.ir.program import Value
from graphproc.ir.value import maximum, minimum, where
from graphproc.ops import Range, Slice
from graphproc.ops.resample import TORCH_UNFUSED, Resample
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.method import REQUIRED, Field, Method
from graphproc.processors.families.own_size_rule.sam import resized_size

NAME = "post_process_masks"
MASKS = {"pred_masks": Field(("prompts", "masks", "mask_height", "mask_width"), "NCHW")}
NOTHING = -10.0
"""The largest value of a mask at pixels that belong to another prompt."""
LOWEST = float(np.finfo(np.float32).min)


def build(b: MethodBuilder) -> None:
    """Return the masks at the image's own size, without the padding; with `binarize`, where they are above the threshold."""
    given = b.options["pad_size"]
    pad = b.config.pad_size if given is None else size_dict("pad_size", given, default_to_square=True, used=True)
    height, width = b.sizes["original_sizes"]
    inside = b.sizes.get("reshaped_input_sizes") or resized_size(b.config, height, width)
    x = b.add(Resample(pad["height"], pad["width"], "bilinear", False, TORCH_UNFUSED), b["pred_masks"])
    x = b.add(Slice.window(0, 0, inside[0], inside[1]), x)
    finish(b, b.add(Resample(height, width, "bilinear", False, TORCH_UNFUSED), x))


def build_whole(b: MethodBuilder) -> None:
    """Return the masks at the image's own size; with `binarize`, where they are above the threshold."""
    height, width = b.sizes["original_sizes"]
    x = b.add(Resample(height, width, "bilinear", False, TORCH_UNFUSED), b["pred_masks"])
    finish(b, without_overlaps(x) if b.options["apply_non_overlapping_constraints"] else x)


def without_overlaps(x: Value) -> Value:
    """Give each pixel to the prompt with the largest value there.

    The values of other prompts become `NOTHING` at most.
    """
    owner = x.argmax(-4, keepdims=True)
    prompts = x.builder.add(Range(x.shape[0])).rearrange("n -> n 1 1 1")
    own = where(owner == prompts, x, LOWEST)
    return maximum(own, minimum(x, NOTHING))


def finish(b: MethodBuilder, x: Value) -> None:
    """Declare the masks; with `binarize`, bools that are true above the threshold."""
    if b.options["binarize"]:
        x = x > b.number("mask_threshold")
    b.output("masks", x, joins.Pad())


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return one image's masks."""
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
        size_arguments=("original_sizes", "reshaped_input_sizes"),
        needs_sizes=True,
        computed=("reshaped_input_sizes",),
        first_argument="masks",
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
        size_arguments=("original_sizes",),
        needs_sizes=True,
        first_argument="masks",
        python_only_options=("max_hole_area", "max_sprinkle_area"),  # upstream takes them and does nothing
        accepts_unknown_keywords=True,
    ),
)
