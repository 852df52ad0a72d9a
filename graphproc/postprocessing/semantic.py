"""Semantic segmentation for models that score every class at every pixel of a map.

Source: transformers 5.23, `post_process_semantic_segmentation` of the classes below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from graphproc import joins
from graphproc.batch_feature import BatchFeature
from graphproc.ir.program import Value
from graphproc.ops.resample import TORCH_UNFUSED, Resample
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.method import Field, Method

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
"""The name of the scores in models that also predict depths and normals."""
OUTSIDE = -1
"""The padding of smaller images' maps in a batch of several sizes."""
OPTIONS = {"target_sizes": None, "return_segmentation_scores": False}


def label_map(b: MethodBuilder, scores: Value, antialias: bool = False) -> None:
    """Resize the scores to the wanted size, and declare the class with the largest one at each pixel, the first of equals."""
    if b.target is not None:
        scores = b.add(Resample(*b.target, "bilinear", antialias, TORCH_UNFUSED), scores)
    b.output("segmentation", scores.argmax(-3), joins.Pad(OUTSIDE))
    if b.options["return_segmentation_scores"]:
        b.output("segmentation_scores", scores, joins.Pad())


def build(b: MethodBuilder) -> None:
    """Return the class with the largest score at each pixel."""
    label_map(b, b["logits"])


def build_dense(b: MethodBuilder) -> None:
    """Return the class with the largest score at each pixel, whichever name the model gives its scores."""
    label_map(b, b[DENSE if DENSE in b else "logits"])


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return the map, or map and scores if both are asked for; scores are None where the program has none."""
    if not options["return_segmentation_scores"]:
        return outputs["segmentation"]
    return BatchFeature({name: outputs.get(name) for name in ("segmentation", "segmentation_scores")})


METHODS = (
    Method(NAME, CLASSES, {"logits": SCORES}, build, result, OPTIONS),
    Method(
        NAME,
        ("Tipsv2DptImageProcessor",),
        {DENSE: replace(SCORES, optional=True), "logits": replace(SCORES, replaced_by=DENSE)},
        build_dense,
        result,
        OPTIONS,
    ),
)
