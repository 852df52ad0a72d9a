"""The case of ImageGPT."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from cases.processors.case import ProcessorCase

CLUSTERS = np.random.default_rng(512).uniform(-1, 1, (512, 3)).round(4).tolist()
"""As many colours as the published models have."""
ALMOST_EQUAL = (0.3 + np.random.default_rng(513).integers(-9, 10, (512, 3)) / 2**24).tolist()
"""Colours a few last places of float32 apart, so that how distances are rounded decides."""
CORNERS = [[r, g, b] for r in (-1, 1) for g in (-1, 1) for b in (-1, 1)]
SMALL = {"size": {"height": 32, "width": 32}}
PIXELS = {"do_color_quantize": False, "size": {"height": 61, "width": 45}}

CASES: Mapping[str, ProcessorCase] = {
    "ImageGPTImageProcessor": ProcessorCase(
        always={"clusters": CLUSTERS},
        standard=False,
        extra={
            "small": SMALL,
            "few colours": {**SMALL, "clusters": CORNERS},
            "one colour": {**SMALL, "clusters": [[0.5, 0.25, -1]]},
            "colours almost equal": {**SMALL, "clusters": ALMOST_EQUAL},
            "one colour twice": {**SMALL, "clusters": CORNERS + CORNERS},
            "edge, bicubic": {"size": 31, "default_to_square": False, "resample": 3},
            "cropped": {**SMALL, "do_center_crop": True, "crop_size": {"height": 20, "width": 41}},
            "not normalized": {**SMALL, "do_normalize": False},
            "bytes normalized": {**SMALL, "do_rescale": False, "clusters": [[10, 20, 30], [200, 100, 7], [80.5, 250, 199]]},
            "clusters null": {**SMALL, "clusters": None},
            "clusters of two numbers": {**SMALL, "clusters": [[1, 2]]},
            "pixels": PIXELS,
            "pixels, clusters null": {**PIXELS, "clusters": None},
            "pixels, bytes": {**PIXELS, "do_rescale": False, "do_normalize": False},
            "pixels, mean and std": {**PIXELS, "image_mean": [0.1, 0.47, 0.9], "image_std": [0.31, 0.6, 1.2], "resample": 1},
        },
    ),
}
