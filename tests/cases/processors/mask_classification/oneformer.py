"""The case of OneFormer."""

from __future__ import annotations

from collections.abc import Mapping

from cases.processors.case import ProcessorCase
from cases.processors.mask_classification.maskformer import IMAGES, LABELS, SMALL

CASES: Mapping[str, ProcessorCase] = {
    "OneFormerImageProcessor": ProcessorCase(
        extra={
            "defaults, small": SMALL,
            "labels only": {**SMALL, **LABELS},
            "class names": {**SMALL, "num_text": 4, "repo_path": None},
            "pad_size is not read": {**SMALL, "pad_size": 61, "do_pad": True},
        },
        images=IMAGES,
    ),
}
