"""The cases of images on a square of their mean colour."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase

SETTINGS = {
    "small": {"size": 61, "min_size": 5},
    "large min_size": {"size": 61, "min_size": 61},
    "min_size above the side": {"size": 30, "min_size": 41},
    "no padding": {"size": 61, "do_pad": False},
    "not resized": {"do_resize": False},
    "other means": {"size": 61, "image_mean": [0.1, 0.999, 0.5]},
    "height is not width": {"size": {"height": 61, "width": 62}},
    "nearest": {"size": 61, "resample": 0},
}
SQUARE = ProcessorCase(extra=SETTINGS, standard=False)

CASES: Mapping[str, ProcessorCase] = {
    "DeepseekVLHybridImageProcessor": ProcessorCase(
        extra={
            "both small": {"size": 40, "high_res_size": 101, "min_size": 5},
            "high smaller than low": {"size": 61, "high_res_size": 40, "high_res_resample": 2},
            "other colours": {"size": 40, "high_res_size": 61, "high_res_image_mean": [0.2, 0.3, 0.4], "image_mean": [0.9] * 3},
            "no padding": {"size": 61, "high_res_size": 90, "do_pad": False},
            "not resized": {"do_resize": False},
            "a null that is not read": {"size": 40, "high_res_size": 61, "high_res_image_std": None, "do_normalize": False},
            "a null that is read": {"size": 40, "high_res_size": 61, "high_res_image_std": None},
        },
        standard=False,
        refuses=lambda size, settings: settings.get("high_res_image_std", 1) is None and settings.get("do_normalize", True),
    ),
    "DeepseekVLImageProcessor": SQUARE,
    "JanusImageProcessor": SQUARE,
}
