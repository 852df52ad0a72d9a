"""Segments: a map of ids, and for each id its class and score, of models that give masks and classes for each mask.

What the reference does query by query depends on other queries only through two things, which are computed for all of
them at once: the pixels where a query is the strongest, and the ids counted so far. Only the queries that score enough
reach the wanted size, so a program has a size that depends on the model's outputs, and runs image by image.

Source: transformers 5.23, `compute_segments` and `remove_low_and_no_objects`, which Detr, ConditionalDetr, MaskFormer,
Mask2Former and OneFormer have alike (their Pil forms have copies; OneFormer's resizes with antialiasing).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphproc.errors import ConfigError
from graphproc.ir.program import Parity, Value
from graphproc.ops import (
    Cast,
    Choose,
    Combine,
    CountUp,
    Extend,
    Function,
    Numbers,
    PathSum,
    Pick,
    Rearrange,
    Reduce,
    RunningSum,
    Softmax,
    TopK,
)
from graphproc.ops.resample import TORCH_UNFUSED, Resample
from graphproc.postprocessing.mask_semantic import DETR, MASK2FORMER_SIDE, QUERIES
from graphproc.postprocessing.method import TRANSFORMERS, Method, Steps
from graphproc.postprocessing.semantic import OUTSIDE
from graphproc.sizes import num

INSTANCE = "post_process_instance_segmentation"
PANOPTIC = "post_process_panoptic_segmentation"
ROWS = ("ids", "label_ids", "scores", "was_fused")
PARITY = Parity(
    TRANSFORMERS,
    1e-5,
    "scores, relative; exponentials, and sums whose order and fused products are the runtime's. Ids and maps differ only "
    "where two masks, or a mask and a threshold, are so close at a pixel that the last places decide",
)
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Candidates:
    """The queries that score enough, in their order; one that does not where none does.

    Attributes:
        count: how many there are, int64 [1].
        number: the same as a size.
        places: of each candidate, int64 [n], n being `number`, or 1 where that is 0.
        queries: how many rows there were to choose from.
    """

    count: Value
    number: num.Num
    places: Value
    queries: num.Num


def candidates(steps: Steps, kept: Value) -> Candidates:
    """The rows that are kept, of a bool for each."""
    count = steps.add(Reduce("count", keep=True), kept)
    (number,) = steps.b.measure(count, candidates=0)
    places = steps.add(TopK(num.maximum(number, 1)), steps.add(Cast("f32"), kept))
    return Candidates(count, number, places, kept.type.shape[0])


def single(value: float, up: bool) -> float:
    """The nearest float32 that is not below the value (`up`), or not above it.

    Comparing with it is comparing with the value itself, as Python does with a float32 that it has read.
    """
    rounded = np.float32(value)
    if (float(rounded) < value) if up else (float(rounded) > value):
        rounded = np.nextafter(rounded, np.float32(np.inf if up else -np.inf))
    return float(rounded)


def labels_of(steps: Steps, name: str) -> tuple[int, ...]:
    """An option that is a set of classes.

    Raises:
        ConfigError: it holds something else than whole numbers.
    """
    values = tuple(steps.options[name] or ())
    if any(isinstance(value, bool) or not isinstance(value, int) for value in values):
        raise ConfigError(f"{name}: expected whole numbers, got {steps.options[name]!r}")
    return values


def member(steps: Steps, labels: Value, classes: tuple[int, ...]) -> Value:
    """Whether each label, int64 [n], is one of some classes, of which there is one at least."""
    each = steps.add(Rearrange("n -> n 1"), labels)
    same = steps.add(Combine("equal"), each, steps.add(Numbers(classes, shape=(1, len(classes)))))
    return steps.add(Combine("greater", 0), steps.add(Reduce("count"), same))


def over_pixels(steps: Steps, x: Value) -> Value:
    """A number of each candidate as an operand for maps [n, H, W]."""
    return steps.add(Rearrange("n -> n 1 1"), x)


def area(steps: Steps, masks: Value) -> Value:
    """The number of pixels of each mask, int64 [n]; they are bools [n, H, W]."""
    rows = steps.add(Reduce("count"), masks)
    return steps.add(Reduce("sum"), rows)


def some(steps: Steps, count: Value) -> Value:
    """Where a count is not 0."""
    return steps.add(Combine("greater", 0), count)


def holds(steps: Steps, found: Candidates) -> Value:
    """Whether each candidate is one, which is false only of the one row where there are none."""
    positions = steps.add(CountUp(num.maximum(found.number, 1)))
    return steps.add(Combine("less", found.number), positions)


def covers_enough(steps: Steps, own: Value, whole: Value) -> Value:
    """Whether enough of a mask's area `whole` is its own; float32, as torch divides whole numbers."""
    at_least_one = steps.add(Combine("maximum", 1), whole)
    share = steps.add(Combine("divide"), steps.add(Cast("f32"), own), steps.add(Cast("f32"), at_least_one))
    enough = steps.add(Combine("greater", single(steps.number("overlap_mask_area_threshold"), up=False)), share)
    return steps.all_of(some(steps, own), some(steps, whole), enough)


def strongest(steps: Steps, weighted: Value) -> tuple[Value, Value]:
    """The candidate with the largest of the numbers [n, H, W] at each pixel: [1, H, W], and as n masks of bools."""
    winner = steps.add(Reduce("argmax", -3, keep=True), weighted)
    positions = steps.add(CountUp(weighted.type.shape[0]))
    return winner, steps.add(Combine("equal"), winner, over_pixels(steps, positions))


def first_of_class(steps: Steps, accepted: Value, labels: Value, classes: tuple[int, ...]) -> tuple[Value, Value]:
    """For the classes that fuse: the first accepted candidate of a candidate's class, and whether an accepted one is not it."""
    fusing = steps.all_of(accepted, member(steps, labels, classes))
    same = steps.add(Combine("equal"), steps.add(Rearrange("n -> n 1"), labels), steps.add(Rearrange("n -> 1 n"), labels))
    same = steps.add(Combine("and"), same, steps.add(Rearrange("n -> 1 n"), fusing))
    first = steps.add(Reduce("argmax"), steps.add(Cast("f32"), same))
    later = steps.add(Combine("less"), first, steps.add(CountUp(labels.type.shape[0])))
    return first, steps.all_of(fusing, later)


def ids(steps: Steps, accepted: Value, labels: Value, classes: tuple[int, ...]) -> Value:
    """The id of each accepted candidate, from 1 on.

    One of a fusing class that was there before takes its id, and the next new one counts on from that, not from the largest
    id so far: ids of different segments may be equal, as the reference's are.
    """
    if not classes:
        return steps.add(RunningSum(), accepted)
    first, again = first_of_class(steps, accepted, labels, classes)
    new = steps.all_of(accepted, steps.add(Function("not"), again))
    before = steps.add(Combine("subtract", 1), steps.add(CountUp(labels.type.shape[0])))
    before = steps.add(Combine("maximum", 0), before)
    first = steps.add(Choose(0), again, first)
    before = steps.add(Choose(0), steps.add(Function("not"), again), before)
    parents = steps.add(Combine("add"), first, before)
    return steps.add(PathSum(), steps.add(Cast("i64"), new), parents)


def painted(steps: Steps, winner: Value, values: Value) -> Value:
    """The value of the strongest candidate at each pixel: int64 [H, W] of int64 [n]."""
    _, height, width = winner.type.shape
    flat = steps.add(Pick(), values, steps.add(Rearrange("1 h w -> (h w)"), winner))
    return steps.add(Rearrange("(h w) -> h w", (("h", height), ("w", width)), "HW"), flat)


def output(steps: Steps, found: Candidates, segmentation: Value, accepted: Value, rows: Mapping[str, Value]) -> None:
    """Declare the map, int32, a row for each accepted candidate, `count`, and `candidates`, how many were considered."""
    steps.output("segmentation", steps.add(Cast("i32"), segmentation), "pad", OUTSIDE)
    filled = {name: filled_up(steps, value, found) for name, value in rows.items()}
    steps.rows(filled_up(steps, accepted, found), {"ids": OUTSIDE, "label_ids": OUTSIDE}, "count", **filled)
    steps.output("candidates", steps.add(Reduce("max"), found.count))


def filled_up(steps: Steps, x: Value, found: Candidates) -> Value:
    """As many rows as there are queries, where their number is a fixed one."""
    return x if steps.ragged else steps.add(Extend(-x.type.rank, found.queries), x)


def scored(steps: Steps, found: Candidates, masks: Value, scores: Value, labels: Value, classes: tuple[int, ...]) -> None:
    """The segments of candidates.

    Args:
        steps: the program.
        found: the candidates.
        masks: of each, how much every pixel belongs to it, at the wanted size, f32 [n, H, W].
        scores: of each, f32 [n].
        labels: of each, int64 [n].
        classes: those whose segments fuse.
    """
    weighted = steps.add(Combine("multiply"), masks, over_pixels(steps, scores))
    winner, own = strongest(steps, weighted)
    whole = steps.add(Combine("greater_or_equal", steps.number("mask_threshold")), weighted)
    accepted = steps.all_of(holds(steps, found), covers_enough(steps, area(steps, own), area(steps, whole)))
    numbers = ids(steps, accepted, labels, classes)
    fused = steps.add(Cast("i64"), member(steps, labels, classes) if classes else steps.add(Combine("less", 0), numbers))
    segmentation = painted(steps, winner, steps.add(Choose(0), accepted, numbers))
    nothing = num.where(num.eq(found.number, 0), 1, 0)
    segmentation = steps.add(Combine("subtract", nothing), segmentation)
    rows = {"ids": numbers, "label_ids": labels, "scores": scores, "was_fused": fused}
    output(steps, found, segmentation, accepted, rows)


def best_classes(steps: Steps, logits: Value) -> tuple[Candidates, Value, Value]:
    """The queries whose best class is not the last, which is nothing, with a share above the threshold.

    Returns:
        The candidates, their shares and their classes.
    """
    shares = steps.add(Softmax(-1), logits)
    best, labels = steps.add(Reduce("max"), shares), steps.add(Reduce("argmax"), shares)
    above = steps.add(Combine("greater", steps.number("threshold")), best)
    found = candidates(steps, steps.all_of(above, steps.add(Combine("less", logits.type.shape[-1] - 1), labels)))
    return found, steps.add(Pick(), best, found.places), steps.add(Pick(), labels, found.places)


def resized(steps: Steps, masks: Value, antialias: bool = False) -> Value:
    """Masks at the wanted size."""
    return masks if steps.target is None else steps.add(Resample(*steps.target, "bilinear", antialias, TORCH_UNFUSED), masks)


def segments(steps: Steps, logits: str, masks: str, classes: tuple[int, ...], side: int = 0, antialias: bool = False) -> None:
    """The segments of the queries that score enough; `side` is that of the squares that masks are resized to first."""
    found, scores, labels = best_classes(steps, steps[logits])
    picked = steps.add(Pick(-3), steps[masks], found.places)
    if side:
        picked = steps.add(Resample(side, side, "bilinear", False, TORCH_UNFUSED), picked)
    chances = steps.add(Function("sigmoid"), picked)
    scored(steps, found, resized(steps, chances, antialias), scores, labels, classes)


def detr_instance(steps: Steps) -> None:
    """Segments of queries, each by itself: a map of ids from 1 on, 0 where there is none."""
    segments(steps, "logits", "pred_masks", ())


def detr_panoptic(steps: Steps) -> None:
    """Segments of queries, those of some classes fused: a map of ids from 1 on, 0 where there is none."""
    segments(steps, "logits", "pred_masks", labels_of(steps, "label_ids_to_fuse"))


def panoptic(steps: Steps) -> None:
    """Segments of queries, those of some classes fused: a map of ids from 1 on, 0 where there is none."""
    segments(steps, "class_queries_logits", "masks_queries_logits", labels_of(steps, "label_ids_to_fuse"))


def mask2former_panoptic(steps: Steps) -> None:
    """As for MaskFormer, of masks of 384 x 384 pixels."""
    classes = labels_of(steps, "label_ids_to_fuse")
    segments(steps, "class_queries_logits", "masks_queries_logits", classes, MASK2FORMER_SIDE)


def oneformer_panoptic(steps: Steps) -> None:
    """As for MaskFormer, of masks resized with antialiasing."""
    classes = labels_of(steps, "label_ids_to_fuse")
    segments(steps, "class_queries_logits", "masks_queries_logits", classes, antialias=True)


def run_lengths(segmentation: Array) -> list[list[int]]:
    """For each value of a map, in order: where its runs of pixels begin, counted from 1 row by row, and how long they are."""
    found = []
    for value in np.unique(segmentation):
        inside = np.concatenate([[False], segmentation.reshape(-1) == value, [False]])
        edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
        edges[1::2] -= edges[::2]
        found.append(edges.tolist())
    return found


def information(outputs: Mapping[str, Any], fused: bool = True) -> list[dict[str, Any]]:
    """What the reference says of each segment, in Python's numbers."""
    rows = [outputs[name].tolist() for name in ("ids", "label_ids", "scores")]
    flags = outputs["was_fused"].tolist() if "was_fused" in outputs else [0] * len(rows[0])
    return [
        {"id": id, "label_id": label, **({"was_fused": bool(flag)} if fused else {}), "score": round(score, 6)}
        for id, label, score, flag in zip(*rows, flags, strict=True)
    ]


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """A dictionary of the map and what is known of each segment; floats of -1 where no query scores enough."""
    segmentation = outputs["segmentation"]
    if not outputs["candidates"]:
        return {"segmentation": segmentation.astype(np.float32), "segments_info": []}
    runs = options.get("return_coco_annotation")
    return {"segmentation": run_lengths(segmentation) if runs else segmentation, "segments_info": information(outputs)}


THRESHOLDS = {"threshold": 0.5, "mask_threshold": 0.5, "overlap_mask_area_threshold": 0.8}
RUNS = ("return_coco_annotation",)
_INSTANCE = {**THRESHOLDS, "target_sizes": None, "return_coco_annotation": False}
_PANOPTIC = {**THRESHOLDS, "label_ids_to_fuse": None, "target_sizes": None}
_DETR = ("DetrImageProcessor", "ConditionalDetrImageProcessor")

METHODS = (
    Method(INSTANCE, _DETR, DETR, detr_instance, result, _INSTANCE, ROWS, PARITY, left_to_python=RUNS),
    Method(PANOPTIC, _DETR, DETR, detr_panoptic, result, _PANOPTIC, ROWS, PARITY),
    Method(PANOPTIC, ("MaskFormerImageProcessor",), QUERIES, panoptic, result, _PANOPTIC, ROWS, PARITY),
    Method(
        PANOPTIC,
        ("Mask2FormerImageProcessor",),
        QUERIES,
        mask2former_panoptic,
        result,
        _PANOPTIC,
        ROWS,
        PARITY,
        resizes_all="always",
    ),
    Method(PANOPTIC, ("OneFormerImageProcessor",), QUERIES, oneformer_panoptic, result, _PANOPTIC, ROWS, PARITY),
)
