"""Calls of a processor of either side, ours or transformers'."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

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


@lru_cache(8)
def made_once(source: str) -> Any:
    """Return the value of an expression; keep it for the group's other images."""
    return evaluated(source)
