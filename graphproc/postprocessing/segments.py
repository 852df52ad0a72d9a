"""Segments: a map of ids, and the class and score of each id, for models that give masks and classes for each mask.

Upstream goes query by query. What it does for one depends on the others only through two things: the
pixels where a query is the strongest, and the ids counted so far. Both are computed for all queries at
once here. Only the queries that score enough are resized to the wanted size, so their number is a size
in the program that depends on the model's outputs, and the program runs image by image.

Source: transformers 5.23, `compute_segments` and `remove_low_and_no_objects`, equal in Detr,
ConditionalDetr, MaskFormer, Mask2Former and OneFormer. Their Pil classes have copies; OneFormer's
resizes with antialiasing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphproc import joins
from graphproc.errors import ConfigError
from graphproc.ir.program import Parity, Value
from graphproc.ir.value import maximum, where
from graphproc.ops import Numbers, Pad, PathSum, Range
from graphproc.ops.resample import TORCH_UNFUSED, Resample
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.mask_semantic import DETR, MASK2FORMER_SIDE, QUERIES
from graphproc.postprocessing.method import TRANSFORMERS, Method, over_pixels
from graphproc.postprocessing.semantic import OUTSIDE
from graphproc.sizes import num

INSTANCE = "post_process_instance_segmentation"
PANOPTIC = "post_process_panoptic_segmentation"
ROWS = ("ids", "label_ids", "scores", "was_fused")
PARITY = Parity(
    TRANSFORMERS,
    1e-5,
    "scores, relative; the runtime has its own exponentials, order of sums and fused products. Ids and maps "
    "differ only where two masks, or a mask and a threshold, are so close at a pixel that the last places decide",
)
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Candidates:
    """Hold the queries that score enough, in their order. If none does, one is never accepted.

    Attributes:
        count: how many queries score enough, int64 [1].
        number: the same as a symbol for sizes.
        places: the positions of the candidates among the queries, int64 [n]; n is `number`, but at
            least 1.
        queries: how many queries there were to choose from.
    """

    count: Value
    number: num.Num
    places: Value
    queries: num.Num


def candidates(b: MethodBuilder, kept: Value) -> Candidates:
    """Find the queries that are kept, given a bool for each, [queries]."""
    count = kept.sum(keepdims=True)
    (number,) = b.name_sizes(count, candidates=0)
    places = kept.cast("f32").top_k(num.maximum(number, 1))
    return Candidates(count, number, places, kept.shape[0])


def rounded_to_float32(value: float, up: bool) -> float:
    """Round to the nearest float32 that is not below the value (`up`), or not above it.

    Comparing a float32 with it gives the same as comparing with the value, as Python does upstream.
    """
    rounded = np.float32(value)
    if (float(rounded) < value) if up else (float(rounded) > value):
        rounded = np.nextafter(rounded, np.float32(np.inf if up else -np.inf))
    return float(rounded)


def labels_of(b: MethodBuilder, name: str) -> tuple[int, ...]:
    """Read an option that is a set of classes.

    Raises:
        ConfigError: it holds something else than whole numbers.
    """
    values = tuple(b.options[name] or ())
    if any(isinstance(value, bool) or not isinstance(value, int) for value in values):
        raise ConfigError(f"{name}: expected whole numbers, got {b.options[name]!r}")
    return values


def member(labels: Value, classes: tuple[int, ...]) -> Value:
    """Tell of each label, int64 [n], whether it is one of some classes; `classes` is not empty."""
    return same_class(labels, classes).sum() > 0


def same_class(labels: Value, classes: tuple[int, ...]) -> Value:
    """Compare each label, int64 [n], with each of some classes: bools [n, classes]."""
    each = labels.rearrange("n -> n 1")
    return each == labels.builder.add(Numbers(classes, shape=(1, len(classes))))


def area(masks: Value) -> Value:
    """Count the pixels of each mask: int64 [n] of bools [n, H, W]."""
    return masks.sum().sum()


def is_candidate(b: MethodBuilder, found: Candidates) -> Value:
    """Tell which candidates are real: all, or none if no query scores enough."""
    return b.add(Range(num.maximum(found.number, 1))) < found.number


def covers_enough(b: MethodBuilder, own: Value, whole: Value) -> Value:
    """Tell whether a mask keeps a large enough share of its area.

    The share is `own` / `whole`, in float32 as in torch.
    """
    at_least_one = maximum(whole, 1)
    share = own.cast("f32") / at_least_one.cast("f32")
    enough = share > rounded_to_float32(b.number("overlap_mask_area_threshold"), up=False)
    return (own > 0) & (whole > 0) & enough


def strongest(weighted: Value) -> tuple[Value, Value]:
    """Find the candidate with the largest value at each pixel.

    Args:
        weighted: the values of each candidate, f32 [n, H, W].

    Returns:
        The candidates' positions, int64 [1, H, W], and the same as a mask for each, bools [n, H, W].
    """
    winner = weighted.argmax(-3, keepdims=True)
    positions = weighted.builder.add(Range(weighted.shape[0]))
    return winner, winner == over_pixels(positions)


def first_of_class(accepted: Value, labels: Value, classes: tuple[int, ...]) -> tuple[Value, Value]:
    """Find the first accepted candidate of each candidate's class, for classes that fuse.

    Returns:
        Its position, int64 [n], and whether a candidate is accepted without being the first, bools [n].
    """
    fusing = accepted & member(labels, classes)
    same = labels.rearrange("n -> n 1") == labels.rearrange("n -> 1 n")
    same = same & fusing.rearrange("n -> 1 n")
    first = same.cast("f32").argmax()
    return first, fusing & (first < labels.builder.add(Range(labels.shape[0])))


def ids(accepted: Value, labels: Value, classes: tuple[int, ...]) -> Value:
    """Number the accepted candidates, from 1 on.

    A candidate of a fusing class takes the id of its class's first one. The next new candidate counts on
    from that id, not from the largest so far. So different segments may have equal ids, as upstream's do.
    """
    if not classes:
        return accepted.cumsum()
    first, again = first_of_class(accepted, labels, classes)
    new = accepted & ~again
    before = maximum(labels.builder.add(Range(labels.shape[0])) - 1, 0)
    parents = where(again, first, 0) + where(again, 0, before)
    return labels.builder.add(PathSum(), new.cast("i64"), parents)


def of_strongest(winner: Value, values: Value) -> Value:
    """Look up the value of the strongest candidate at each pixel: int64 [H, W] of int64 [n]."""
    _, height, width = winner.shape
    flat = values[winner.rearrange("1 h w -> (h w)")]
    return flat.rearrange("(h w) -> h w", "HW", h=height, w=width)


def output(b: MethodBuilder, found: Candidates, segmentation: Value, accepted: Value, rows: Mapping[str, Value]) -> None:
    """Declare the map, int32 [H, W], a row for each accepted candidate, `count`, and `candidates`, how many there were."""
    b.output("segmentation", segmentation.cast("i32"), joins.Pad(OUTSIDE))
    filled = {name: filled_up(b, value, found) for name, value in rows.items()}
    b.rows(filled_up(b, accepted, found), {"ids": OUTSIDE, "label_ids": OUTSIDE}, "count", **filled)
    b.output("candidates", found.count.max())


def filled_up(b: MethodBuilder, x: Value, found: Candidates) -> Value:
    """Add rows up to the number of queries, if the program has a fixed number of rows."""
    return x if b.ragged else b.add(Pad.end(-x.type.rank, found.queries), x)


def scored(b: MethodBuilder, found: Candidates, masks: Value, scores: Value, labels: Value, classes: tuple[int, ...]) -> None:
    """Make the segments of candidates and declare the outputs.

    Args:
        b: the builder.
        found: the candidates.
        masks: how much every pixel belongs to each candidate, at the wanted size, f32 [n, H, W].
        scores: their scores, f32 [n].
        labels: their classes, int64 [n].
        classes: the classes that fuse all their segments to one.
    """
    weighted = masks * over_pixels(scores)
    winner, own = strongest(weighted)
    whole = weighted >= b.number("mask_threshold")
    accepted = is_candidate(b, found) & covers_enough(b, area(own), area(whole))
    numbers = ids(accepted, labels, classes)
    fused = (member(labels, classes) if classes else numbers < 0).cast("i64")
    segmentation = of_strongest(winner, where(accepted, numbers, 0))
    segmentation = segmentation - num.where(num.eq(found.number, 0), 1, 0)  # nothing is -1 where there are no candidates
    rows = {"ids": numbers, "label_ids": labels, "scores": scores, "was_fused": fused}
    output(b, found, segmentation, accepted, rows)


def best_classes(b: MethodBuilder, logits: Value) -> tuple[Candidates, Value, Value]:
    """Find the queries with a best class above the threshold; the last class, which stands for "nothing", does not count.

    Returns:
        The candidates, their shares and their classes.
    """
    shares = logits.softmax()
    best, labels = shares.max(), shares.argmax()
    found = candidates(b, (best > b.number("threshold")) & (labels < logits.shape[-1] - 1))
    return found, best[found.places], labels[found.places]


def resize_masks(b: MethodBuilder, masks: Value, antialias: bool = False) -> Value:
    """Resize masks to the wanted size, if there is one."""
    return masks if b.target is None else b.add(Resample(*b.target, "bilinear", antialias, TORCH_UNFUSED), masks)


def segments(b: MethodBuilder, logits: str, masks: str, classes: tuple[int, ...], side: int = 0, antialias: bool = False) -> None:
    """Make segments of the queries that score enough. Masks are resized to squares of `side` first, unless it is 0."""
    found, scores, labels = best_classes(b, b[logits])
    picked = b[masks][found.places]
    if side:
        picked = b.add(Resample(side, side, "bilinear", False, TORCH_UNFUSED), picked)
    scored(b, found, resize_masks(b, picked.sigmoid(), antialias), scores, labels, classes)


def detr_instance(b: MethodBuilder) -> None:
    """Make segments of queries, none fused: a map of ids from 1 on, 0 for none."""
    segments(b, "logits", "pred_masks", ())


def detr_panoptic(b: MethodBuilder) -> None:
    """Make segments of queries, those of a class in `label_ids_to_fuse` as one: a map of ids from 1 on, 0 for none."""
    segments(b, "logits", "pred_masks", labels_of(b, "label_ids_to_fuse"))


def panoptic(b: MethodBuilder) -> None:
    """Make segments of queries, those of a class in `label_ids_to_fuse` as one: a map of ids from 1 on, 0 for none."""
    segments(b, "class_queries_logits", "masks_queries_logits", labels_of(b, "label_ids_to_fuse"))


def mask2former_panoptic(b: MethodBuilder) -> None:
    """Make segments of queries, those of a class in `label_ids_to_fuse` as one, from masks of 384 x 384 pixels."""
    classes = labels_of(b, "label_ids_to_fuse")
    segments(b, "class_queries_logits", "masks_queries_logits", classes, MASK2FORMER_SIDE)


def oneformer_panoptic(b: MethodBuilder) -> None:
    """Make segments of queries, those of a class in `label_ids_to_fuse` as one; masks are resized with antialiasing."""
    classes = labels_of(b, "label_ids_to_fuse")
    segments(b, "class_queries_logits", "masks_queries_logits", classes, antialias=True)


def run_lengths(segmentation: Array) -> list[list[int]]:
    """List each value's runs of pixels in a map: start (counted from 1, row by row), length, start, length, ..."""
    found = []
    for value in np.unique(segmentation):
        inside = np.concatenate([[False], segmentation.reshape(-1) == value, [False]])
        edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
        edges[1::2] -= edges[::2]
        found.append(edges.tolist())
    return found


def information(outputs: Mapping[str, Any], fused: bool = True) -> list[dict[str, Any]]:
    """Describe each segment as upstream does, in Python's numbers."""
    rows = [outputs[name].tolist() for name in ("ids", "label_ids", "scores")]
    flags = outputs["was_fused"].tolist() if "was_fused" in outputs else [0] * len(rows[0])
    return [
        {"id": id, "label_id": label, **({"was_fused": bool(flag)} if fused else {}), "score": round(score, 6)}
        for id, label, score, flag in zip(*rows, flags, strict=True)
    ]


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return a dictionary of the map and the facts of each segment; the map is -1.0 if no query scores enough."""
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
    Method(INSTANCE, _DETR, DETR, detr_instance, result, _INSTANCE, ROWS, PARITY, python_only_options=RUNS),
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
