"""The case of VitPose."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from cases.processors.case import ProcessorCase, Size


def boxes(size: Size) -> Mapping[str, np.ndarray]:
    """Return one to three boxes, some across the border; x, y, width and height in pixels."""
    rng = np.random.default_rng(size)
    height, width = size
    number = 1 + sum(size) % 3
    low = rng.uniform(-0.2, 0.6, (number, 2)) * (width, height)
    return {"boxes": np.concatenate([low, rng.uniform(0.1, 0.9, (number, 2)) * (width, height)], axis=1)}


CASES: Mapping[str, ProcessorCase] = {
    "VitPoseImageProcessor": ProcessorCase(
        extra={
            "small": {"size": {"height": 40, "width": 61}},
            "factor 100": {"size": {"height": 61, "width": 40}, "normalize_factor": 100.0},
            "not normalized": {"size": {"height": 61, "width": 40}, "do_normalize": False},
            "not transformed": {"do_affine_transform": False},
        },
        standard=False,
        keywords=boxes,
        refuses=lambda size, settings: size[0] <= 3 and settings.get("do_affine_transform", True),
    )
}
