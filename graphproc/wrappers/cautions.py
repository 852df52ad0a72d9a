"""Warnings about a call, which each processor gives once."""

from __future__ import annotations

from collections.abc import Mapping

from graphproc.errors import warn


def warn_once(warned: set[str], label: str, texts: Mapping[str, str]) -> None:
    """Give the warnings that were not given before.

    Args:
        warned: the subjects of earlier warnings; the new ones are added.
        label: the start of each warning.
        texts: the warnings by subject.
    """
    for subject, text in texts.items():
        if subject not in warned:
            warned.add(subject)
            warn(f"{label}: {text}")
