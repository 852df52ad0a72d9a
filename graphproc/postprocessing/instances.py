"""Instances painted one over the other: a map of ids, and the class and score of each id.

Source: transformers 5.23, `post_process_instance_segmentation` of MaskFormer and Mask2Former, and the
copies in their Pil classes. It takes pairs of a query and a class in the order of
`torch.topk(sorted=False)`, which torch leaves open. Here they come by their class's share, the largest
first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphproc.errors import ConfigError
from graphproc.ir.program import Parity, Value
from graphproc.ir.value import where
from graphproc.ops.resample import TORCH_NEAREST, TORCH_UNFUSED, Resample
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.mask_semantic import MASK2FORMER_SIDE, QUERIES, shares
from graphproc.postprocessing.method import TRANSFORMERS, Method, over_pixels
from graphproc.postprocessing.segments import (
    INSTANCE,
    THRESHOLDS,
    Candidates,
    area,
    candidates,
    information,
    is_candidate,
    output,
    rounded_to_float32,
    run_lengths,
)
from graphproc.sizes import num
from graphproc.sizes.num import Num

ROWS = ("ids", "label_ids", "scores", "masks")
PARITY = Parity(
    TRANSFORMERS,
    1e-5,
    "scores, relative; the runtime has its own order of sums. Instances come in the order of their class's share, the "
    "largest first; the reference's order is not defined. So ids may be other numbers for the same instances, and where "
    "instances overlap, another one may be on top",
)
ALMOST = 1e-5
"""By how much of itself a score may rise through rounding when it is multiplied by a mean of probabilities."""


def best_pairs(shares: Value, count: Num | None = None) -> tuple[Value, Value, Value]:
    """Find the `count` pairs of a query and a class with the largest shares, the largest first.

    Args:
        shares: of each class in each query, f32 [queries, classes].
        count: how many pairs; None for as many as queries.

    Returns:
        Their shares, f32 [n], queries and classes, int64 [n].
    """
    queries, classes = shares.shape
    flat = shares.rearrange("q c -> (q c)")
    pairs = flat.top_k(queries if count is None else num.minimum(count, queries * classes))
    query, label = pairs // classes, pairs % classes
    return flat[pairs], query, label


def promising(b: MethodBuilder, scores: Value) -> Candidates:
    """Find candidates by their scores before these are multiplied by a mean probability, which can only lower them."""
    least = b.number("threshold")
    return candidates(b, scores >= least - abs(least) * ALMOST)


def mean_probability(logits: Value, inside: Value) -> Value:
    """Compute the mean probability of the pixels inside each mask, f32 [n], from logits and bools [n, H, W]."""
    whole = area(inside)
    inside = inside.cast("f32")
    total = (logits.sigmoid() * inside).sum().sum()
    return total / (whole.cast("f32") + 1e-6)


def paint(b: MethodBuilder, found: Candidates, inside: Value, scores: Value, labels: Value, binary: bool = False) -> None:
    """Paint the candidates that have a pixel and score enough, each over those before it, and declare the outputs.

    Args:
        b: the builder.
        found: the candidates.
        inside: their masks at the wanted size, bools [n, H, W].
        scores: of each, f32 [n].
        labels: of each, int64 [n].
        binary: whether the masks are an output.
    """
    enough = scores >= rounded_to_float32(b.number("threshold"), up=True)
    accepted = is_candidate(b, found) & (area(inside) > 0) & enough
    number = accepted.cumsum()
    shown = where(accepted, number, 0).cast("i32")
    last = where(inside, over_pixels(shown), 0).max(-3)
    rows = {"ids": number - 1, "label_ids": labels, "scores": scores}
    if binary:
        rows["masks"] = inside.cast("f32")
    output(b, found, last - 1, accepted, rows)


def instances(b: MethodBuilder, side: int) -> None:
    """Make instances. Masks are resized to squares of `side` pixels first, unless it is 0."""
    if b.options["return_binary_maps"] and b.options["return_coco_annotation"]:
        raise ConfigError("return_coco_annotation and return_binary_maps: expected one of them, got both")
    scores, query, labels = best_pairs(shares(b["class_queries_logits"]))
    found = promising(b, scores)
    scores, labels, query = scores[found.places], labels[found.places], query[found.places]
    masks = b["masks_queries_logits"][query]
    if side:
        masks = b.add(Resample(side, side, "bilinear", False, TORCH_UNFUSED), masks)
    inside = masks > 0
    scores = scores * mean_probability(masks, inside)
    if b.target is not None:
        inside = b.add(Resample(*b.target, "nearest", False, TORCH_NEAREST), inside)
    paint(b, found, inside, scores, labels, b.options["return_binary_maps"])


def maskformer(b: MethodBuilder) -> None:
    """Make instances of queries, which may overlap: a map of ids from 0 on, -1 for none."""
    instances(b, 0)


def mask2former(b: MethodBuilder) -> None:
    """Make instances of queries, from masks of 384 x 384 pixels: a map of ids from 0 on, -1 for none."""
    instances(b, MASK2FORMER_SIDE)


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return a dictionary of the map, or its run lengths, or a mask for each instance, and the facts of each."""
    segmentation = outputs["segmentation"].astype(np.float32)
    if options["return_coco_annotation"]:
        segmentation = run_lengths(segmentation)
    elif options["return_binary_maps"] and len(outputs["masks"]):
        segmentation = outputs["masks"].astype(np.float32)  # whatever floats came in
    return {"segmentation": segmentation, "segments_info": information(outputs)}


OPTIONS = {**THRESHOLDS, "target_sizes": None, "return_coco_annotation": False, "return_binary_maps": False}
METHODS = (
    Method(INSTANCE, ("MaskFormerImageProcessor",), QUERIES, maskformer, result, OPTIONS, ROWS, PARITY, resizes_all="to sizes"),
    Method(INSTANCE, ("Mask2FormerImageProcessor",), QUERIES, mask2former, result, OPTIONS, ROWS, PARITY, resizes_all="always"),
)
