"""The cases of SAM 2 and SAM 3."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase
from cases.processors.plain.plain import label_map

MASKS = {"size": {"height": 90, "width": 101}, "mask_size": {"height": 40, "width": 50}}
CASE = ProcessorCase(
    keywords=label_map,
    extra={
        "mask_size": MASKS,
        "mask_size by shortest edge": {**MASKS, "mask_size": {"shortest_edge": 31}},
        "mask_size, a number": {**MASKS, "mask_size": 40},
        "mask_size null": {**MASKS, "mask_size": None},
        "cropped": {**MASKS, "do_center_crop": True, "crop_size": {"height": 33, "width": 41}},
        "padded": {**MASKS, "do_pad": True, "pad_size": 120},
        "do_resize false, mask_size": {**MASKS, "do_resize": False},
    },
)

CASES: Mapping[str, ProcessorCase] = {"Sam2ImageProcessor": CASE, "Sam3ImageProcessor": CASE}
