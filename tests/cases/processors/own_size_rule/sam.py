"""The case of SAM."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase
from cases.processors.plain.plain import label_map

SMALL = {"size": {"longest_edge": 90}, "pad_size": 101, "mask_size": {"longest_edge": 40}, "mask_pad_size": 50}

CASES: Mapping[str, ProcessorCase] = {
    "SamImageProcessor": ProcessorCase(
        standard=False,
        keywords=label_map,
        images=(
            ((1, 1), "noise"),
            ((17, 31), "noise"),
            ((333, 500), "photograph"),
            ((260, 40), "photograph"),
            ((1, 500), "noise"),
        ),
        extra={
            "small": SMALL,
            "bicubic, odd": {**SMALL, "resample": 3, "size": {"longest_edge": 67}, "pad_size": {"height": 67, "width": 71}},
            "a shortest edge does nothing": {**SMALL, "size": {"shortest_edge": 20, "longest_edge": 90}},
            "size without longest_edge": {**SMALL, "size": {"height": 90, "width": 90}},
            "mask_size without longest_edge": {**SMALL, "mask_size": 40},
            "mask_size null": {**SMALL, "mask_size": None},
            "cropped": {**SMALL, "do_center_crop": True, "crop_size": {"height": 33, "width": 41}},
            "not resized": {**SMALL, "do_resize": False, "do_pad": False},
            "not padded": {**SMALL, "do_pad": False},
            "padded to the batch": {**SMALL, "pad_size": None, "mask_pad_size": None},
            "pad_size too small": {**SMALL, "pad_size": 60},
            "bytes": {**SMALL, "do_rescale": False, "do_normalize": False},
            "mean and std": {**SMALL, "image_mean": [0.1, 0.47, 0.9], "image_std": [0.31, 0.6, 1.2]},
        },
    ),
}
