"""The case of VitMatte."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from cases.processors.case import ProcessorCase, Size


def trimap(size: Size) -> Mapping[str, np.ndarray]:
    """Return background, unknown and foreground."""
    return {"trimaps": np.random.default_rng(size).choice(np.array([0, 128, 255], np.uint8), size)}


CASES: Mapping[str, ProcessorCase] = {
    "VitMatteImageProcessor": ProcessorCase(
        extra={
            "divisor 7": {"size_divisor": 7},
            "divisibility 5": {"size_divisibility": 5},
            "not padded": {"do_pad": False},
            "not rescaled": {"do_rescale": False},
            "not normalized": {"do_normalize": False},
            "bytes": {"do_normalize": False, "do_rescale": False},
        },
        standard=False,
        keywords=trimap,
        batch=((60, 90), (64, 65), (33, 96)),
    )
}
