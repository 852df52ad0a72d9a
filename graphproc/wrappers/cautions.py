"""Warnings about a call, said once by each processor."""

from __future__ import annotations

from collections.abc import Mapping

from graphproc.errors import warn

UNKNOWN_IGNORED = ("Emu3ImageProcessor", "VideoLlavaImageProcessor", "VivitImageProcessor")
"""Calls of these classes take unknown keywords, with a warning, as transformers' do; calls of others refuse them."""


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
            warn(f"{label}: {text}")
