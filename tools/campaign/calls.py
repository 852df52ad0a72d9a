"""Calls of either side's processor."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from campaign.trial import Trial
from campaign.values import NAMESPACE, evaluated
from graphproc.processors.registry import lookup


def bound_of(trial: Trial) -> float:
    """How far a class states to be from transformers."""
    return lookup(trial.name).parity_of(trial.backend).bound


def call(trial: Trial, processor: str, more: str) -> Any:
    """A call of one side."""
    made = evaluated(processor) if trial.folder else made_once(processor)
    NAMESPACE["processor"] = made
    result = evaluated(f"processor({trial.images}, {trial.keywords()}{more})")
    return result


@lru_cache(8)
def made_once(source: str) -> Any:
    """What an expression makes, kept for the group's other images."""
    return evaluated(source)
