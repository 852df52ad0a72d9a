"""The cases of PaddleOCR's classes for tables and text."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import Content, ProcessorCase, Size

LINE = {
    "lower": {"size": {"height": 32, "width": 200}, "pad_size": {"height": 32, "width": 200}},
    "on a larger page": {"pad_size": {"height": 61, "width": 401}},
    "padded up to less": {"pad_size": {"height": 48, "width": 60}},
    "not padded": {"do_pad": False},
    "capped": {"max_image_width": 90},
    "capped below size": {"max_image_width": 90, "size": {"height": 40, "width": 120}, "pad_size": 100},
    "not resized": {"do_resize": False, "pad_size": {"height": 340, "width": 501}},
    "not resized, not padded": {"do_resize": False, "do_pad": False},
    "cropped": {"do_center_crop": True, "crop_size": {"height": 33, "width": 80}},
    "nearest": {"resample": 0},
    "bicubic": {"resample": 3},
    "bytes": {"do_rescale": False, "do_normalize": False},
    "rescaled alone": {"do_normalize": False},
    "normalized alone": {"do_rescale": False, "image_mean": [1, 20, 30], "image_std": [5, 6, 7]},
    "statistics": {"image_mean": [0.1, 0.2, 0.3], "image_std": [0.5, 0.6, 0.7]},
    "pad_size null": {"pad_size": None},
    "size by shortest_edge": {"size": {"shortest_edge": 40}},
}
LINES: tuple[tuple[Size, Content], ...] = (
    ((1, 1), "noise"),
    ((17, 31), "noise"),
    ((48, 320), "noise"),
    ((40, 301), "photograph"),
    ((333, 500), "photograph"),
    ((2, 90), "noise"),
    ((5, 400), "noise"),
)
LINE_BATCH = ((30, 90), (20, 300), (45, 45), (50, 400), (61, 400))
LIMITS = {
    "limit 200": {"limit_side_len": 200},
    "limit 200, min": {"limit_side_len": 200, "limit_type": "min", "max_side_limit": 300},
    "limit 150, resize_long": {"limit_side_len": 150, "limit_type": "resize_long"},
    "no max_side_limit": {"limit_side_len": 350, "limit_type": "min", "max_side_limit": None},
    "max_side_limit 100": {"max_side_limit": 100},
    "limit_type other": {"limit_type": "other"},
    "nearest": {"limit_side_len": 200, "resample": 0},
    "bicubic": {"limit_side_len": 200, "resample": 3},
    "box": {"limit_side_len": 200, "resample": 4},
    "not resized": {"do_resize": False},
    "bytes": {"limit_side_len": 100, "do_rescale": False, "do_normalize": False},
    "rescaled alone": {"limit_side_len": 100, "do_normalize": False},
    "normalized alone": {"limit_side_len": 100, "do_rescale": False, "image_mean": [1, 20, 30], "image_std": [5, 6, 7]},
    "rescale_factor 1": {"limit_side_len": 100, "rescale_factor": 1},
    "size null": {"limit_side_len": 100, "size": None},
    "resample null": {"limit_side_len": 100, "resample": None},
}

CASES: Mapping[str, ProcessorCase] = {
    "PPOCRV5ServerDetImageProcessor": ProcessorCase(
        extra=LIMITS,
        standard=False,
        images=(((1, 1), "noise"), ((17, 31), "noise"), ((333, 500), "photograph"), ((2, 90), "noise")),
        batch=((60, 90), (60, 90)),  # others become of different sizes, which transformers does not stack
        edges=((47, 48), (48, 49), (960, 961), (80, 112)),
    ),
    "PPOCRV5ServerRecImageProcessor": ProcessorCase(
        extra=LINE,
        standard=False,
        images=LINES,
        batch=LINE_BATCH,
        refuses=lambda size, settings: size[0] >= 32 * size[1],
        edges=((48, 1), (49, 1), (47, 2), (90, 2), (48, 3200), (48, 3201), (30, 200)),
    ),
    "PPOCRV6SmallRecImageProcessor": ProcessorCase(
        extra={**LINE, "lanczos": {"resample": 1}},
        standard=False,
        images=LINES,
        batch=LINE_BATCH,
        edges=((48, 1), (49, 1), (47, 2), (90, 2), (48, 3200), (48, 3201), (30, 200)),
    ),
    "SLANeXtImageProcessor": ProcessorCase(
        extra={
            "edge 61": {"size": {"height": 61, "width": 40}, "pad_size": 61},
            "edge 91, the width": {"size": {"height": 1, "width": 91}, "pad_size": {"height": 95, "width": 91}},
            "edge 400": {"size": 400},
            "not padded": {"size": 90, "do_pad": False},
            "padded to the largest": {"size": 90, "pad_size": None},
            "not resized": {"do_resize": False, "pad_size": {"height": 340, "width": 501}},
            "cropped": {"size": 90, "do_center_crop": True, "crop_size": {"height": 33, "width": 80}, "pad_size": 90},
            "filter 1, which says nothing": {"size": 90, "resample": 1},
        },
    ),
}
