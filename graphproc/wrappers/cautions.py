"""Warnings about a call, said once by each processor, at the line that calls this package."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping


def warn_once(said: set[str], label: str, texts: Mapping[str, str]) -> None:
    """Warn of what was not said before.

    Args:
        said: the subjects that were warned of; those of the texts are added.
        label: what the warnings begin with.
        texts: what to say, by subject.
    """
    for subject, text in texts.items():
        if subject not in said:
            said.add(subject)
            warnings.warn(f"{label}: {text}", UserWarning, stacklevel=_outside())


def _outside() -> int:
    """The `stacklevel` with which `warn_once` points at the first line outside this package."""
    package, frame, level = __name__.partition(".")[0], sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        frame, level = frame.f_back, level + 1
    return level
