"""PP-DocLayout: the parts of a page in reading order; its third version adds outlines.

Source: transformers 5.23, `post_process_object_detection` of `PPDocLayoutV2ImageProcessor` and `PPDocLayoutV3ImageProcessor`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from graphproc.ir.program import Value
from graphproc.ir.value import where
from graphproc.ops import Numbers, Range
from graphproc.postprocessing.boxes import corners
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.detection import NAME, in_pixels
from graphproc.postprocessing.method import BOXES, LOGITS, MASKS, Field, Method
from graphproc.postprocessing.outlines import outlines

FIELDS = {"logits": LOGITS, "pred_boxes": BOXES, "order_logits": Field(("queries", "queries"))}
ROWS = ("scores", "labels", "boxes", "order_seq")


def ranks(b: MethodBuilder, order_logits: Value) -> Value:
    """Return the position of each query in reading order, int64 [queries].

    For each pair of queries there is a probability that one comes before the other. A query's position
    grows with the sum of the others' probabilities to come before it.
    """
    before = order_logits.sigmoid()
    positions = b.add(Range(order_logits.shape[0]))
    rows, columns = positions.rearrange("n -> n 1"), positions.rearrange("n -> 1 n")
    above, below = rows < columns, rows > columns
    after = 1 - before.rearrange("a b -> b a")
    total = where(above, before, 0).sum(-2) + where(below, after, 0).sum(-2)
    own, others = total.rearrange("n -> n 1"), total.rearrange("n -> 1 n")
    fewer = others < own
    return (fewer | ((others == own) & below)).sum()


def detect(b: MethodBuilder) -> None:
    """Return the best pairs of a query and a class that score enough, at most as many as queries, in reading order."""
    found(b, {})


def detect_with_masks(b: MethodBuilder) -> None:
    """Return the best pairs of a query and a class that score enough, in reading order, with outlines."""
    inside = b["out_masks"].sigmoid() > b.number("threshold")
    found(b, {"masks": inside.cast("i32")})
    assert b.target is not None
    ones = b.add(Numbers((1.0, 1.0), "f64"))
    b.output("size", ones * b.target)  # fractions of pixels are allowed, so float64


def found(b: MethodBuilder, more: Mapping[str, Value]) -> None:
    """Declare the outputs; `more` are the other outputs with a row for each query."""
    queries, classes = b["logits"].shape
    flat = b["logits"].sigmoid().rearrange("q c -> (q c)")
    pairs = flat.top_k(queries)
    query, labels = pairs // classes, pairs % classes
    scores, order = flat[pairs], ranks(b, b["order_logits"])[query]
    kept = scores >= b.number("threshold")
    first = where(kept, -order.cast("f32"), -math.inf)
    places = first.top_k(queries)
    boxes = in_pixels(corners(b["pred_boxes"]), b.target)
    query = query[places]
    rows = {"scores": scores[places], "labels": labels[places], "boxes": boxes[query], "order_seq": order[places]}
    rows |= {name: value[query] for name, value in more.items()}
    b.rows(first[places] > -math.inf, {"labels": -1}, "count", **rows)


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return scores, labels, boxes and the order."""
    return {name: outputs[name] for name in ROWS}


def outlined_result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return scores, labels, boxes, the corners of each outline, and the order."""
    size, (height, width) = options["config"].size, outputs["size"].tolist()
    polygons = outlines(outputs["boxes"], outputs["masks"], size["height"] / height, size["width"] / width)
    found = {**result(outputs, options), "polygon_points": polygons}
    return {name: found[name] for name in ("scores", "labels", "boxes", "polygon_points", "order_seq")}


METHODS = (
    Method(NAME, ("PPDocLayoutV2ImageProcessor",), FIELDS, detect, result, {"threshold": 0.5, "target_sizes": None}, ROWS),
    Method(
        NAME,
        ("PPDocLayoutV3ImageProcessor",),
        {**FIELDS, "out_masks": MASKS},
        detect_with_masks,
        outlined_result,
        {"threshold": 0.5, "target_sizes": None},
        (*ROWS, "masks"),
        needs_sizes=True,
    ),
)
