"""Instances that are painted one over the other: a map of ids, and for each id its class and score.

Source: transformers 5.23, `post_process_instance_segmentation` of MaskFormer and Mask2Former, whose Pil forms have copies.
It takes pairs of a query and a class in the order in which `torch.topk(sorted=False)` gives them, which torch leaves open;
here they come in the order of their class's share, the largest first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from graphproc.errors import ConfigError
from graphproc.ir.program import Parity, Value
from graphproc.ops import (
    Cast,
    Choose,
    Combine,
    Function,
    Pick,
    Rearrange,
    Reduce,
    RunningSum,
    TopK,
)
from graphproc.ops.resample import TORCH_NEAREST, TORCH_UNFUSED, Resample
from graphproc.postprocessing.mask_semantic import MASK2FORMER_SIDE, QUERIES, shares
from graphproc.postprocessing.method import TRANSFORMERS, Method, Steps
from graphproc.postprocessing.segments import (
    INSTANCE,
    THRESHOLDS,
    Candidates,
    area,
    candidates,
    holds,
    information,
    output,
    over_pixels,
    run_lengths,
    single,
    some,
)
from graphproc.sizes import num
from graphproc.sizes.num import Num

ROWS = ("ids", "label_ids", "scores", "masks")
PARITY = Parity(
    TRANSFORMERS,
    1e-5,
    "scores, relative; sums in the runtime's order. Instances come in the order of their class's share, the largest first, "
    "while the reference's order is open: ids are other numbers for the same instances, and where instances overlap, "
    "another one may lie on top",
)
ALMOST = 1e-5
"""How much a score may rise by rounding when it is multiplied by a mean of chances, relative to itself."""


def best_pairs(steps: Steps, shares: Value, count: Num | None = None) -> tuple[Value, Value, Value]:
    """As many pairs of a query and a class as wanted, or as there are queries: those of the largest shares, these first.

    Returns:
        Their shares, queries and classes.
    """
    queries, classes = shares.type.shape
    flat = steps.add(Rearrange("q c -> (q c)"), shares)
    pairs = steps.add(TopK(queries if count is None else num.minimum(count, queries * classes)), flat)
    query, label = steps.add(Combine("quotient", classes), pairs), steps.add(Combine("remainder", classes), pairs)
    return steps.add(Pick(), flat, pairs), query, label


def promising(steps: Steps, scores: Value) -> Candidates:
    """Those whose scores are not below the threshold before they are multiplied by the mean chance of a mask."""
    least = steps.number("threshold")
    return candidates(steps, steps.add(Combine("greater_or_equal", least - abs(least) * ALMOST), scores))


def mean_chance(steps: Steps, logits: Value, inside: Value) -> Value:
    """The mean chance of the pixels inside each mask, f32 [n], of logits and bools [n, H, W]."""
    whole = area(steps, inside)
    inside = steps.add(Cast("f32"), inside)
    chances = steps.add(Combine("multiply"), steps.add(Function("sigmoid"), logits), inside)
    total = steps.add(Reduce("sum"), steps.add(Reduce("sum"), chances))
    pixels = steps.add(Cast("f32"), whole)
    return steps.add(Combine("divide"), total, steps.add(Combine("add", 1e-6), pixels))


def paint(steps: Steps, found: Candidates, inside: Value, scores: Value, labels: Value, binary: bool = False) -> None:
    """Instances of the candidates that have a pixel and score enough, each painted over those before it.

    Args:
        steps: the program.
        found: the candidates.
        inside: their masks at the wanted size, bools [n, H, W].
        scores: of each, f32 [n].
        labels: of each, int64 [n].
        binary: whether the masks are an output.
    """
    enough = steps.add(Combine("greater_or_equal", single(steps.number("threshold"), up=True)), scores)
    accepted = steps.all_of(holds(steps, found), some(steps, area(steps, inside)), enough)
    number = steps.add(RunningSum(), accepted)
    shown = steps.add(Cast("i32"), steps.add(Choose(0), accepted, number))
    last = steps.add(Reduce("max", -3), steps.add(Choose(0), inside, over_pixels(steps, shown)))
    rows = {"ids": steps.add(Combine("subtract", 1), number), "label_ids": labels, "scores": scores}
    if binary:
        rows["masks"] = steps.add(Cast("f32"), inside)
    output(steps, found, steps.add(Combine("subtract", 1), last), accepted, rows)


def instances(steps: Steps, side: int) -> None:
    """Instances of masks, resized to squares of a side first unless it is 0."""
    if steps.options["return_binary_maps"] and steps.options["return_coco_annotation"]:
        raise ConfigError("return_coco_annotation and return_binary_maps: expected one of them, got both")
    scores, query, labels = best_pairs(steps, shares(steps["class_queries_logits"], steps))
    found = promising(steps, scores)
    scores, labels, query = (steps.add(Pick(), x, found.places) for x in (scores, labels, query))
    masks = steps.add(Pick(-3), steps["masks_queries_logits"], query)
    if side:
        masks = steps.add(Resample(side, side, "bilinear", False, TORCH_UNFUSED), masks)
    inside = steps.add(Combine("greater", 0), masks)
    scores = steps.add(Combine("multiply"), scores, mean_chance(steps, masks, inside))
    if steps.target is not None:
        inside = steps.add(Resample(*steps.target, "nearest", False, TORCH_NEAREST), inside)
    paint(steps, found, inside, scores, labels, steps.options["return_binary_maps"])


def maskformer(steps: Steps) -> None:
    """Instances of queries, which may overlap: a map of ids from 0 on, -1 where there is none."""
    instances(steps, 0)


def mask2former(steps: Steps) -> None:
    """As for MaskFormer, of masks of 384 x 384 pixels."""
    instances(steps, MASK2FORMER_SIDE)


def result(outputs: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """A dictionary of the map, its run lengths or a mask for each instance, and what is known of each instance."""
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
