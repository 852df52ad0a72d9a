"""PP-DocLayout: what a page consists of, in the order in which one reads it; of its third version with outlines.

Source: transformers 5.23, `post_process_object_detection` of `PPDocLayoutV2ImageProcessor` and `PPDocLayoutV3ImageProcessor`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from graphproc.ir.program import Value
from graphproc.ops import Cast, CenterToCorners, Choose, Combine, CountUp, Function, Numbers, Pick, Rearrange, Reduce, TopK
from graphproc.postprocessing.detection import NAME, in_pixels
from graphproc.postprocessing.method import BOXES, LOGITS, MASKS, Field, Method, Steps
from graphproc.postprocessing.outlines import outlines
from graphproc.postprocessing.rectification import complement

FIELDS = {"logits": LOGITS, "pred_boxes": BOXES, "order_logits": Field(("queries", "queries"))}
ROWS = ("scores", "labels", "boxes", "order_seq")


def ranks(steps: Steps, order_logits: Value) -> Value:
    """The place of each query in the order, int64 [queries]: a query is behind those that the others' votes put before it."""
    count = order_logits.type.shape[0]
    before = steps.add(Function("sigmoid"), order_logits)
    positions = steps.add(CountUp(count))
    rows, columns = steps.add(Rearrange("n -> n 1"), positions), steps.add(Rearrange("n -> 1 n"), positions)
    above, below = steps.add(Combine("less"), rows, columns), steps.add(Combine("greater"), rows, columns)
    after = complement(steps, steps.add(Rearrange("a b -> b a"), before))
    votes = [steps.add(Reduce("sum", -2), steps.add(Choose(0), *pair)) for pair in ((above, before), (below, after))]
    total = steps.add(Combine("add"), *votes)
    own, others = steps.add(Rearrange("n -> n 1"), total), steps.add(Rearrange("n -> 1 n"), total)
    fewer = steps.add(Combine("less"), others, own)
    earlier = steps.all_of(steps.add(Combine("equal"), others, own), below)
    return steps.add(Reduce("count"), steps.add(Combine("or"), fewer, earlier))


def detect(steps: Steps) -> None:
    """As many pairs of a query and a class as queries, those that score enough, in reading order."""
    found(steps, {})


def detect_with_masks(steps: Steps) -> None:
    """As many pairs of a query and a class as queries, those that score enough, in reading order, with outlines."""
    chances = steps.add(Function("sigmoid"), steps["out_masks"])
    inside = steps.add(Combine("greater", steps.number("threshold")), chances)
    found(steps, {"masks": steps.add(Cast("i32"), inside)})
    assert steps.target is not None
    ones = steps.add(Numbers((1.0, 1.0), "f64"))
    steps.output("size", steps.add(Combine("multiply", steps.target), ones))  # which may be fractions of pixels


def found(steps: Steps, more: Mapping[str, Value]) -> None:
    """Declare the outputs; `more` are further ones with a row for each query."""
    chances = steps.add(Function("sigmoid"), steps["logits"])
    queries, classes = chances.type.shape
    flat = steps.add(Rearrange("q c -> (q c)", layout=""), chances)
    pairs = steps.add(TopK(queries), flat)
    query, labels = steps.add(Combine("quotient", classes), pairs), steps.add(Combine("remainder", classes), pairs)
    scores, order = steps.add(Pick(), flat, pairs), steps.add(Pick(), ranks(steps, steps["order_logits"]), query)
    kept = steps.add(Combine("greater_or_equal", steps.number("threshold")), scores)
    first = steps.add(Choose(-math.inf), kept, steps.add(Function("negative"), steps.add(Cast("f32"), order)))
    places = steps.add(TopK(queries), first)
    boxes = in_pixels(steps, steps.add(CenterToCorners(), steps["pred_boxes"]), steps.target)
    query = steps.add(Pick(), query, places)
    rows = {name: steps.add(Pick(), value, places) for name, value in {"scores": scores, "labels": labels}.items()}
    rows |= {"boxes": steps.add(Pick(-2), boxes, query), "order_seq": steps.add(Pick(), order, places)}
    rows |= {name: steps.add(Pick(-value.type.rank), value, query) for name, value in more.items()}
    steps.rows(steps.add(Combine("greater", -math.inf), steps.add(Pick(), first, places)), {"labels": -1}, "count", **rows)


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Scores, labels, boxes and the order."""
    return {name: outputs[name] for name in ROWS}


def outlined_result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """The same with the corners of each outline."""
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
