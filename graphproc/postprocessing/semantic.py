"""Semantic segmentation of models that score every class at every place.

Source: transformers 5.23, `post_process_semantic_segmentation` of the classes below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from graphproc.batch_feature import BatchFeature
from graphproc.ir.program import Value
from graphproc.ops import Reduce
from graphproc.ops.resample import TORCH_UNFUSED, Resample
from graphproc.postprocessing.method import Field, Method, Steps

NAME = "post_process_semantic_segmentation"
CLASSES = (
    "BeitImageProcessor",
    "CHMv2ImageProcessor",
    "DPTImageProcessor",
    "MobileNetV2ImageProcessor",
    "MobileViTImageProcessor",
    "Sapiens2ImageProcessor",
    "SegformerImageProcessor",
)
SCORES = Field(("classes", "logits_height", "logits_width"), "CHW")
DENSE = "segmentation_logits"
"""What the scores are called of a model that also predicts depths and normals."""
OUTSIDE = -1
"""What stands beside the maps of smaller images in a batch of several sizes."""
OPTIONS = {"target_sizes": None, "return_segmentation_scores": False}


def label_map(steps: Steps, scores: Value, antialias: bool = False) -> None:
    """The scores at the wanted size, and everywhere the first class of the largest."""
    if steps.target is not None:
        scores = steps.add(Resample(*steps.target, "bilinear", antialias, TORCH_UNFUSED), scores)
    steps.output("segmentation", steps.add(Reduce("argmax", -3), scores), "pad", OUTSIDE)
    if steps.options["return_segmentation_scores"]:
        steps.output("segmentation_scores", scores, "pad")


def build(steps: Steps) -> None:
    """The model's scores as they are."""
    label_map(steps, steps["logits"])


def build_dense(steps: Steps) -> None:
    """The model's scores as they are, whichever model it is."""
    label_map(steps, steps[DENSE if DENSE in steps else "logits"])


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """The map, or map and scores where both were asked for; without scores of classes, None for these."""
    if not options["return_segmentation_scores"]:
        return outputs["segmentation"]
    return BatchFeature({name: outputs.get(name) for name in ("segmentation", "segmentation_scores")})


METHODS = (
    Method(NAME, CLASSES, {"logits": SCORES}, build, result, OPTIONS),
    Method(
        NAME,
        ("Tipsv2DptImageProcessor",),
        {DENSE: replace(SCORES, optional=True), "logits": replace(SCORES, unless=DENSE)},
        build_dense,
        result,
        OPTIONS,
    ),
)
