"""The case of EfficientNet."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase

SMALL = {"size": {"height": 61, "width": 45}}

CASES: Mapping[str, ProcessorCase] = {
    "EfficientNetImageProcessor": ProcessorCase(
        extra={
            "rescale_offset": {**SMALL, "rescale_offset": True, "rescale_factor": 1 / 127.5},
            "rescale_offset, do_rescale off": {**SMALL, "rescale_offset": True, "do_rescale": False},
            "include_top off": {**SMALL, "include_top": False, "image_std": [0.31, 0.6, 1.2]},
            "include_top, do_normalize off": {**SMALL, "do_normalize": False, "image_std": [0.31, 0.6, 1.2]},
            "neither": {**SMALL, "include_top": False, "do_normalize": False},
            "both, cropped": {**SMALL, "do_center_crop": True, "rescale_offset": True, "image_mean": [0.1, 0.47, 0.9]},
        }
    ),
}
