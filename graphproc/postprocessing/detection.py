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
from graphproc.postprocessing.boxes import corners
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.method import BOXES, LOGITS, Field, Method, without_nothing
from graphproc.sizes import num
from graphproc.sizes.num import Num

NAME = "post_process_object_detection"
FIELDS = {"logits": LOGITS, "pred_boxes": BOXES}
ROWS = ("scores", "labels", "boxes")
NO_LABEL = -1
SHARES = "shares"
"""The input that takes the place of logits: each image's share among the images of a batch (`prepare`)."""
SHARED = {SHARES: Field(LOGITS.shape, "QC", optional=True, call=True), **FIELDS, "logits": replace(LOGITS, replaced_by=SHARES)}


def in_pixels(boxes: Value, size: tuple[Num, Num] | None) -> Value:
    """Scale boxes that are shares of a (height, width) to its pixels; without a size they stay as they are."""
    return boxes if size is None else boxes * (size[1], size[0], size[1], size[0])


def found(b: MethodBuilder, scores: Value, labels: Value, boxes: Value) -> None:
    """Declare scores, labels and boxes of the queries that score above the threshold."""
    b.rows(scores > b.number("threshold"), {"labels": NO_LABEL}, scores=scores, labels=labels, boxes=boxes)


def best_class(b: MethodBuilder) -> None:
    """Find the best class of each query; the last class stands for "nothing"."""
    best_share(b, b["logits"].softmax())


def best_share(b: MethodBuilder, shares: Value) -> None:
    """Find the best class of each query by its share, f32 [queries, classes].

    The last class means "nothing".
    """
    shares = without_nothing(shares)
    found(
        b,
        shares.max(),
        shares.argmax(),
        in_pixels(corners(b["pred_boxes"]), b.target),
    )


def best_pairs(b: MethodBuilder, count: Num) -> None:
    """Find the `count` best pairs of a query and a class; each class has a score of its own."""
    flat = b["logits"].sigmoid().rearrange("q c -> (q c)")
    queries, classes = b["logits"].shape
    pairs = flat.top_k(num.minimum(count, queries * classes))
    labels = pairs % classes
    query = pairs // classes
    boxes = in_pixels(corners(b["pred_boxes"]), b.target)
    found(b, flat[pairs], labels, boxes[query])


def deformable(b: MethodBuilder) -> None:
    """Find the `top_k` best pairs of a query and a class."""
    best_pairs(b, b.count("top_k"))


def rf_detr(b: MethodBuilder) -> None:
    """Find the `top_k` best pairs of a query and a class; without it, as many as there are queries."""
    best_pairs(b, pairs_wanted(b))


def pairs_wanted(b: MethodBuilder) -> Num:
    """Read `top_k`; the number of queries where it is None."""
    return b["logits"].shape[0] if b.options["top_k"] is None else b.count("top_k")


def rt_detr(b: MethodBuilder) -> None:
    """Find the best pairs of a query and a class, as many as there are queries."""
    if SHARES in b:
        return best_share(b, b[SHARES])
    if not b.options["use_focal_loss"]:
        raise ConfigError(
            "use_focal_loss: expected true in a graph; without it the reference takes each image's share among the images of a "
            "batch, which a graph of one image does not have. Call the processor's method."
        )
    return best_pairs(b, b["logits"].shape[0])


def prepare(given: Mapping[str, Any], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Compute each image's share among the images of the batch, where `use_focal_loss` is off."""
    if options["use_focal_loss"]:
        return {}
    logits = given["logits"]
    if hasattr(logits, "detach"):
        return {SHARES: logits.softmax(0)}
    small = np.exp(logits - np.max(logits, axis=0))
    return {SHARES: small / small.sum(axis=0)}


def grounded(b: MethodBuilder) -> None:
    """Find the best class of each query; classes are tokens or texts."""
    best_text(b, b.target)


def grounded_on_square(b: MethodBuilder) -> None:
    """Find the best class of each query; boxes are shares of the square that the image was padded to."""
    best_text(b, square(b))


def square(b: MethodBuilder) -> tuple[Num, Num] | None:
    """Return the sides of a square as long as the wanted size's longer one; None without a size."""
    side = None if b.target is None else num.maximum(*b.target)
    return None if side is None else (side, side)


def best_text(b: MethodBuilder, size: tuple[Num, Num] | None) -> None:
    """Find the best class of each query; each class has a score of its own."""
    found(
        b,
        b["logits"].max().sigmoid(),
        b["logits"].argmax(),
        in_pixels(corners(b["pred_boxes"]), size),
    )


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return scores, labels and boxes."""
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
