"""The cases of PaddleOCR's classes for pages."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase

SMALL = {"size": {"height": 95, "width": 90}}
FILTERS = {
    "bilinear": {**SMALL, "resample": 2},
    "bicubic": SMALL,
    "bicubic, enlarged": {"size": {"height": 350, "width": 600}},
    "one side alone": {"size": {"height": 333, "width": 61}},
    "padded": {**SMALL, "do_pad": True, "pad_size": 101},
    "cropped": {**SMALL, "do_center_crop": True, "crop_size": {"height": 60, "width": 99}},
}

CASES: Mapping[str, ProcessorCase] = {
    "PPDocLayoutV2ImageProcessor": ProcessorCase(extra=FILTERS),
    "PPDocLayoutV3ImageProcessor": ProcessorCase(extra=FILTERS),
    "PPDocLayoutV4ImageProcessor": ProcessorCase(
        extra={
            **FILTERS,
            "bytes": {**SMALL, "do_rescale": False, "do_normalize": False},
            "bytes, bilinear": {**SMALL, "do_rescale": False, "do_normalize": False, "resample": 2},
            "bytes, nearest, normalized": {**SMALL, "do_rescale": False, "resample": 0},
            "normalized": {**SMALL, "image_mean": [0.1, 0.2, 0.3], "image_std": [0.5, 0.6, 0.7]},
            "rescaled alone": {"do_resize": False, "do_normalize": False},
            "rescale_factor below 0": {**SMALL, "rescale_factor": -0.01},
        },
    ),
    "UVDocImageProcessor": ProcessorCase(
        extra={
            "small": SMALL,
            "enlarged": {"size": {"height": 350, "width": 600}},
            "one pixel": {"size": 1},
            "normalized": {**SMALL, "do_normalize": True, "image_mean": [0.1, 0.2, 0.3], "image_std": [0.5, 0.6, 0.7]},
            "normalized alone": {**SMALL, "do_normalize": True, "do_rescale": False, "image_mean": 9, "image_std": 2},
            "not resized": {"do_resize": False},
            "bytes": {**SMALL, "do_rescale": False},
            "bytes, enlarged": {"size": {"height": 350, "width": 600}, "do_rescale": False},
            "bytes, not resized": {"do_resize": False, "do_rescale": False},
        },
    ),
}
