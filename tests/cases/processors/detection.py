"""The cases of DETR and similar classes."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase

SMALL = {"size": {"shortest_edge": 60, "longest_edge": 90}}
CASE = ProcessorCase(
    extra={
        "defaults, small": SMALL,
        "no padding": {**SMALL, "do_pad": False},
        "pad_size": {**SMALL, "pad_size": {"height": 95, "width": 130}},
        "pad_size, square": {**SMALL, "pad_size": 91},
        "pad_size, too small": {**SMALL, "pad_size": 61},
        "pad_and_return_pixel_mask": {**SMALL, "pad_and_return_pixel_mask": False},
        "pad_and_return_pixel_mask beside do_pad": {**SMALL, "pad_and_return_pixel_mask": False, "do_pad": True},
        "size and max_size": {"size": 60, "max_size": 77},
        "size and max_size null": {"size": 60, "max_size": None},
        "dictionary and max_size": {**SMALL, "max_size": 61},
        "coco_panoptic": {**SMALL, "format": "coco_panoptic"},
        "unknown format": {**SMALL, "format": "coco"},
        "no format": {**SMALL, "format": None},
        "annotations as they are": {**SMALL, "do_convert_annotations": False},
        "multiple of 16": {"size": {"shortest_edge": 64, "longest_edge": 96}},
        "edge of an image": {"size": {"shortest_edge": 224, "longest_edge": 400}},
    },
    images=(
        ((1, 1), "noise"),
        ((17, 31), "noise"),
        ((333, 500), "photograph"),
        ((260, 40), "photograph"),
        ((224, 300), "noise"),
        ((2, 90), "noise"),
    ),
)

CASES: Mapping[str, ProcessorCase] = {
    "ConditionalDetrImageProcessor": CASE,
    "DeformableDetrImageProcessor": CASE,
    "DetrImageProcessor": CASE,
    "GroundingDinoImageProcessor": CASE,
    "RTDetrImageProcessor": CASE,
    "RfDetrImageProcessor": CASE,
    "YolosImageProcessor": CASE,
}
