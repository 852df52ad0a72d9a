"""Keypoints of an image, and matches between the keypoints of two, in the images' own pixels.

Source: transformers 5.23, `post_process_keypoint_detection` and `post_process_keypoint_matching` of the classes below.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphproc.ir.program import Parity, Value
from graphproc.ir.value import maximum
from graphproc.ops import Compress
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.method import REQUIRED, TRANSFORMERS, Field, Method
from graphproc.sizes.num import Num

NONE = -1
"""The number of the matching keypoint where there is none."""
EXACT = Parity(TRANSFORMERS)


def in_pixels(points: Value, height: Num, width: Num) -> Value:
    """Turn points (x, y) as shares of the width and height into whole pixels, rounded toward zero."""
    return (points * (width, height)).truncate("i32")


def detect(b: MethodBuilder) -> None:
    """Return the keypoints that the model's mask marks as found, with scores and descriptors."""
    height, width = b.sizes["target_sizes"]
    kept = b["mask"] != 0
    points = in_pixels(b["keypoints"], height, width)
    b.rows(kept, keypoints=points, scores=b["scores"], descriptors=b["descriptors"])


def row_of(x: Value, image: int) -> Value:
    """Return one of the model's outputs for the first or the second image of a pair, [n] of [2, n]."""
    return x.narrow(-2, image, 1).rearrange("1 n -> n", "N")


def both_in_pixels(b: MethodBuilder) -> tuple[Value, Value]:
    """Return the keypoints of both images in whole pixels, int32 [n, 2] each."""
    height, width, second_height, second_width = b.sizes["target_sizes"]
    points = [b["keypoints"].narrow(-3, image, 1).rearrange("1 n xy -> n xy", "NF") for image in (0, 1)]
    return in_pixels(points[0], height, width), in_pixels(points[1], second_height, second_width)


def match(b: MethodBuilder) -> None:
    """Return the first image's keypoints with a match that scores above the threshold, and the matching ones."""
    first, second = both_in_pixels(b)
    rows = row_of(b["mask"], 0), row_of(b["mask"], 1)
    there, second_there = rows[0] > 0, rows[1] > 0
    matches, scores = row_of(b["matches"], 0), row_of(b["matching_scores"], 0)
    # Matches number the second image's keypoints as if those that are masked out did not exist.
    second = b.add(Compress(), second, second_there)
    above, matched, known = scores > b.number("threshold"), matches > NONE, matches < second_there.sum(keepdims=True)
    kept = there & above & matched & known
    b.rows(kept, keypoints0=first, keypoints1=second[maximum(matches, 0)], matching_scores=scores)


def match_places(b: MethodBuilder) -> None:
    """Return the matches that score above the threshold; matching keypoints have one position in both lists."""
    first, second = both_in_pixels(b)
    threshold = b.number("threshold")
    kept = [(row_of(b["matching_scores"], i) > threshold) & (row_of(b["matches"], i) > NONE) for i in (0, 1)]
    b.rows(kept[0], keypoints0=first, matching_scores=row_of(b["matching_scores"], 0))
    b.rows(kept[1], count="keypoints1_count", keypoints1=second)


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return one image's keypoints, scores and descriptors."""
    return {name: outputs[name] for name in ("keypoints", "scores", "descriptors")}


MATCHED = ("keypoints0", "keypoints1", "matching_scores")


def matched(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return the matches of one pair of images."""
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
