"""Older spellings of settings, in one table: what each class still understands, and what transformers now ignores.

Spellings that every class understands are in `sizes.py` (whole numbers and pairs for sizes), and null in `config.py`.
Source: the constructors of transformers 5.23 (`models/*/image_processing_pil_*.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Rewrite = Callable[[Any, Mapping[str, Any]], Mapping[str, Any] | None]
"""The settings that a value of an old key stands for, given the class's defaults; None where it says nothing."""


def _square(value: Any, defaults: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Kosmos-2: the class's own edge as both sides, whatever the size."""
    edge = defaults["size"]["shortest_edge"]
    return {"size": {"height": edge, "width": edge}} if value else None


def _renamed(name: str) -> Rewrite:
    return lambda value, defaults: {name: value}


SPELLINGS: Mapping[str, Mapping[str, Rewrite]] = {
    "CLIPImageProcessor": {"use_square_size": _square},
    "OwlViTImageProcessor": {"rescale": _renamed("do_rescale")},
}
"""By class and old key. An old key wins over the new one."""

IGNORED: Mapping[str, str] = {"reduce_labels": "do_reduce_labels"}
"""Keys that once meant something and now change nothing, with the setting that took their place."""


def modern(processor: str, defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with the class's older spellings replaced by today's.

    Args:
        processor: the class name.
        defaults: the class's defaults.
        given: settings from a file or a call.
    """
    settings = dict(given)
    for key, rewrite in SPELLINGS.get(processor, {}).items():
        if key in given and (today := rewrite(given[key], defaults)) is not None:
            del settings[key]
            settings.update(today)
    return settings


def notes(declared: Mapping[str, Any], given: Mapping[str, Any]) -> list[str]:
    """What to tell about keys that change nothing though they look as if they did.

    Args:
        declared: the settings of the class.
        given: settings from a file.
    """
    return [
        f"{old} changes nothing, as in transformers 5.23; its name is {new} now"
        for old, new in IGNORED.items()
        if given.get(old) and new in declared and new not in given
    ]
