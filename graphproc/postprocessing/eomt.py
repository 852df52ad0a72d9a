"""EoMT: masks resized to the size of the processed image, which may be padded, then to the wanted size.

Source: transformers 5.23, the `post_process_*` methods of `EomtImageProcessorPil`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphproc.errors import ConfigError
from graphproc.ir.program import Value
from graphproc.ir.value import where
from graphproc.ops.resample import TORCH_UNFUSED, Resample
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.instances import mean_probability, paint, promising
from graphproc.postprocessing.mask_semantic import NAME, QUERIES, class_scores, shares
from graphproc.postprocessing.method import REQUIRED, Method, over_pixels
from graphproc.postprocessing.segments import (
    INSTANCE,
    PANOPTIC,
    PARITY,
    area,
    best_classes,
    covers_enough,
    first_of_class,
    information,
    is_candidate,
    labels_of,
    output,
    strongest,
)
from graphproc.postprocessing.semantic import label_map
from graphproc.postprocessing.semantic import result as semantic_result
from graphproc.sizes import num, rules
from graphproc.sizes.num import Num

ROWS = ("ids", "label_ids", "scores")


def _edges(b: MethodBuilder) -> tuple[int, int | None]:
    """Read the shortest and the longest edge of the size that images were processed at.

    Raises:
        ConfigError: there is no shortest edge.
    """
    size = b.options["size"] or b.config.size or {}
    if not isinstance(size, Mapping) or not size.get("shortest_edge"):
        raise ConfigError(f"size: expected a shortest_edge, and perhaps a longest_edge, got {size!r}")
    return size["shortest_edge"], size.get("longest_edge") or None


def _processed(b: MethodBuilder, masks: Value) -> Value:
    """Resize masks to the size of processed images: the shortest edge is the height, the longest the width."""
    shortest, longest = _edges(b)
    return b.add(Resample(shortest, longest or shortest, "bilinear", False, TORCH_UNFUSED), masks)


def _fitted(b: MethodBuilder, masks: Value) -> Value:
    """Resize masks to the size of processed images, cut the padding off, then resize them to the wanted size."""
    assert b.target is not None
    shortest, longest = _edges(b)
    if longest is None:
        sides: tuple[Num, Num] = rules.shortest_edge(*b.target, shortest)
    else:
        sides = rules.shortest_edge_capped(*b.target, shortest, longest)
    masks = _processed(b, masks)
    for axis, side, size in zip((-2, -1), sides, masks.shape[-2:], strict=True):
        masks = masks.narrow(axis, 0, num.minimum(side, size))
    return b.add(Resample(*b.target, "bilinear", False, TORCH_UNFUSED), masks)


def semantic(b: MethodBuilder) -> None:
    """Find the class with the largest score at each pixel, except the class that stands for "nothing"."""
    masks = _processed(b, b["masks_queries_logits"])
    label_map(b, class_scores(shares(b["class_queries_logits"]), masks))


def panoptic(b: MethodBuilder) -> None:
    """Make segments of queries, those of a stuff class fused to one: a map of ids from 0 on, -1 for none."""
    found, scores, labels = best_classes(b, b["class_queries_logits"])
    chances = _fitted(b, b["masks_queries_logits"][found.places]).sigmoid()
    _, own = strongest(chances * over_pixels(scores))
    whole = chances >= b.number("mask_threshold")
    inside = own & whole
    real, enough, some = is_candidate(b, found), covers_enough(b, area(own), area(whole)), area(inside) > 0
    accepted = real & enough & some
    new, stuff = accepted, labels_of(b, "stuff_classes")
    if stuff:
        first, again = first_of_class(accepted, labels, stuff)
        new = accepted & ~again
    numbers = new.cumsum()
    shown = numbers
    if stuff:
        shown = where(again, numbers[first], 0) + where(new, numbers, 0)
    shown = where(accepted, shown, 0).cast("i32")
    segmentation = where(inside, over_pixels(shown), 0).max(-3) - 1
    rows = {"ids": numbers - 1, "label_ids": labels, "scores": scores}
    output(b, found, segmentation, new, rows)


def instance(b: MethodBuilder) -> None:
    """Make instances of queries, each painted over those before it: a map of ids from 0 on, -1 for none."""
    classes = shares(b["class_queries_logits"])
    best, labels = classes.max(), classes.argmax()
    found = promising(b, best)
    best, labels = best[found.places], labels[found.places]
    masks = _fitted(b, b["masks_queries_logits"][found.places])
    inside = masks > 0
    paint(b, found, inside, best * mean_probability(masks, inside), labels)


def panoptic_result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return a dictionary of the map and the facts of each segment; the map is float32 if no query scores enough."""
    dtype = np.int64 if outputs["candidates"] else np.float32
    return {"segmentation": outputs["segmentation"].astype(dtype), "segments_info": information(outputs, fused=False)}


def instance_result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return a dictionary of the map, float32, and the facts of each instance."""
    segmentation = outputs["segmentation"].astype(np.float32)
    return {"segmentation": segmentation, "segments_info": information(outputs, fused=False)}


_CLASSES = ("EomtImageProcessor",)
_PANOPTIC = {"threshold": 0.8, "mask_threshold": 0.5, "overlap_mask_area_threshold": 0.8, "stuff_classes": None}

METHODS = (
    Method(
        NAME,
        _CLASSES,
        QUERIES,
        semantic,
        semantic_result,
        {"target_sizes": REQUIRED, "size": None, "return_segmentation_scores": False},
        needs_sizes=True,
        resizes_all="always",
    ),
    Method(
        PANOPTIC,
        _CLASSES,
        QUERIES,
        panoptic,
        panoptic_result,
        {"target_sizes": REQUIRED, **_PANOPTIC, "size": None},
        ROWS,
        PARITY,
        needs_sizes=True,
        resizes_all="always",
    ),
    Method(
        INSTANCE,
        _CLASSES,
        QUERIES,
        instance,
        instance_result,
        {"target_sizes": REQUIRED, "threshold": 0.8, "size": None},
        ROWS,
        PARITY,
        needs_sizes=True,
        resizes_all="always",
    ),
)
