"""The case of Step 3.7: windows of large and of elongated images."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase

CASES: Mapping[str, ProcessorCase] = {
    "Step3p7ImageProcessor": ProcessorCase(
        always={"size": {"height": 60, "width": 60}, "patch_size": 40, "max_image_size": 200},
        standard=False,
        images=(
            ((1, 1), "noise"),
            ((17, 31), "noise"),  # elongated, but smaller than the view
            ((31, 35), "noise"),  # one view
            ((333, 500), "photograph"),  # too large
            ((2, 90), "noise"),  # made square
            ((133, 31), "noise"),
            ((150, 33), "noise"),  # elongated, and larger than the view
            ((61, 30), "photograph"),  # narrower than a window
            ((80, 120), "noise"),
            ((88, 129), "noise"),  # a rest of exactly a fifth, and of more
        ),
        batch=((60, 90), (90, 60), (50, 50), (133, 31)),
        edges=(
            *((728, 728), (729, 728), (3024, 3025), (3024, 604), (605, 3024), (31, 125), (124, 31), (700, 450), (450, 675)),
            *((504, 1008), (1109, 1008), (1108, 900), (32, 3000), (1, 3000), (3000, 31)),
        ),
        extra={
            "default sizes": {"size": {"height": 728, "width": 728}, "patch_size": 504, "max_image_size": 3024},
            "windows above the view": {"patch_size": 75},
            "windows of 16": {"patch_size": 16, "max_image_size": 100},
            "views of 200": {"size": {"height": 200, "width": 200}},
            "width ignored": {"size": {"height": 60, "width": 31}},
            "size a number": {"size": 70},
            "size by an edge": {"size": {"shortest_edge": 60}},
            "size null": {"size": None},
            "patch_size null": {"patch_size": None},
            "max_image_size below the view": {"max_image_size": 50},
            "max_image_size of 20": {"max_image_size": 20},
            "do_resize ignored": {"do_resize": False},
            "filter lanczos": {"resample": 1},
            "filter nearest": {"resample": 0},
            "filter bicubic": {"resample": 3},
            "resample null": {"resample": None},
            "bytes": {"do_rescale": False, "do_normalize": False},
            "normalize alone": {"do_rescale": False, "image_mean": [0.1, 120, 0.9], "image_std": 0.4},
            "rescale alone": {"do_normalize": False, "rescale_factor": 1 / 127.5},
            "do_convert_rgb false": {"do_convert_rgb": False},
        },
        # Which transformers finds no number only for images with windows.
        refuses=lambda size, settings: settings.get("patch_size", 504) is None,
    ),
}
