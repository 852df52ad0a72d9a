"""The joints of each person, in the pixels of the image that the person's box was cut from.

Source: transformers 5.23, `VitPoseImageProcessor.post_process_pose_estimation`; the step to the peak between pixels is that of
Zhang et al., Distribution-Aware Coordinate Representation for Human Pose Estimation (CVPR 2020), the way back to the image
that of Huang et al., The Devil is in the Details (CVPR 2020).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphproc.errors import ImageError
from graphproc.ir.program import Parity, Value
from graphproc.ops import Cast, Choose, Combine, Concat, CountUp, Function, GaussianBlur, MirrorPad, Pick, Rearrange, Reduce, Take
from graphproc.postprocessing.method import REQUIRED, TRANSFORMERS, Field, Method, Steps
from graphproc.processors import stages
from graphproc.sizes.num import Num

ROWS = ("keypoints", "scores", "labels")
_TYPES: Mapping[str, type[np.generic]] = {"keypoints": np.float32, "labels": np.int64, "bbox": np.float32}
NO_LABEL = -1
NOWHERE = -1
"""The row and the column of a joint whose scores are nowhere above 0."""
SIGMA = 0.8
SCORES = (0.001, 50.0)
"""Blurred scores are clipped to these before their logarithm is taken."""
UNIT, MARGIN = 200.0, 1.25
"""A person's scale is the box's side in units of 200 pixels, with a margin. `normalize_factor` does not change it here."""
EPSILON = float(np.finfo(np.float32).eps)
PARITY = Parity(
    TRANSFORMERS,
    1e-3,
    "of a heatmap's pixel, for peaks that curve by 0.01 or more; the logarithm's last place is the runtime's, and flatter ones "
    "raise it; what is not boxes of float64 differs by float32's last place. Of joints whose scores are nowhere above 0, the "
    "reference mixes up the boxes",
)


def combined(steps: Steps, operator: str, first: Value, *others: Value | Num) -> Value:
    """Values and numbers, one after another from the left."""
    for other in others:
        if isinstance(other, Value):
            first = steps.add(Combine(operator), first, other)
        else:
            first = steps.add(Combine(operator, other), first)
    return first


def peaks(steps: Steps) -> tuple[Value, Value, Value]:
    """Each joint's highest score, and the column and the row where it is, int64 [K]."""
    flat = steps.add(Rearrange("k h w -> k (h w)"), steps["heatmaps"])
    scores, place = steps.add(Reduce("max"), flat), steps.add(Reduce("argmax"), flat)
    width = steps["heatmaps"].type.shape[-1]
    above = steps.add(Combine("greater", 0), scores)
    column, row = (steps.add(Choose(NOWHERE), above, steps.add(Combine(way, width), place)) for way in ("remainder", "quotient"))
    return scores, column, row


def around(steps: Steps, joints: Value, column: Value, row: Value) -> Callable[[int, int], Value]:
    """The logarithm of the blurred scores at a distance from each peak, (right, down), f32 [K].

    A peak that is nowhere reads before its map's first row, where the map before it ends, as in the reference.
    """
    count, height, width = steps["heatmaps"].type.shape
    blurred = steps.add(GaussianBlur(SIGMA, (steps.count("kernel_size") - 1) // 2), steps["heatmaps"])
    low, high = SCORES
    logs = steps.add(Function("log"), combined(steps, "minimum", combined(steps, "maximum", blurred, low), high))
    line = width + 2
    all_logs = steps.add(Rearrange("k h w -> (k h w)"), steps.add(MirrorPad(1, 1, height + 2, line, "edge"), logs))
    first = steps.add(Combine("multiply", (height + 2) * line), joints)
    own = combined(steps, "add", steps.add(Combine("multiply", line), row), line + 1)
    own = combined(steps, "add", first, own, column)

    def at(right: int, down: int) -> Value:
        place = steps.add(Combine("add", down * line + right), own)
        return steps.add(Pick(), all_logs, steps.add(Combine("remainder", count * (height + 2) * line), place))

    return at


def newton_step(steps: Steps, at: Callable[[int, int], Value]) -> tuple[Value, Value]:
    """How far left and up from its peak's pixel a joint is, f64 [K]: the slope over the curvature, a matrix [2, 2]."""

    def chain(first: Value, *terms: tuple[str, Value]) -> Value:
        for operator, term in terms:
            first = combined(steps, operator, first, term)
        return first

    middle, left, right, up, down = (at(x, y) for x, y in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)))
    twice = steps.add(Combine("multiply", 2), middle)
    slopes = [combined(steps, "multiply", chain(b, ("subtract", a)), 0.5) for a, b in ((left, right), (up, down))]
    curves = [chain(b, ("subtract", twice), ("add", a)) for a, b in ((left, right), (up, down))]
    mixed = chain(
        at(1, 1),
        *(("subtract", right), ("subtract", down), ("add", middle), ("add", middle)),
        *(("subtract", left), ("subtract", up), ("add", at(-1, -1))),
    )
    mixed = combined(steps, "multiply", mixed, 0.5)
    x, y, xx, yy, xy = (steps.add(Cast("f64"), v) for v in (*slopes, *curves, mixed))
    xx, yy = (combined(steps, "add", v, EPSILON) for v in (xx, yy))

    def crossed(a: Value, b: Value, c: Value, d: Value) -> Value:
        return combined(steps, "subtract", combined(steps, "multiply", a, b), combined(steps, "multiply", c, d))

    size = crossed(xx, yy, xy, xy)
    return combined(steps, "divide", crossed(yy, x, xy, y), size), combined(steps, "divide", crossed(xx, y, xy, x), size)


def center_and_scale(steps: Steps) -> tuple[Value, Value]:
    """A box's centre (x, y) in pixels, and the scale (x, y) of what was cut out around it, f32 [2]."""
    height, width = stages.sides("size", steps.config.size)
    aspect = width / height
    corner, extent = (steps.add(Take(-1, start, 2), steps["boxes"]) for start in (0, 2))
    center = combined(steps, "add", corner, combined(steps, "multiply", extent, 0.5))
    wide, tall = (steps.add(Take(-1, start, 1), extent) for start in (0, 1))
    # whichever is too small for the aspect ratio grows; the other is the larger already
    grown = steps.add(
        Concat(-1),
        combined(steps, "maximum", wide, combined(steps, "multiply", tall, aspect)),
        combined(steps, "maximum", tall, combined(steps, "divide", wide, aspect)),
    )
    scale = steps.add(Cast("f32"), combined(steps, "divide", grown, UNIT))
    return steps.add(Cast("f32"), center), combined(steps, "multiply", scale, MARGIN)


def in_image(steps: Steps, points: Value, center: Value, scale: Value) -> Value:
    """Points (x, y) of the heatmaps [K, 2] in the image's pixels; the outermost pixels' centres are the crop's edges."""
    _, height, width = steps["heatmaps"].type.shape
    extent = combined(steps, "multiply", scale, UNIT)
    per_pixel = steps.add(Combine("divide", (width - 1, height - 1)), extent)
    half = combined(steps, "multiply", extent, 0.5)
    per_pixel, center, half = (steps.add(Rearrange("xy -> 1 xy"), v) for v in (per_pixel, center, half))
    return combined(steps, "subtract", combined(steps, "add", combined(steps, "multiply", points, per_pixel), center), half)


def build(steps: Steps) -> None:
    """The joints of the person in each box that score above the threshold, in the image's pixels."""
    scores, column, row = peaks(steps)
    # the numbers of the joints, of every box
    joints = combined(steps, "add", steps.add(Combine("multiply", 0), column), steps.add(CountUp(scores.type.shape[0])))
    step = newton_step(steps, around(steps, joints, column, row))
    places = [steps.add(Cast("f64"), v) for v in (column, row)]
    moved = [steps.add(Cast("f32"), combined(steps, "subtract", v, by)) for v, by in zip(places, step, strict=True)]
    points = steps.add(Concat(-1), *(steps.add(Rearrange("k -> k 1"), v) for v in moved))
    center, scale = center_and_scale(steps)
    threshold = -math.inf if steps.options["threshold"] is None else steps.number("threshold")
    kept = steps.add(Combine("greater_or_equal" if math.isinf(threshold) else "greater", threshold), scores)
    points = in_image(steps, points, center, scale)
    steps.rows(kept, {"labels": NO_LABEL}, keypoints=points, scores=scores, labels=joints)
    # the reference takes the centre for a corner and the scale for an extent
    end = combined(steps, "subtract", combined(steps, "add", scale, center), 1)
    steps.output("bbox", steps.add(Concat(-1), center, end))


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """The joints of one person."""
    # scores are what the model said; the others are float32, whatever floats came in
    return {name: outputs[name] if name == "scores" else outputs[name].astype(_TYPES[name]) for name in (*ROWS, "bbox")}


def prepare(given: Mapping[str, Any], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The boxes of all images in a row, in pixels.

    Raises:
        ImageError: something is no list of boxes (x, y, width, height) for each image, or sizes are not one for each box.
    """
    boxes = [_numbers(box) for of_image in options["boxes"] for box in of_image]
    if any(box.shape != (4,) for box in boxes):
        raise ImageError(f"boxes: expected a list of boxes (x, y, width, height) for each image, got {options['boxes']!r:.80}")
    sizes = options["target_sizes"]
    if sizes is not None:
        sizes = _numbers(sizes)
        if sizes.shape != (len(boxes), 2):
            raise ImageError(f"target_sizes: expected one for each box, {[len(boxes), 2]}, got {list(sizes.shape)}")
        boxes = [box * np.tile(size, 2) for box, size in zip(boxes, sizes, strict=True)]
    return {"boxes": boxes}


def _numbers(value: Any) -> np.ndarray[Any, Any]:
    return np.asarray(value.tolist() if hasattr(value, "tolist") else value, dtype=np.float64)


def collect(results: list[Any], options: Mapping[str, Any]) -> Any:
    """The persons of each image."""
    following = iter(results)
    return [[next(following) for _ in boxes] for boxes in options["boxes"]]


METHODS = (
    Method(
        "post_process_pose_estimation",
        ("VitPoseImageProcessor",),
        {
            "heatmaps": Field(("joints", "heatmap_height", "heatmap_width"), "CHW"),
            "boxes": Field((4,), "F", dtype="f64", call=True),
        },
        build,
        result,
        {"boxes": REQUIRED, "kernel_size": 11, "threshold": None, "target_sizes": None},
        ROWS,
        PARITY,
        sized=(),
        left_to_python=("target_sizes",),
        prepare=prepare,
        collect=collect,
    ),
)
