"""Find what a query image shows: the best of boxes that overlap, with scores relative to the best of all.

Source: transformers 5.23, `post_process_image_guided_detection` of the classes below. It leaves out
images without a query that scores above 0. Here they have results without rows, so that there is a
result for each image, in order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from graphproc.ir.value import maximum, where
from graphproc.ops import NonMaxSuppression
from graphproc.postprocessing.boxes import corners
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.detection import in_pixels, square
from graphproc.postprocessing.method import BOXES, LOGITS, Method
from graphproc.sizes.num import Num

NAME = "post_process_image_guided_detection"
FIELDS = {"logits": LOGITS, "target_pred_boxes": BOXES}
ROWS = ("scores", "boxes")
OPTIONS = {"threshold": 0.0, "nms_threshold": 0.3, "target_sizes": None}
EPSILON = 1e-6
"""Added to the best score before it is a divisor."""
LOW, SPAN = 0.1, 0.9
"""The share of the best score that becomes 0, and the rest up to 1."""

AT_LEAST = (-math.inf, -math.inf, 0.0, 0.0)
"""The smallest center and extent of a box that may overlap others."""


def build(b: MethodBuilder) -> None:
    """Return the best class of each query, without those that overlap a better one."""
    guided(b, b.target)


def build_on_square(b: MethodBuilder) -> None:
    """Return the best class of each query, with boxes as shares of the square that the image was padded to."""
    guided(b, square(b))


def guided(b: MethodBuilder, size: tuple[Num, Num] | None) -> None:
    """Declare boxes with scores from 0 (a tenth of the best) to 1 (the best); those with 0 are left out."""
    scores = b["logits"].max().sigmoid()
    boxes = corners(b["target_pred_boxes"])
    if b.number("nms_threshold") < 1:
        kept = NonMaxSuppression(b.number("nms_threshold"))
        # A box of negative width or height overlaps nothing, but the op would swap its corners.
        solid = corners(maximum(b["target_pred_boxes"], AT_LEAST))
        rows = b.add(kept, solid, scores.rearrange("q -> 1 q"))
        scores = where(rows.rearrange("1 q -> q", "Q"), scores, 0)
    below = scores < b.number("threshold")
    scores = where(below, 0, scores)  # NaN stays NaN
    best = scores.max(keepdims=True) + EPSILON
    share = ((scores - best * LOW) / (best * SPAN)).clip(0, 1)
    b.rows(share > 0, scores=share, boxes=in_pixels(boxes, size))


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return scores and boxes; labels are None, because there is only one query image."""
    return {"scores": outputs["scores"], "labels": None, "boxes": outputs["boxes"]}


METHODS = (
    Method(NAME, ("OwlViTImageProcessor",), FIELDS, build, result, OPTIONS, ROWS),
    Method(NAME, ("Owlv2ImageProcessor",), FIELDS, build_on_square, result, OPTIONS, ROWS),
)
