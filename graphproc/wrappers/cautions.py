"""Warnings about a call, which each processor gives once."""

from __future__ import annotations

from collections.abc import Mapping

from graphproc.errors import warn


def warn_once(said: set[str], label: str, texts: Mapping[str, str]) -> None:
    """Give the warnings that were not given before.

    Args:
        said: the subjects of earlier warnings; the new ones are added.
        label: the start of each warning.
        texts: the warnings by subject.
    """
    for subject, text in texts.items():
        if subject not in said:
            said.add(subject)
            warn(f"{label}: {text}")
