"""The cases of PaddleOCR's classes for tables and text."""

from __future__ import annotations

from collections.abc import Mapping

from cases.case import Case

CASES: Mapping[str, Case] = {
    "SLANeXtImageProcessor": Case(
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
