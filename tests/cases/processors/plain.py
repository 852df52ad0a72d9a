"""The cases of classes with specs in modules of the plain family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from cases.processors.case import Case, Size


def label_map(size: Size) -> dict[str, Any]:
    """Return a map of blocks with every label in it, from which small changes show; a little wider than the image."""
    rows, columns = np.indices((size[0], size[1] + size[1] // 9))
    return {"segmentation_maps": (37 * (rows // 5) + 11 * (columns // 3)).astype(np.uint8)}


LABELS = Case(
    keywords=label_map,
    extra={
        "do_reduce_labels": {"do_reduce_labels": True},
        "do_reduce_labels, small, cropped": {
            "do_reduce_labels": True,
            "size": {"height": 61, "width": 45},
            "do_center_crop": True,
            "crop_size": {"height": 80, "width": 33},
        },
    },
)
NO_OCR = Case(always={"apply_ocr": False})  # tesseract is not in the graph, nor in the test environment
CROP_PCT = {
    "crop_pct .5": {"crop_pct": 0.5, "size": {"shortest_edge": 61}},
    "crop_pct 1": {"crop_pct": 1.0, "size": {"shortest_edge": 61}},
    "crop_pct null": {"crop_pct": None, "size": {"shortest_edge": 61}},
    "crop_pct 0": {"crop_pct": 0, "size": {"shortest_edge": 61}},
}

CASES: Mapping[str, Case] = {
    "BeitImageProcessor": LABELS,
    "BitImageProcessor": Case(),
    "BlipImageProcessor": Case(),
    "CLIPImageProcessor": Case(
        extra={
            "use_square_size": {"use_square_size": True},
            "use_square_size, size given": {"use_square_size": True, "size": {"shortest_edge": 90}},
            "use_square_size off": {"use_square_size": False, "size": {"shortest_edge": 90}},
        }
    ),
    "ChameleonImageProcessor": Case(),
    "ChineseCLIPImageProcessor": Case(),
    "ConvNextImageProcessor": Case(
        extra={
            **CROP_PCT,
            "edge 383, cropped": {"size": {"shortest_edge": 383}},
            "edge 384, crop_pct null": {"size": {"shortest_edge": 384}, "crop_pct": None},
            "edge 400, warped": {"size": {"shortest_edge": 400}},
            "edge 61, then a crop": {"size": 61, "do_center_crop": True, "crop_size": {"height": 33, "width": 80}},
        }
    ),
    "DeiTImageProcessor": Case(),
    "IdeficsImageProcessor": Case(
        derived=("image_size",),
        extra={
            "image_size": {"image_size": 67},
            "image_size before size": {"image_size": 67, "size": {"height": 80, "width": 50}},
            "image_size null": {"image_size": None, "size": {"height": 80, "width": 50}},
        },
    ),
    "LayoutLMv2ImageProcessor": NO_OCR,
    "LayoutLMv3ImageProcessor": NO_OCR,
    "LevitImageProcessor": Case(extra={"edge 7": {"size": {"shortest_edge": 7}, "crop_size": 7}}),
    "MobileNetV1ImageProcessor": Case(),
    "MobileNetV2ImageProcessor": LABELS,
    "MobileViTImageProcessor": Case(
        keywords=label_map,
        extra={
            **LABELS.extra,
            "channels not flipped": {"do_flip_channel_order": False, "size": {"shortest_edge": 61}},
            "do_normalize has no step": {"do_normalize": True, "size": {"shortest_edge": 61}},
            "flip alone": {
                "do_resize": False,
                "do_rescale": False,
                "do_center_crop": True,
                "crop_size": {"height": 41, "width": 30},
            },
        },
    ),
    "OwlViTImageProcessor": Case(extra={"rescale for do_rescale": {"rescale": False}}),
    # The crop is size / crop_size of the shorter side, down to no pixels, and without a resize the result is empty.
    "PerceiverImageProcessor": Case(
        refuses=lambda size, settings: min(size) <= 5 and not settings.get("do_resize", True),
        extra={
            "crop of the whole": {"crop_size": {"height": 224, "width": 224}},
            "crop of a part, odd": {"size": {"height": 50, "width": 71}, "crop_size": {"height": 97, "width": 113}},
            "crop above the image": {"size": {"height": 90, "width": 71}, "crop_size": {"height": 60, "width": 64}},
        },
    ),
    "PoolFormerImageProcessor": Case(
        extra={
            **CROP_PCT,
            "crop_pct, square": {"size": {"height": 61, "width": 61}},
            "crop_pct, height and width": {"size": {"height": 61, "width": 90}},
            "crop_pct null, square": {"size": {"height": 61, "width": 61}, "crop_pct": None},
        }
    ),
    "PPChart2TableImageProcessor": Case(),
    "PI0ImageProcessor": Case(
        extra={"not padded": {"do_pad": False}, "one size": {"size": {"height": 60, "width": 91}, "pad_size": 101}}
    ),
    "PvtImageProcessor": Case(),
    "SegformerImageProcessor": LABELS,
    "SiglipImageProcessor": Case(),
    "Tipsv2DptImageProcessor": Case(),
    "Tipsv2ImageProcessor": Case(),
    "ViTImageProcessor": Case(),
}
