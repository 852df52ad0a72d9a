"""Object detection: scores, labels and boxes of what is found, the boxes in the image's own pixels.

Source: transformers 5.23, `post_process_object_detection` of the classes below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from graphproc.errors import ConfigError
from graphproc.ir.program import Value
from graphproc.ops import CenterToCorners, Combine, Function, Pick, Rearrange, Reduce, Softmax, TopK
from graphproc.postprocessing.method import BOXES, LOGITS, Field, Method, Steps, without_nothing
from graphproc.sizes import num
from graphproc.sizes.num import Num

NAME = "post_process_object_detection"
FIELDS = {"logits": LOGITS, "pred_boxes": BOXES}
ROWS = ("scores", "labels", "boxes")
NO_LABEL = -1
SHARES = "shares"
"""Shares of images in place of logits, which are made of the logits of a batch."""
SHARED = {SHARES: Field(LOGITS.shape, "QC", optional=True, call=True), **FIELDS, "logits": replace(LOGITS, unless=SHARES)}


def in_pixels(steps: Steps, boxes: Value, size: tuple[Num, Num] | None) -> Value:
    """Boxes in pixels of a (height, width) that they are shares of; where there is none, as they are."""
    return boxes if size is None else steps.add(Combine("multiply", (size[1], size[0], size[1], size[0])), boxes)


def found(steps: Steps, scores: Value, labels: Value, boxes: Value) -> None:
    """What scores above the threshold."""
    kept = steps.add(Combine("greater", steps.number("threshold")), scores)
    steps.rows(kept, {"labels": NO_LABEL}, scores=scores, labels=labels, boxes=boxes)


def best_class(steps: Steps) -> None:
    """DETR: shares of all classes but the last, which is nothing; the best class of each query."""
    best_share(steps, steps.add(Softmax(-1), steps["logits"]))


def best_share(steps: Steps, shares: Value) -> None:
    """The best class of each query but the last, which is nothing."""
    shares = without_nothing(steps, shares)
    found(
        steps,
        steps.add(Reduce("max"), shares),
        steps.add(Reduce("argmax"), shares),
        in_pixels(steps, steps.add(CenterToCorners(), steps["pred_boxes"]), steps.target),
    )


def best_pairs(steps: Steps, count: Num) -> None:
    """Every class of every query by itself; the best pairs of a query and a class."""
    chances = steps.add(Function("sigmoid"), steps["logits"])
    queries, classes = chances.type.shape
    flat = steps.add(Rearrange("q c -> (q c)", layout=""), chances)
    pairs = steps.add(TopK(num.minimum(count, queries * classes)), flat)
    labels = steps.add(Combine("remainder", classes), pairs)
    query = steps.add(Combine("quotient", classes), pairs)
    boxes = in_pixels(steps, steps.add(CenterToCorners(), steps["pred_boxes"]), steps.target)
    found(steps, steps.add(Pick(), flat, pairs), labels, steps.add(Pick(-2), boxes, query))


def deformable(steps: Steps) -> None:
    """As many pairs as asked for."""
    best_pairs(steps, steps.count("top_k"))


def rf_detr(steps: Steps) -> None:
    """As many pairs as asked for, or as queries."""
    best_pairs(steps, pairs_wanted(steps))


def pairs_wanted(steps: Steps) -> Num:
    """`top_k`, the number of queries where it is not given."""
    return steps["logits"].type.shape[0] if steps.options["top_k"] is None else steps.count("top_k")


def rt_detr(steps: Steps) -> None:
    """As many pairs as queries."""
    if SHARES in steps:
        return best_share(steps, steps[SHARES])
    if not steps.options["use_focal_loss"]:
        raise ConfigError(
            "use_focal_loss: expected true in a graph; without it the reference takes each image's share among the images of a "
            "batch, which a graph of one image does not have. Call the processor's method."
        )
    return best_pairs(steps, steps["logits"].type.shape[0])


def prepare(given: Mapping[str, Any], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Each image's share among the images of the batch, where `use_focal_loss` is off."""
    if options["use_focal_loss"]:
        return {}
    logits = given["logits"]
    if hasattr(logits, "detach"):
        return {SHARES: logits.softmax(0)}
    small = np.exp(logits - np.max(logits, axis=0))
    return {SHARES: small / small.sum(axis=0)}


def grounded(steps: Steps) -> None:
    """The best class of each query; classes are tokens or texts."""
    best_text(steps, steps.target)


def grounded_on_square(steps: Steps) -> None:
    """As `grounded`; boxes are shares of the square that the image was padded to."""
    best_text(steps, square(steps))


def square(steps: Steps) -> tuple[Num, Num] | None:
    """The square around the wanted size."""
    side = None if steps.target is None else num.maximum(*steps.target)
    return None if side is None else (side, side)


def best_text(steps: Steps, size: tuple[Num, Num] | None) -> None:
    """The best class of each query, by itself."""
    found(
        steps,
        steps.add(Function("sigmoid"), steps.add(Reduce("max"), steps["logits"])),
        steps.add(Reduce("argmax"), steps["logits"]),
        in_pixels(steps, steps.add(CenterToCorners(), steps["pred_boxes"]), size),
    )


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Scores, labels and boxes."""
    return {name: outputs[name] for name in ROWS}


METHODS = (
    Method(
        NAME,
        ("DetrImageProcessor", "YolosImageProcessor"),
        FIELDS,
        best_class,
        result,
        {"threshold": 0.5, "target_sizes": None},
        ROWS,
        float_sizes=True,
    ),
    Method(
        NAME,
        ("ConditionalDetrImageProcessor", "DeformableDetrImageProcessor"),
        FIELDS,
        deformable,
        result,
        {"threshold": 0.5, "target_sizes": None, "top_k": 100},
        ROWS,
        float_sizes=True,
    ),
    Method(
        NAME,
        ("RfDetrImageProcessor",),
        FIELDS,
        rf_detr,
        result,
        {"threshold": 0.5, "target_sizes": None, "top_k": None},
        ROWS,
    ),
    Method(
        NAME,
        ("RTDetrImageProcessor",),
        SHARED,
        rt_detr,
        result,
        {"threshold": 0.5, "target_sizes": None, "use_focal_loss": True},
        ROWS,
        prepare=prepare,
    ),
    Method(
        NAME,
        ("GroundingDinoImageProcessor", "OwlViTImageProcessor"),
        FIELDS,
        grounded,
        result,
        {"threshold": 0.1, "target_sizes": None},
        ROWS,
    ),
    Method(
        NAME,
        ("Owlv2ImageProcessor",),
        FIELDS,
        grounded_on_square,
        result,
        {"threshold": 0.1, "target_sizes": None},
        ROWS,
    ),
)
