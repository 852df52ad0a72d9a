"""OneFormer's instances: segments made of pairs of a query and a class.

Source: transformers 5.23, `post_process_instance_segmentation` of `OneFormerImageProcessorPil`. It
compares logits times shares, not probabilities. It takes the pairs in the order of
`torch.topk(sorted=False)`, which torch leaves open; here they come by their shares, the largest first.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from operator import and_
from typing import Any

from graphproc.errors import ConfigError
from graphproc.ir.program import Value
from graphproc.ir.value import where
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.postprocessing.instances import PARITY, best_pairs
from graphproc.postprocessing.mask_semantic import QUERIES, shares
from graphproc.postprocessing.method import Method
from graphproc.postprocessing.segments import (
    INSTANCE,
    ROWS,
    RUNS,
    THRESHOLDS,
    candidates,
    member,
    resize_masks,
    result,
    same_class,
    scored,
)

UNKNOWN = -1
"""The label of classes that are not things, where only things are numbered."""


def build(b: MethodBuilder) -> None:
    """Make segments of pairs of a query and a class, none fused: a map of ids from 1 on, 0 for none."""
    task, demo = b.options["task_type"], b.options["is_demo"] or b.empty  # no threshold is below NaN
    best, query, labels = best_pairs(shares(b["class_queries_logits"]))
    conditions = []
    if demo:
        conditions.append(best > b.number("threshold"))
    if task == "panoptic":
        conditions.append(member(labels, _things(b)))
    # Without a condition all pairs are candidates, also those with a share of NaN: no share is below 0.
    kept = reduce(and_, conditions) if conditions else ~(best < 0)
    found = candidates(b, kept)
    best, query, labels = best[found.places], query[found.places], labels[found.places]
    if not demo and "instance" in task and "ade20k" in (b.config.settings.get("class_info_file") or ""):
        labels = _renumbered(labels, _things(b))
    masks = b["masks_queries_logits"][query]
    scored(b, found, resize_masks(b, masks, antialias=True), best, labels, ())


def _renumbered(labels: Value, things: tuple[int, ...]) -> Value:
    """Replace each label, int64 [n], by its position among the things; `UNKNOWN` for others."""
    place = same_class(labels, things).cast("f32").argmax()
    return where(member(labels, things), place, UNKNOWN)


def _things(b: MethodBuilder) -> tuple[int, ...]:
    """Return the classes that are things (countable, as cars) and not stuff (as sky): at least one.

    Raises:
        ConfigError: the settings do not name them.
    """
    metadata = b.config.unknown.get("metadata")
    things = metadata.get("thing_ids") if isinstance(metadata, Mapping) else None
    if not things or any(isinstance(thing, bool) or not isinstance(thing, int) for thing in things):
        raise ConfigError(
            f"{INSTANCE}: expected the numbers of the classes of things in the settings, metadata={{'thing_ids': [...]}}, for "
            f"task_type={b.options['task_type']!r}, found none. Add them, or a class_info_file in a local folder repo_path."
        )
    return tuple(things)


OPTIONS: Mapping[str, Any] = {
    "task_type": "instance",
    "is_demo": True,
    **THRESHOLDS,
    "target_sizes": None,
    "return_coco_annotation": False,
}
METHODS = (
    Method(
        INSTANCE,
        ("OneFormerImageProcessor",),
        QUERIES,
        build,
        result,
        OPTIONS,
        ROWS,
        PARITY,
        python_only_options=RUNS,
    ),
)
