"""SAM 3: what a text describes, as a map, as boxes, and as boxes with masks.

Source: transformers 5.23, `post_process_semantic_segmentation`, `post_process_object_detection` and
`post_process_instance_segmentation` of `Sam3ImageProcessor`. It leaves masks at the model's size where there are none of
them; so does the method, while graphs of a fixed number of rows have the wanted size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphproc.ir.program import Value
from graphproc.ops import Cast, Combine, Function, Pick, Rearrange
from graphproc.ops.resample import TORCH_UNFUSED, Resample
from graphproc.postprocessing.detection import NAME as DETECTION
from graphproc.postprocessing.detection import in_pixels
from graphproc.postprocessing.mask_semantic import NAME as SEMANTIC
from graphproc.postprocessing.method import BOXES, MASKS, Field, Method, Steps
from graphproc.postprocessing.segments import INSTANCE, PARITY, Candidates, candidates, filled_up, holds, resized
from graphproc.postprocessing.semantic import OUTSIDE
from graphproc.postprocessing.semantic import result as semantic_result
from graphproc.sizes import num
from graphproc.sizes.num import Num

PRESENCE = "presence_logits"
QUERIES = {
    "pred_logits": Field(("queries",), "Q"),
    "pred_boxes": BOXES,
    PRESENCE: Field((1,), "F", optional=True),
}
"""Boxes are those of corners, as shares of the image; presence is how likely the image has any."""
ROWS = ("scores", "boxes")


def scores(steps: Steps) -> Value:
    """The chance of each query, times that of any."""
    x = steps.add(Function("sigmoid"), steps["pred_logits"])
    return steps.add(Combine("multiply"), x, steps.add(Function("sigmoid"), steps[PRESENCE])) if PRESENCE in steps else x


def semantic(steps: Steps) -> None:
    """1 where the chance is above the threshold, else 0."""
    chances = resized(steps, steps.add(Function("sigmoid"), steps["semantic_seg"]))
    inside = steps.add(Cast("i64"), steps.add(Combine("greater", steps.number("threshold")), chances))
    steps.output("segmentation", steps.add(Rearrange("1 h w -> h w", layout="HW"), inside), "pad", OUTSIDE)
    if steps.options["return_segmentation_scores"]:
        steps.output("segmentation_scores", chances, "pad")


def detection(steps: Steps) -> None:
    """The queries whose scores are above the threshold, in their order."""
    x = scores(steps)
    kept = steps.add(Combine("greater", steps.number("threshold")), x)
    steps.rows(kept, scores=x, boxes=in_pixels(steps, steps["pred_boxes"], steps.target))


def instance(steps: Steps) -> None:
    """The queries whose scores are above the threshold, in their order, with masks."""
    x = scores(steps)
    found = candidates(steps, steps.add(Combine("greater", steps.number("threshold")), x))
    boxes = in_pixels(steps, steps["pred_boxes"], steps.target)
    chances = steps.add(Function("sigmoid"), steps.add(Pick(-3), steps["pred_masks"], found.places))
    if steps.target is not None:
        chances = steps.add(Resample(*_wanted(steps, found, chances), "bilinear", False, TORCH_UNFUSED), chances)
    inside = steps.add(Combine("greater", steps.number("mask_threshold")), chances)
    steps.rows(
        filled_up(steps, holds(steps, found), found),
        scores=filled_up(steps, steps.add(Pick(), x, found.places), found),
        boxes=filled_up(steps, steps.add(Pick(-2), boxes, found.places), found),
        masks=filled_up(steps, steps.add(Cast("i32"), inside), found),
    )


def _wanted(steps: Steps, found: Candidates, masks: Value) -> tuple[Num, Num]:
    """The size of masks: the wanted one; the model's own for Python callers where nothing is found, as in the reference."""
    assert steps.target is not None
    height, width = steps.target
    if not steps.ragged:
        return height, width
    none = num.eq(found.number, 0)
    return num.where(none, masks.type.size("H"), height), num.where(none, masks.type.size("W"), width)


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Scores and boxes."""
    return {name: outputs[name] for name in ROWS}


def instance_result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Scores, boxes and masks of 0 and 1."""
    return {**result(outputs, options), "masks": outputs["masks"].astype(np.int64)}


_CLASSES = ("Sam3ImageProcessor",)

METHODS = (
    Method(
        SEMANTIC,
        _CLASSES,
        {"semantic_seg": Field((1, "logits_height", "logits_width"), "CHW")},
        semantic,
        semantic_result,
        {"target_sizes": None, "threshold": 0.5, "return_segmentation_scores": False},
    ),
    Method(DETECTION, _CLASSES, QUERIES, detection, result, {"threshold": 0.3, "target_sizes": None}, ROWS),
    Method(
        INSTANCE,
        _CLASSES,
        {**QUERIES, "pred_masks": MASKS},
        instance,
        instance_result,
        {"threshold": 0.3, "mask_threshold": 0.5, "target_sizes": None},
        (*ROWS, "masks"),
        PARITY,
    ),
)
