"""EoMT: masks at the size of the processed image, which may be padded, then at the wanted size.

Source: transformers 5.23, the `post_process_*` methods of EoMT's Pil form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphproc.errors import ConfigError
from graphproc.ir.program import Value
from graphproc.ops import (
    Cast,
    Choose,
    Combine,
    Function,
    Pick,
    Reduce,
    RunningSum,
    Take,
)
from graphproc.ops.resample import TORCH_UNFUSED, Resample
from graphproc.postprocessing.instances import mean_chance, paint, promising
from graphproc.postprocessing.mask_semantic import NAME, QUERIES, class_scores, shares
from graphproc.postprocessing.method import REQUIRED, Method, Steps
from graphproc.postprocessing.segments import (
    INSTANCE,
    PANOPTIC,
    PARITY,
    area,
    best_classes,
    covers_enough,
    first_of_class,
    holds,
    information,
    labels_of,
    output,
    over_pixels,
    some,
    strongest,
)
from graphproc.postprocessing.semantic import label_map
from graphproc.postprocessing.semantic import result as semantic_result
from graphproc.sizes import num, rules
from graphproc.sizes.num import Num

ROWS = ("ids", "label_ids", "scores")


def _edges(steps: Steps) -> tuple[int, int | None]:
    """The shortest and the longest edge of the size that images were processed at.

    Raises:
        ConfigError: there is no shortest edge.
    """
    size = steps.options["size"] or steps.config.size or {}
    if not isinstance(size, Mapping) or not size.get("shortest_edge"):
        raise ConfigError(f"size: expected a shortest_edge, and perhaps a longest_edge, got {size!r}")
    return size["shortest_edge"], size.get("longest_edge") or None


def _processed(steps: Steps, masks: Value) -> Value:
    """Masks at the size of processed images: the shortest edge is the height, the longest the width."""
    shortest, longest = _edges(steps)
    return steps.add(Resample(shortest, longest or shortest, "bilinear", False, TORCH_UNFUSED), masks)


def _fitted(steps: Steps, masks: Value) -> Value:
    """Masks at the size of processed images without their padding, then at the wanted size."""
    assert steps.target is not None
    shortest, longest = _edges(steps)
    if longest is None:
        sides: tuple[Num, Num] = rules.shortest_edge(*steps.target, shortest)
    else:
        sides = rules.shortest_edge_capped(*steps.target, shortest, longest)
    masks = _processed(steps, masks)
    for axis, side, size in zip((-2, -1), sides, masks.type.shape[-2:], strict=True):
        masks = steps.add(Take(axis, 0, num.minimum(side, size)), masks)
    return steps.add(Resample(*steps.target, "bilinear", False, TORCH_UNFUSED), masks)


def semantic(steps: Steps) -> None:
    """The class of the largest score at each pixel, without the class that stands for nothing."""
    masks = _processed(steps, steps["masks_queries_logits"])
    label_map(steps, class_scores(steps, shares(steps["class_queries_logits"], steps), masks))


def panoptic(steps: Steps) -> None:
    """Segments of queries, those of stuff fused: a map of ids from 0 on, -1 where there is none."""
    found, scores, labels = best_classes(steps, steps["class_queries_logits"])
    picked = steps.add(Pick(-3), steps["masks_queries_logits"], found.places)
    chances = steps.add(Function("sigmoid"), _fitted(steps, picked))
    _, own = strongest(steps, steps.add(Combine("multiply"), chances, over_pixels(steps, scores)))
    whole = steps.add(Combine("greater_or_equal", steps.number("mask_threshold")), chances)
    inside = steps.all_of(own, whole)
    accepted = steps.all_of(
        holds(steps, found),
        covers_enough(steps, area(steps, own), area(steps, whole)),
        some(steps, area(steps, inside)),
    )
    new, stuff = accepted, labels_of(steps, "stuff_classes")
    if stuff:
        first, again = first_of_class(steps, accepted, labels, stuff)
        new = steps.all_of(accepted, steps.add(Function("not"), again))
    numbers = steps.add(RunningSum(), new)
    shown = numbers
    if stuff:
        earlier = steps.add(Choose(0), again, steps.add(Pick(), numbers, first))
        shown = steps.add(Combine("add"), earlier, steps.add(Choose(0), new, numbers))
    shown = steps.add(Cast("i32"), steps.add(Choose(0), accepted, shown))
    painted = steps.add(Choose(0), inside, over_pixels(steps, shown))
    segmentation = steps.add(Combine("subtract", 1), steps.add(Reduce("max", -3), painted))
    rows = {"ids": steps.add(Combine("subtract", 1), numbers), "label_ids": labels, "scores": scores}
    output(steps, found, segmentation, new, rows)


def instance(steps: Steps) -> None:
    """Instances of queries, each painted over those before it: a map of ids from 0 on, -1 where there is none."""
    classes = shares(steps["class_queries_logits"], steps)
    best, labels = steps.add(Reduce("max"), classes), steps.add(Reduce("argmax"), classes)
    found = promising(steps, best)
    best, labels = (steps.add(Pick(), x, found.places) for x in (best, labels))
    masks = _fitted(steps, steps.add(Pick(-3), steps["masks_queries_logits"], found.places))
    inside = steps.add(Combine("greater", 0), masks)
    paint(steps, found, inside, steps.add(Combine("multiply"), best, mean_chance(steps, masks, inside)), labels)


def panoptic_result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """A dictionary of the map and what is known of each segment; floats where no query scores enough."""
    dtype = np.int64 if outputs["candidates"] else np.float32
    return {"segmentation": outputs["segmentation"].astype(dtype), "segments_info": information(outputs, fused=False)}


def instance_result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """A dictionary of the map, in floats, and what is known of each instance."""
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
