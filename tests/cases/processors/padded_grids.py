"""The cases of the padded grids family: limits in patches and in pixels, and sides around whole patches."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase, Settings

STEPS: Mapping[str, Settings] = {
    "bytes": {"do_rescale": False, "do_normalize": False},
    "normalize alone": {"do_rescale": False, "image_mean": [0.1, 120, 0.9], "image_std": 0.4},
    "rescale alone": {"do_normalize": False, "rescale_factor": 1 / 127.5},
    "patches of 8": {"patch_size": 8},
    "patches of 1": {"patch_size": 1},
    "patch_size null": {"patch_size": None},
    "patch_size 0": {"patch_size": 0},
    "size 90": {"size": 90},
    "size, height and width": {"size": {"height": 90, "width": 90}},
    "do_convert_rgb false": {"do_convert_rgb": False},
}
SIDES = {"max_height": 6, "max_width": 6}
BETWEEN = {"min_pixels": 4000, "max_pixels": 9000}

CASES: Mapping[str, ProcessorCase] = {
    "Kimi_K25ImageProcessor": ProcessorCase(
        standard=False,
        edges=((28, 28), (27, 29), (1, 8000), (7168, 15), (1792, 1792), (1800, 1800), (13, 14)),
        extra={
            **STEPS,
            "few patches": {"max_patches": 20},
            "one patch": {"max_patches": 1},
            "few patches along a side": {"size": SIDES},
            "few patches, merge 3, patches of 5": {"max_patches": 50, "size": SIDES, "merge_size": 3, "patch_size": 5},
            "merge 1": {"merge_size": 1},
            "lanczos": {"max_patches": 30, "resample": 1},
            "filter nearest": {"max_patches": 30, "resample": 0},
            "do_resize false": {"do_resize": False, "patch_size": 1},
            "do_resize false, patches of 3": {"do_resize": False, "patch_size": 3},
            "do_resize false, size null": {"do_resize": False, "size": None, "patch_size": 1},
            "do_resize false, another size": {"do_resize": False, "size": 90, "patch_size": 1},
            "size null": {"size": None},
            "resample null": {"resample": None},
            "unequal sides": {"size": {"max_height": 6, "max_width": 7}},
            "max_patches null": {"max_patches": None},
            "merge_size null": {"merge_size": None},
        },
    ),
    "NeoMMEImageProcessor": ProcessorCase(
        standard=False,
        edges=((32, 32), (31, 33), (64, 63), (63, 64), (60, 70), (90, 100), (95, 95), (94, 96), (1, 8000)),
        extra={
            **STEPS,
            "size": {"size": BETWEEN},
            "size, one number": {"size": {"min_pixels": 5000, "max_pixels": 5000}},
            "size, least above most": {"size": {"min_pixels": 9000, "max_pixels": 4000}},
            "max_side": {"max_side": 100},
            "max_side 2": {"max_side": 2},  # torch fails to shrink some images to 1 x 1
            "size and max_side": {"size": BETWEEN, "max_side": 90},
            "size and max_side, patches of 5": {"size": BETWEEN, "max_side": 60, "patch_size": 5},
            "lanczos": {"size": BETWEEN, "resample": 1},
            "filter nearest": {"size": BETWEEN, "resample": 0},
            "resample null": {"resample": None},
            "resample null, max_side": {"resample": None, "max_side": 50},
            "resample null, size": {"resample": None, "size": BETWEEN},
            "resample null, do_resize false": {"resample": None, "size": BETWEEN, "do_resize": False},
            "do_resize false": {"do_resize": False, "size": BETWEEN, "max_side": 10},
            "do_resize false, another size": {"do_resize": False, "size": {"shortest_edge": 40}},
            "do_resize null": {"do_resize": None, "max_side": 10},
        },
    ),
}
