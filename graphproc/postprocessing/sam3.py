"""SAM 3: things that a text describes, as a map, as boxes, or as boxes with masks.

Source: transformers 5.23, `post_process_semantic_segmentation`, `post_process_object_detection` and
`post_process_instance_segmentation` of `Sam3ImageProcessor`. Where it finds nothing, its empty array of
masks keeps the model's height and width. So does the method here; graphs with a fixed number of rows
have the wanted size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphproc import joins
from graphproc.ir.program import Value
from graphproc.ops.resample import TORCH_UNFUSED, Resample
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.detection import NAME as DETECTION
from graphproc.postprocessing.detection import in_pixels
from graphproc.postprocessing.mask_semantic import NAME as SEMANTIC
from graphproc.postprocessing.method import BOXES, MASKS, Field, Method
from graphproc.postprocessing.segments import INSTANCE, PARITY, Candidates, candidates, filled_up, is_candidate, resize_masks
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
"""Boxes are (left, top, right, bottom) as shares of the image. Presence is the logit that the image shows any."""
ROWS = ("scores", "boxes")


def scores(b: MethodBuilder) -> Value:
    """Return the probability of each query, times the probability that the image shows any."""
    x = b["pred_logits"].sigmoid()
    return x * b[PRESENCE].sigmoid() if PRESENCE in b else x


def semantic(b: MethodBuilder) -> None:
    """Return a map that is 1 where the probability is above the threshold, else 0."""
    chances = resize_masks(b, b["semantic_seg"].sigmoid())
    inside = (chances > b.number("threshold")).cast("i64")
    b.output("segmentation", inside.rearrange("1 h w -> h w", "HW"), joins.Pad(OUTSIDE))
    if b.options["return_segmentation_scores"]:
        b.output("segmentation_scores", chances, joins.Pad())


def detection(b: MethodBuilder) -> None:
    """Return scores and boxes of the queries that score above the threshold, in their order."""
    x = scores(b)
    kept = x > b.number("threshold")
    b.rows(kept, scores=x, boxes=in_pixels(b["pred_boxes"], b.target))


def instance(b: MethodBuilder) -> None:
    """Return scores, boxes and masks of the queries that score above the threshold, in their order."""
    x = scores(b)
    found = candidates(b, x > b.number("threshold"))
    boxes = in_pixels(b["pred_boxes"], b.target)
    chances = b["pred_masks"][found.places].sigmoid()
    if b.target is not None:
        chances = b.add(Resample(*_wanted(b, found, chances), "bilinear", False, TORCH_UNFUSED), chances)
    inside = chances > b.number("mask_threshold")
    b.rows(
        filled_up(b, is_candidate(b, found), found),
        scores=filled_up(b, x[found.places], found),
        boxes=filled_up(b, boxes[found.places], found),
        masks=filled_up(b, inside.cast("i32"), found),
    )


def _wanted(b: MethodBuilder, found: Candidates, masks: Value) -> tuple[Num, Num]:
    """Return the size of masks: the wanted one; for a call in Python that finds nothing, the model's, as upstream."""
    assert b.target is not None
    height, width = b.target
    if not b.ragged:
        return height, width
    none = num.eq(found.number, 0)
    return num.where(none, masks.type.size("H"), height), num.where(none, masks.type.size("W"), width)


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return scores and boxes."""
    return {name: outputs[name] for name in ROWS}


def instance_result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return scores, boxes and masks of 0 and 1."""
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
