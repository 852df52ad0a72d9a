"""The case of Gemma 3: crops, the last one shorter, and none for images that are small or square."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase

SCAN = {
    "do_pan_and_scan": True,
    "pan_and_scan_min_crop_size": 20,
    "pan_and_scan_max_num_crops": 4,
    "pan_and_scan_min_ratio_to_activate": 1.2,
    "size": {"height": 45, "width": 61},
}

CASES: Mapping[str, ProcessorCase] = {
    "Gemma3ImageProcessor": ProcessorCase(
        images=(
            ((1, 1), "noise"),
            ((1, 9), "noise"),
            ((41, 82), "noise"),
            ((39, 101), "noise"),
            ((333, 500), "photograph"),
            ((260, 40), "photograph"),
            ((2, 90), "noise"),
            ((224, 224), "noise"),
        ),
        batch=((60, 91), (200, 60), (45, 45)),
        edges=((256, 307), (512, 256), (1000, 300), (3000, 200), (100, 499), (99, 500)),
        extra={
            "scan": SCAN,
            "scan, 7 at most": {**SCAN, "pan_and_scan_max_num_crops": 7, "pan_and_scan_min_crop_size": 10},
            "scan, 1 at most": {**SCAN, "pan_and_scan_max_num_crops": 1},
            "scan, crops beyond the image": {**SCAN, "pan_and_scan_max_num_crops": 8, "pan_and_scan_min_crop_size": 1},
            "scan, lanczos": {**SCAN, "resample": 1},
            "scan, bytes": {**SCAN, "do_rescale": False, "do_normalize": False},
            "scan, every ratio": {**SCAN, "pan_and_scan_min_ratio_to_activate": 0},
            "scan, not resized": {**SCAN, "do_resize": False},
            "scan, not resized, no filter": {**SCAN, "do_resize": False, "resample": None},
            "scan, not resized, no size": {**SCAN, "do_resize": False, "size": None},
            "scan, not resized, 1 at most": {**SCAN, "do_resize": False, "pan_and_scan_max_num_crops": 1},
            "scan, edge": {**SCAN, "size": {"shortest_edge": 45}},
            "scan, edge, 1 at most": {**SCAN, "size": {"shortest_edge": 45}, "pan_and_scan_max_num_crops": 1},
            "scan, sizes of models": {
                **SCAN,
                "size": {"height": 224, "width": 224},
                "pan_and_scan_min_crop_size": 256,
            },
            # transformers needs the other two settings for elongated images only; they are refused when they are missing.
            "scan, ratio null": {**SCAN, "pan_and_scan_min_ratio_to_activate": None},
        },
    ),
}
