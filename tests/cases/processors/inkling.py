"""The cases of the Inkling family: sides around whole patches, and factors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cases.processors.case import ProcessorCase, Settings

STEPS: Mapping[str, Settings] = {
    "bytes": {"do_rescale": False, "do_normalize": False},
    "normalize alone": {"do_rescale": False, "image_mean": [0.1, 120, 0.9], "image_std": 0.4},
    "rescale alone": {"do_normalize": False, "rescale_factor": 1 / 127.5},
    "rescale_factor 1": {"do_normalize": False, "rescale_factor": 1},
    "patches of 7": {"size": {"height": 7, "width": 7}},
    "patches of 1": {"size": {"height": 1, "width": 1}},
    "patches of 7 x 12": {"size": {"height": 7, "width": 12}},
    "size [9, 9]": {"size": [9, 9]},
    "size 9": {"size": 9},
    "shortest edge": {"size": {"shortest_edge": 9}},
    "size null": {"size": None},
    "do_resize": {"do_resize": True, "resample": 3},
    "do_resize, resample null": {"do_resize": True, "resample": None},
    "do_convert_rgb false": {"do_convert_rgb": False},
    "image_mean null": {"image_mean": None},
}
INKLING2 = ProcessorCase(standard=False, extra=STEPS, edges=((40, 40), (39, 41), (80, 79), (79, 80), (120, 120)))
FACTORS: Mapping[str, Settings] = {
    "twice as large": {"rescale_image_frac": 2},
    "half as large": {"rescale_image_frac": 0.5, "size": {"height": 20, "width": 20}},
    "a quarter larger, bilinear": {"rescale_image_frac": 1.25, "resample": 2},
    "resample null": {"rescale_image_frac": 0.7, "resample": None},
    "filter nearest": {"rescale_image_frac": 0.7, "resample": 0},
    "as large": {"rescale_image_frac": 1.0},
    "up to 60": {"rescale_image_frac": 3.3, "rescale_image_max_upscaled_long_edge": 60},
    "up to 60, smaller": {"rescale_image_frac": 0.9, "rescale_image_max_upscaled_long_edge": 60},
    "no limit": {"rescale_image_frac": 2.5, "rescale_image_max_upscaled_long_edge": None},
    "much smaller": {"rescale_image_frac": 0.05},
    "do_resize false": {"do_resize": False},
}

CASES: Mapping[str, ProcessorCase] = {
    "InklingImageProcessor": replace(INKLING2, extra={**STEPS, **FACTORS}),
    "Inkling2ImageProcessor": replace(INKLING2, extra={**STEPS, "do_resize false": {"do_resize": False}}),
}
