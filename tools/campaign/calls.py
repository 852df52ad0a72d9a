"""Calls of a processor of either side, ours or transformers'."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import lru_cache
from typing import Any

import transformers

from campaign.trial import Trial
from campaign.values import NAMESPACE, evaluated
from graphproc.processors.registry import lookup


def bound_of(trial: Trial) -> float:
    """Return the bound on differences from transformers that a class states."""
    return lookup(trial.name).parity_of(trial.backend).bound


def call(trial: Trial, processor: str, more: str) -> Any:
    """Call one side's processor; return the result."""
    made = evaluated(processor) if trial.folder else made_once(processor)
    NAMESPACE["processor"] = made
    result = evaluated(f"processor({trial.images}, {trial.keywords()}{more})")
    return result


@contextmanager
def defaults_kept(trial: Trial) -> Iterator[None]:
    """Undo at the end what transformers' class changed of its own defaults, which later cases would have.

    MiniMaxM3VL writes `min_pixels` and `max_pixels` into its class's size where it takes that for one of a file.
    """
    theirs = getattr(transformers, trial.reference.removeprefix("transformers."))
    before = {name: deepcopy(value) for name, value in vars(theirs).items() if isinstance(value, (dict, list))}
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(theirs, name, value)


@lru_cache(8)
def made_once(source: str) -> Any:
    """Return the value of an expression; keep it for the group's other images."""
    return evaluated(source)
