"""OneFormer's instances: segments of pairs of a query and a class.

Source: transformers 5.23, `post_process_instance_segmentation` of OneFormer's Pil form. It compares logits times shares, not
chances, and takes the pairs in the order in which `torch.topk(sorted=False)` gives them, which torch leaves open; here they
come in the order of their shares, the largest first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphproc.errors import ConfigError
from graphproc.ir.program import Value
from graphproc.ops import Cast, Choose, Combine, Function, Numbers, Pick, Rearrange, Reduce
from graphproc.postprocessing.instances import PARITY, best_pairs
from graphproc.postprocessing.mask_semantic import QUERIES, shares
from graphproc.postprocessing.method import Method, Steps
from graphproc.postprocessing.segments import (
    INSTANCE,
    ROWS,
    RUNS,
    THRESHOLDS,
    candidates,
    member,
    resized,
    result,
    scored,
)

UNKNOWN = -1
"""The label of a class that is no thing, where things are numbered by themselves."""


def build(steps: Steps) -> None:
    """Segments of pairs of a query and a class, each by itself: a map of ids from 1 on, 0 where there is none."""
    task, demo = steps.options["task_type"], steps.options["is_demo"]
    best, query, labels = best_pairs(steps, shares(steps["class_queries_logits"], steps))
    conditions = []
    if demo:
        conditions.append(steps.add(Combine("greater", steps.number("threshold")), best))
    if task == "panoptic":
        conditions.append(member(steps, labels, _things(steps)))
    # Without a condition, all pairs are candidates, also those of shares that are no numbers: none is below 0.
    kept = steps.all_of(*conditions) if conditions else steps.add(Function("not"), steps.add(Combine("less", 0), best))
    found = candidates(steps, kept)
    best, query, labels = (steps.add(Pick(), x, found.places) for x in (best, query, labels))
    if not demo and "instance" in task and "ade20k" in (steps.config.settings.get("class_info_file") or ""):
        labels = _renumbered(steps, labels, _things(steps))
    masks = steps.add(Pick(-3), steps["masks_queries_logits"], query)
    scored(steps, found, resized(steps, masks, antialias=True), best, labels, ())


def _renumbered(steps: Steps, labels: Value, things: tuple[int, ...]) -> Value:
    """Which of the things each label is."""
    each = steps.add(Rearrange("n -> n 1"), labels)
    same = steps.add(Combine("equal"), each, steps.add(Numbers(things, shape=(1, len(things)))))
    place = steps.add(Reduce("argmax"), steps.add(Cast("f32"), same))
    return steps.add(Choose(UNKNOWN), member(steps, labels, things), place)


def _things(steps: Steps) -> tuple[int, ...]:
    """The classes that are things and not stuff, of which there is one at least.

    Raises:
        ConfigError: the settings do not say them.
    """
    metadata = steps.config.unknown.get("metadata")
    things = metadata.get("thing_ids") if isinstance(metadata, Mapping) else None
    if not things or any(isinstance(thing, bool) or not isinstance(thing, int) for thing in things):
        raise ConfigError(
            f"{INSTANCE}: expected the settings to say which classes are things, metadata={{'thing_ids': [...]}}, for "
            f"task_type={steps.options['task_type']!r}; class_info_file is read where it lies in a local folder repo_path"
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
        left_to_python=RUNS,
        of_no_row={"is_demo": True},
    ),
)
