"""Settings that went through transformers' classes and came back: what is equal, and what those classes change."""

from __future__ import annotations

import json
from typing import Any

NULLS_DROPPED = ("Emu3ImageProcessor", "VideoLlavaImageProcessor", "VivitImageProcessor")
"""Classes of transformers on an older base: their `to_dict` leaves out what is None, so the default comes back."""


def plain(value: Any) -> Any:
    """Return a setting as JSON holds it: lists for tuples, and sizes without what is None."""
    if hasattr(value, "__dataclass_fields__"):
        value = {key: side for key, side in dict(value).items() if side is not None}
    return json.loads(json.dumps(value, default=list))


def assert_saved_alike(name: str, back: Any, ours: Any) -> None:
    """Assert that a processor made of what transformers saved has the settings of the first one, and no others."""
    assert type(back) is type(ours)
    found, wanted = plain(back.to_dict()), plain(ours.to_dict())
    assert not set(found) - set(wanted)
    lost = {key for key, value in wanted.items() if value is None} if name in NULLS_DROPPED else set()
    assert {key: found.get(key) for key in wanted if key not in lost} == {k: v for k, v in wanted.items() if k not in lost}
