"""Detection of what a query image shows: of boxes that overlap, the best; scores relative to the best of all.

Source: transformers 5.23, `post_process_image_guided_detection` of the classes below. It leaves out images that have no query
or none that scores above 0; here these have results without rows, so that results are those of the images in order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from graphproc.ir.program import Value
from graphproc.ops import CenterToCorners, Choose, Combine, Function, NonMaxSuppression, Rearrange, Reduce
from graphproc.postprocessing.detection import in_pixels, square
from graphproc.postprocessing.method import BOXES, LOGITS, Method, Steps
from graphproc.sizes.num import Num

NAME = "post_process_image_guided_detection"
FIELDS = {"logits": LOGITS, "target_pred_boxes": BOXES}
ROWS = ("scores", "boxes")
OPTIONS = {"threshold": 0.0, "nms_threshold": 0.3, "target_sizes": None}
EPSILON = 1e-6
"""What is added to the best score."""
LOW, SPAN = 0.1, 0.9
"""The share of the best score that counts as nothing, and what is left of it to 1."""

AT_LEAST = (-math.inf, -math.inf, 0.0, 0.0)
"""The smallest center and extent of a box that may overlap others."""


def where(steps: Steps, x: Value, condition: Value) -> Value:
    """The numbers where a condition holds, and 0 elsewhere."""
    return steps.add(Choose(0), condition, x)


def build(steps: Steps) -> None:
    """The best class of each query, without those that overlap a better one."""
    guided(steps, steps.target)


def build_on_square(steps: Steps) -> None:
    """As `build`; boxes are shares of the square that the image was padded to."""
    guided(steps, square(steps))


def guided(steps: Steps, size: tuple[Num, Num] | None) -> None:
    """Scores from 0, a tenth of the best, to 1, the best; what has 0 is nothing."""
    scores = steps.add(Function("sigmoid"), steps.add(Reduce("max"), steps["logits"]))
    boxes = steps.add(CenterToCorners(), steps["target_pred_boxes"])
    if steps.number("nms_threshold") < 1:
        kept = NonMaxSuppression(steps.number("nms_threshold"))
        # A box of negative width or height overlaps nothing; the op would turn it round.
        solid = steps.add(CenterToCorners(), steps.add(Combine("maximum", AT_LEAST), steps["target_pred_boxes"]))
        rows = steps.add(kept, solid, steps.add(Rearrange("q -> 1 q"), scores))
        scores = where(steps, scores, steps.add(Rearrange("1 q -> q", layout="Q"), rows))
    below = steps.add(Combine("less", steps.number("threshold")), scores)
    scores = where(steps, scores, steps.add(Function("not"), below))  # what is no number stays
    best = steps.add(Combine("add", EPSILON), steps.add(Reduce("max", keep=True), scores))
    above = steps.add(Combine("subtract"), scores, steps.add(Combine("multiply", LOW), best))
    share = steps.add(Combine("divide"), above, steps.add(Combine("multiply", SPAN), best))
    share = steps.add(Combine("minimum", 1), steps.add(Combine("maximum", 0), share))
    steps.rows(steps.add(Combine("greater", 0), share), scores=share, boxes=in_pixels(steps, boxes, size))


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Scores and boxes; there are no labels, as there is one query image."""
    return {"scores": outputs["scores"], "labels": None, "boxes": outputs["boxes"]}


METHODS = (
    Method(NAME, ("OwlViTImageProcessor",), FIELDS, build, result, OPTIONS, ROWS),
    Method(NAME, ("Owlv2ImageProcessor",), FIELDS, build_on_square, result, OPTIONS, ROWS),
)
