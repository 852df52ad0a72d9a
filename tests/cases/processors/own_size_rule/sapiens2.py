"""The case of Sapiens 2."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase
from cases.processors.plain.plain import label_map

SMALL = {"size": {"height": 90, "width": 70}}

CASES: Mapping[str, ProcessorCase] = {
    "Sapiens2ImageProcessor": ProcessorCase(
        keywords=label_map,
        extra={
            "padded": {**SMALL, "do_pad": True},
            "padded, wide": {"size": {"height": 61, "width": 131}, "do_pad": True, "resample": 3},
            "padded and cropped": {**SMALL, "do_pad": True, "do_center_crop": True, "crop_size": 50},
            "padded, a shortest edge": {"size": {"shortest_edge": 61}, "do_pad": True},
            "padded, not resized": {**SMALL, "do_pad": True, "do_resize": False},
            "labels reduced": {**SMALL, "do_reduce_labels": True},
            "heat maps' settings": {**SMALL, "keypoint_heatmap_downscale_factor": 8, "keypoint_heatmap_sigma": 2.0},
        },
    )
}
