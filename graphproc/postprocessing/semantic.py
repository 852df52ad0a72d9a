"""Semantic segmentation of models that score every class at every place.

Source: transformers 5.23, `post_process_semantic_segmentation` of the classes below.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphproc.ir.program import Value
from graphproc.ops import Interpolate, Reduce
from graphproc.postprocessing.method import Field, Method, Steps

CLASSES = (
    "BeitImageProcessor",
    "DPTImageProcessor",
    "MobileNetV2ImageProcessor",
    "MobileViTImageProcessor",
    "SegformerImageProcessor",
)
SCORES = Field(("classes", "logits_height", "logits_width"), "CHW")
OUTSIDE = -1
"""What stands beside the maps of smaller images in a batch of several sizes."""
OPTIONS = {"target_sizes": None, "return_segmentation_scores": False}


def label_map(steps: Steps, scores: Value) -> None:
    """The scores at the wanted size, and everywhere the first class of the largest."""
    if steps.target is not None:
        scores = steps.add(Interpolate(*steps.target, "linear"), scores)
    steps.output("segmentation", steps.add(Reduce("argmax", -3), scores), "pad", OUTSIDE)
    if steps.options["return_segmentation_scores"]:
        steps.output("segmentation_scores", scores, "pad")


def build(steps: Steps) -> None:
    """The model's scores as they are."""
    label_map(steps, steps["logits"])


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """The map, or map and scores where both were asked for."""
    return dict(outputs) if options["return_segmentation_scores"] else outputs["segmentation"]


METHODS = (Method("post_process_semantic_segmentation", CLASSES, {"logits": SCORES}, build, result, OPTIONS),)
