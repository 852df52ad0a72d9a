"""Keypoints, and matches of the keypoints of two images, in the images' own pixels.

Source: transformers 5.23, `post_process_keypoint_detection` and `post_process_keypoint_matching` of the classes below.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphproc.ir.program import Parity, Value
from graphproc.ops import Combine, Compact, Function, Pick, Rearrange, Reduce, Take, Truncate
from graphproc.postprocessing.method import REQUIRED, TRANSFORMERS, Field, Method, Steps
from graphproc.sizes.num import Num

NONE = -1
"""The place of a match that there is not."""
EXACT = Parity(TRANSFORMERS)


def in_pixels(steps: Steps, points: Value, height: Num, width: Num) -> Value:
    """Shares of the width and the height as whole pixels, rounded toward zero."""
    return steps.add(Truncate("i32"), steps.add(Combine("multiply", (width, height)), points))


def detect(steps: Steps) -> None:
    """The keypoints that the mask says are there."""
    height, width = steps.sizes["target_sizes"]
    kept = steps.add(Function("not"), steps.add(Combine("equal", 0), steps["mask"]))
    points = in_pixels(steps, steps["keypoints"], height, width)
    steps.rows(kept, keypoints=points, scores=steps["scores"], descriptors=steps["descriptors"])


def row_of(steps: Steps, name: str, image: int) -> Value:
    """The first or the second image's row of one of the model's outputs."""
    return steps.add(Rearrange("1 n -> n", layout="N"), steps.add(Take(-2, image, 1), steps[name]))


def both_in_pixels(steps: Steps) -> tuple[Value, Value]:
    """The keypoints of both images."""
    height, width, second_height, second_width = steps.sizes["target_sizes"]
    points = [
        steps.add(Rearrange("1 n xy -> n xy", layout="NF"), steps.add(Take(-3, image, 1), steps["keypoints"])) for image in (0, 1)
    ]
    return in_pixels(steps, points[0], height, width), in_pixels(steps, points[1], second_height, second_width)


def match(steps: Steps) -> None:
    """The matches of the first image's keypoints that score above the threshold, and their keypoints in the second."""
    first, second = both_in_pixels(steps)
    there = [steps.add(Combine("greater", 0), row) for row in (row_of(steps, "mask", 0), row_of(steps, "mask", 1))]
    matches, scores = row_of(steps, "matches", 0), row_of(steps, "matching_scores", 0)
    # Matches count the second image's keypoints without those that are not there.
    second = steps.add(Compact(), second, there[1])
    kept = steps.all_of(
        there[0],
        steps.add(Combine("greater", steps.number("threshold")), scores),
        steps.add(Combine("greater", NONE), matches),
        steps.add(Combine("less"), matches, steps.add(Reduce("count", keep=True), there[1])),
    )
    partner = steps.add(Pick(-2), second, steps.add(Combine("maximum", 0), matches))
    steps.rows(kept, keypoints0=first, keypoints1=partner, matching_scores=scores)


def match_places(steps: Steps) -> None:
    """The matches that score above the threshold, whose keypoints stand at the same place for both images."""
    first, second = both_in_pixels(steps)
    kept = [
        steps.all_of(
            steps.add(Combine("greater", steps.number("threshold")), row_of(steps, "matching_scores", image)),
            steps.add(Combine("greater", NONE), row_of(steps, "matches", image)),
        )
        for image in (0, 1)
    ]
    steps.rows(kept[0], keypoints0=first, matching_scores=row_of(steps, "matching_scores", 0))
    steps.rows(kept[1], count="keypoints1_count", keypoints1=second)


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """The keypoints of one image."""
    return {name: outputs[name] for name in ("keypoints", "scores", "descriptors")}


MATCHED = ("keypoints0", "keypoints1", "matching_scores")


def matched(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """The matches of one pair."""
    return {name: outputs[name] for name in MATCHED}


PAIR = {
    "keypoints": Field((2, "keypoints", 2)),
    "matches": Field((2, "keypoints"), dtype="i64"),
    "matching_scores": Field((2, "keypoints")),
}
MATCHING = "post_process_keypoint_matching"

METHODS = (
    Method(
        "post_process_keypoint_detection",
        ("SuperPointImageProcessor",),
        {
            "keypoints": Field(("keypoints", 2), "NF"),
            "scores": Field(("keypoints",), "N"),
            "descriptors": Field(("keypoints", "features"), "NF"),
            "mask": Field(("keypoints",), "N", dtype="i64"),
        },
        detect,
        result,
        {"target_sizes": REQUIRED},
        ("keypoints", "scores", "descriptors"),
        EXACT,
        needs_sizes=True,
    ),
    Method(
        MATCHING,
        ("LightGlueImageProcessor", "SuperGlueImageProcessor"),
        {**PAIR, "mask": Field((2, "keypoints"), dtype="i64")},
        match,
        matched,
        {"target_sizes": REQUIRED, "threshold": 0.0},
        MATCHED,
        EXACT,
        needs_sizes=True,
        pairs=True,
    ),
    Method(
        MATCHING,
        ("EfficientLoFTRImageProcessor",),
        PAIR,
        match_places,
        matched,
        {"target_sizes": REQUIRED, "threshold": 0.0},
        MATCHED,
        EXACT,
        needs_sizes=True,
        pairs=True,
    ),
)
