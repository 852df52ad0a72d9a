"""The case of Idefics."""

from __future__ import annotations

from collections.abc import Mapping

from cases.case import Case

CASES: Mapping[str, Case] = {
    "IdeficsImageProcessor": Case(
        derived=("image_size",),
        extra={
            "image_size": {"image_size": 67},
            "image_size before size": {"image_size": 67, "size": {"height": 80, "width": 50}},
            "image_size null": {"image_size": None, "size": {"height": 80, "width": 50}},
        },
    ),
}
