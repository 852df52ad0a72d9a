"""RF-DETR's instances: pairs of a query and a class, painted one after another where nothing was painted yet.

Source: transformers 5.23, `RfDetrImageProcessor.post_process_instance_segmentation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphproc.errors import ConfigError
from graphproc.ir.value import where
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.detection import pairs_wanted
from graphproc.postprocessing.instances import ROWS, best_pairs
from graphproc.postprocessing.mask_semantic import DETR
from graphproc.postprocessing.method import Method, over_pixels
from graphproc.postprocessing.segments import (
    INSTANCE,
    PARITY,
    area,
    candidates,
    information,
    is_candidate,
    output,
    resize_masks,
    run_lengths,
    strongest,
)
from graphproc.postprocessing.semantic import OUTSIDE


def build(b: MethodBuilder) -> None:
    """Make instances of queries, the best first: a map of ids from 1 on, -1 for none."""
    binary = b.options["return_binary_maps"]
    if binary and b.options["return_coco_annotation"]:
        raise ConfigError("return_coco_annotation and return_binary_maps: expected one of them, got both")
    scores, query, labels = best_pairs(b["logits"].sigmoid(), pairs_wanted(b))
    found = candidates(b, scores > b.number("threshold"))
    scores, query, labels = scores[found.places], query[found.places], labels[found.places]
    masks = resize_masks(b, b["pred_masks"][query])
    inside = masks > b.number("mask_threshold")
    # A candidate that paints nothing lies within those before it, so a pixel belongs to the first candidate
    # that contains it. Where none does, `strongest` names the first of all, hence `inside &`.
    _, first = strongest(inside.cast("f32"))
    own = inside & first
    accepted = is_candidate(b, found) & (area(inside if binary else own) > 0)
    ids = accepted.cumsum()
    shown = where(accepted, ids, OUTSIDE).cast("i32")
    painted = where(own, over_pixels(shown), OUTSIDE)
    rows = {"ids": ids, "label_ids": labels, "scores": scores}
    if binary:
        rows["masks"] = inside.cast("f32")
    output(b, found, painted.max(-3), accepted, rows)


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return a dictionary of the map, or its run lengths, or a mask for each instance, and the facts of each."""
    segmentation = outputs["segmentation"]
    if outputs["candidates"] and options["return_coco_annotation"]:
        segmentation = run_lengths(segmentation)
    elif outputs["candidates"] and options["return_binary_maps"]:
        segmentation = outputs["masks"].astype(np.bool_)
    return {"segmentation": segmentation, "segments_info": information(outputs, fused=False)}


METHODS = (
    Method(
        INSTANCE,
        ("RfDetrImageProcessor",),
        DETR,
        build,
        result,
        {
            "threshold": 0.5,
            "mask_threshold": 0.0,
            "target_sizes": None,
            "return_coco_annotation": False,
            "return_binary_maps": False,
            "top_k": None,
        },
        ROWS,
        PARITY,
        accepts_unknown_keywords=True,
    ),
)
