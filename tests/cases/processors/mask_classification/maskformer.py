"""The cases of MaskFormer and Mask2Former."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase

SMALL = {"size": {"shortest_edge": 60, "longest_edge": 90}}
LABELS = {"ignore_index": 255, "do_reduce_labels": True, "num_labels": 7}
IMAGES = (((1, 1), "noise"), ((17, 31), "noise"), ((333, 500), "photograph"), ((260, 40), "photograph"), ((2, 90), "noise"))
CASE = ProcessorCase(
    extra={
        "defaults, small": SMALL,
        "divisor 1": {**SMALL, "size_divisor": 1},
        "divisor 0": {**SMALL, "size_divisor": 0},
        "divisor 7": {**SMALL, "size_divisor": 7},
        "divisor null": {**SMALL, "size_divisor": None},
        "do_pad is not read": {**SMALL, "do_pad": False},
        "pad_size": {**SMALL, "pad_size": {"height": 128, "width": 130}},
        "pad_size, too small": {**SMALL, "pad_size": 61},
        "labels only": {**SMALL, **LABELS},
        "size and max_size": {"size": 60, "max_size": 77},
        "max_size": {"max_size": 96},
        "dictionary and max_size": {**SMALL, "max_size": 61},
        "max_size null": {"size": 60, "max_size": None},
    },
    images=IMAGES,
)
CASES: Mapping[str, ProcessorCase] = {
    "Mask2FormerImageProcessor": CASE,
    "MaskFormerImageProcessor": CASE,
}
