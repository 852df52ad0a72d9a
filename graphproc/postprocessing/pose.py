"""The joints of each person, in pixels of the image that the person's box was cut from.

Source: transformers 5.23, `VitPoseImageProcessor.post_process_pose_estimation`. The step to the peak
between pixels is by Zhang et al., Distribution-Aware Coordinate Representation for Human Pose
Estimation (CVPR 2020), the way back to the image by Huang et al., The Devil is in the Details (CVPR 2020).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from graphproc.errors import ImageError
from graphproc.ir.program import Parity, Value
from graphproc.ir.value import concatenate, maximum, where
from graphproc.ops import GaussianBlur, Pad, Range
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.method import REQUIRED, TRANSFORMERS, Field, Method
from graphproc.processors import stages

ROWS = ("keypoints", "scores", "labels")
_TYPES: Mapping[str, type[np.generic]] = {"keypoints": np.float32, "labels": np.int64, "bbox": np.float32}
NO_LABEL = -1
NOWHERE = -1
"""The row and column of a joint without a score above 0."""
SIGMA = 0.8
SCORES = (0.001, 50.0)
"""Blurred scores are clipped to these before their logarithm is taken."""
UNIT, MARGIN = 200.0, 1.25
"""A person's scale is the box's side in units of 200 pixels, times a margin. `normalize_factor` does not change it here."""
EPSILON = float(np.finfo(np.float32).eps)
PARITY = Parity(
    TRANSFORMERS,
    1e-3,
    "of a heatmap's pixel, for peaks that curve by 0.01 or more; the runtime's logarithm differs in its last place, and flatter "
    "peaks differ more. Boxes of other types than float64 differ in float32's last place. For a joint without a score above 0, "
    "the reference mixes up the boxes",
)


def peaks(b: MethodBuilder) -> tuple[Value, Value, Value]:
    """Find each joint's highest score, f32 [K], and its column and row in the heatmap, int64 [K]."""
    flat = b["heatmaps"].rearrange("k h w -> k (h w)")
    scores, place = flat.max(), flat.argmax()
    width = b["heatmaps"].shape[-1]
    above = scores > 0
    return scores, where(above, place % width, NOWHERE), where(above, place // width, NOWHERE)


def around(b: MethodBuilder, joints: Value, column: Value, row: Value) -> Callable[[int, int], Value]:
    """Make a function that reads the logarithm of the blurred scores at a distance (right, down) from each peak, f32 [K].

    A joint without a peak (`NOWHERE`) reads before its map's first row, in the end of the map before it,
    as upstream does.
    """
    count, height, width = b["heatmaps"].shape
    blurred = b.add(GaussianBlur(SIGMA, (b.count("kernel_size") - 1) // 2), b["heatmaps"])
    logs = blurred.clip(*SCORES).log()
    line = width + 2
    all_logs = b.add(Pad.canvas(1, 1, height + 2, line, mode="edge"), logs).rearrange("k h w -> (k h w)")
    own = joints * ((height + 2) * line) + (row * line + (line + 1)) + column

    def at(right: int, down: int) -> Value:
        return all_logs[(own + (down * line + right)) % (count * (height + 2) * line)]

    return at


def newton_step(at: Callable[[int, int], Value]) -> tuple[Value, Value]:
    """Compute how many pixels left of and above its peak's pixel a joint is, f64 [K] each.

    It is one step of Newton's method: the slope divided by the curvature, a matrix [2, 2].
    """
    middle, left, right, up, down = (at(x, y) for x, y in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)))
    twice = middle * 2
    slopes = [(after - before) * 0.5 for before, after in ((left, right), (up, down))]
    curves = [after - twice + before for before, after in ((left, right), (up, down))]
    below, above = at(1, 1), at(-1, -1)
    mixed = (below - right - down + middle + middle - left - up + above) * 0.5
    x, y, xx, yy, xy = (v.cast("f64") for v in (*slopes, *curves, mixed))
    xx, yy = xx + EPSILON, yy + EPSILON
    size = xx * yy - xy * xy
    return (yy * x - xy * y) / size, (xx * y - xy * x) / size


def center_and_scale(b: MethodBuilder) -> tuple[Value, Value]:
    """Compute a box's centre (x, y) in pixels, and the scale (x, y) of the crop around it, f32 [2] each."""
    height, width = stages.sides("size", b.config.size)
    aspect = width / height
    corner, extent = (b["boxes"].narrow(-1, start, 2) for start in (0, 2))
    center = corner + extent * 0.5
    wide, tall = (extent.narrow(-1, start, 1) for start in (0, 1))
    # the side that is too short for the aspect ratio grows, the other stays
    grown = concatenate((maximum(wide, tall * aspect), maximum(tall, wide / aspect)))
    scale = (grown / UNIT).cast("f32")
    return center.cast("f32"), scale * MARGIN


def in_image(b: MethodBuilder, points: Value, center: Value, scale: Value) -> Value:
    """Map points (x, y) in heatmaps, [K, 2], to the image's pixels; centres of the outermost pixels lie on the crop's edges."""
    _, height, width = b["heatmaps"].shape
    extent = scale * UNIT
    per_pixel, half = extent / (width - 1, height - 1), extent * 0.5
    per_pixel, center, half = (v.rearrange("xy -> 1 xy") for v in (per_pixel, center, half))
    return points * per_pixel + center - half


def build(b: MethodBuilder) -> None:
    """Find the joints of the person in each box that score above the threshold, in the image's pixels."""
    scores, column, row = peaks(b)
    joints = column * 0 + b.add(Range(scores.shape[0]))  # the numbers of the joints, of every box
    left, up = newton_step(around(b, joints, column, row))
    places = column.cast("f64"), row.cast("f64")
    moved = [(place - by).cast("f32") for place, by in zip(places, (left, up), strict=True)]
    points = concatenate([v.rearrange("k -> k 1") for v in moved])
    center, scale = center_and_scale(b)
    threshold = -math.inf if b.options["threshold"] is None else b.number("threshold")
    kept = scores >= threshold if math.isinf(threshold) else scores > threshold
    points = in_image(b, points, center, scale)
    b.rows(kept, {"labels": NO_LABEL}, keypoints=points, scores=scores, labels=joints)
    # upstream treats the centre as a corner and the scale as an extent
    b.output("bbox", concatenate((center, scale + center - 1)))


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return one person's joints and box."""
    # scores keep the model's type; the others have the types of `_TYPES`, whatever floats came in
    return {name: outputs[name] if name == "scores" else outputs[name].astype(_TYPES[name]) for name in (*ROWS, "bbox")}


def prepare(given: Mapping[str, Any], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the boxes of all images as one list, in pixels.

    Raises:
        ImageError: boxes are not lists of (x, y, width, height) for each image, or there is not one size
            for each box.
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
    """Return a list of persons for each image."""
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
        size_arguments=(),
        python_only_options=("target_sizes",),
        prepare=prepare,
        collect=collect,
    ),
)
