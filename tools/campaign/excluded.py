"""What is no failure, by name, each with its cause: limits that this package states, and faults of the reference."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from campaign.trial import refused_on_purpose


@dataclass(frozen=True)
class Limit:
    """Something that transformers computes and this package refuses, and says so.

    Attributes:
        name: what is counted.
        cause: why, and where it is said.
        message: what the error says, as a pattern.
        classes: parts of the names of the classes that have it; none for all.
    """

    name: str
    cause: str
    message: str
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fault:
    """Something that torch, Pillow or transformers does and nobody can mean.

    Attributes:
        name: what is counted.
        cause: what happens there.
        applies: whether a case, our result and theirs are of this kind.
    """

    name: str
    cause: str
    applies: Callable[[Any, Any, Any], bool]


LIMITS: tuple[Limit, ...] = ()
FAULTS: tuple[Fault, ...] = ()


def limit(trial: Any, message: str) -> str:
    """The name of the limit that an error of ours is; empty where it is none."""
    for known in LIMITS:
        if re.search(known.message, message) and (not known.classes or any(part in trial.name for part in known.classes)):
            return known.name
    return "the class's case in tests/cases" if hasattr(trial, "pictures") and refused_on_purpose(trial) else ""


def fault(trial: Any, found: Any, expected: Any) -> str:
    """The name of the reference's fault that a difference is; empty where it is none."""
    return next((known.name for known in FAULTS if known.applies(trial, found, expected)), "")
