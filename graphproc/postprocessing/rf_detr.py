"""RF-DETR's instances: pairs of a query and a class, painted one after the other where nothing was painted yet.

Source: transformers 5.23, `RfDetrImageProcessor.post_process_instance_segmentation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphproc.errors import ConfigError
from graphproc.ops import Cast, Choose, Combine, Function, Pick, Reduce, RunningSum
from graphproc.postprocessing.detection import pairs_wanted
from graphproc.postprocessing.instances import ROWS, best_pairs
from graphproc.postprocessing.mask_semantic import DETR
from graphproc.postprocessing.method import Method, Steps
from graphproc.postprocessing.segments import (
    INSTANCE,
    PARITY,
    area,
    candidates,
    holds,
    information,
    output,
    over_pixels,
    resized,
    run_lengths,
    some,
    strongest,
)
from graphproc.postprocessing.semantic import OUTSIDE


def build(steps: Steps) -> None:
    """Instances of queries, the best first: a map of ids from 1 on, -1 where there is none."""
    binary = steps.options["return_binary_maps"]
    if binary and steps.options["return_coco_annotation"]:
        raise ConfigError("return_coco_annotation and return_binary_maps: expected one of them, got both")
    chances = steps.add(Function("sigmoid"), steps["logits"])
    scores, query, labels = best_pairs(steps, chances, pairs_wanted(steps))
    found = candidates(steps, steps.add(Combine("greater", steps.number("threshold")), scores))
    scores, query, labels = (steps.add(Pick(), x, found.places) for x in (scores, query, labels))
    masks = resized(steps, steps.add(Pick(-3), steps["pred_masks"], query))
    inside = steps.add(Combine("greater", steps.number("mask_threshold")), masks)
    # Those that paint nothing lie within those before them, so the first that is inside paints a pixel. Where none is, the
    # first of all candidates would be that.
    _, first = strongest(steps, steps.add(Cast("f32"), inside))
    own = steps.all_of(inside, first)
    accepted = steps.all_of(holds(steps, found), some(steps, area(steps, inside if binary else own)))
    ids = steps.add(RunningSum(), accepted)
    shown = steps.add(Cast("i32"), steps.add(Choose(OUTSIDE), accepted, ids))
    painted = steps.add(Choose(OUTSIDE), own, over_pixels(steps, shown))
    rows = {"ids": ids, "label_ids": labels, "scores": scores}
    if binary:
        rows["masks"] = steps.add(Cast("f32"), inside)
    output(steps, found, steps.add(Reduce("max", -3), painted), accepted, rows)


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """A dictionary of the map, its run lengths or a mask for each instance, and what is known of each instance."""
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
        ignores_more=True,
    ),
)
