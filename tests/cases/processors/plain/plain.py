"""The cases of classes with the standard steps alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from cases.processors.case import ProcessorCase, Size


def label_map(size: Size) -> dict[str, Any]:
    """Return a map of blocks with every label in it, from which small changes show; a little wider than the image."""
    rows, columns = np.indices((size[0], size[1] + size[1] // 9))
    return {"segmentation_maps": (37 * (rows // 5) + 11 * (columns // 3)).astype(np.uint8)}


LABELS = ProcessorCase(
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

CASES: Mapping[str, ProcessorCase] = {
    "BeitImageProcessor": LABELS,
    "BitImageProcessor": ProcessorCase(),
    "BlipImageProcessor": ProcessorCase(),
    "CLIPImageProcessor": ProcessorCase(
        extra={
            "use_square_size": {"use_square_size": True},
            "use_square_size, size given": {"use_square_size": True, "size": {"shortest_edge": 90}},
            "use_square_size off": {"use_square_size": False, "size": {"shortest_edge": 90}},
        }
    ),
    "ChameleonImageProcessor": ProcessorCase(),
    "ChineseCLIPImageProcessor": ProcessorCase(),
    "DeiTImageProcessor": ProcessorCase(),
    "IdeficsImageProcessor": ProcessorCase(
        derived=("image_size",),
        extra={
            "image_size": {"image_size": 67},
            "image_size before size": {"image_size": 67, "size": {"height": 80, "width": 50}},
            "image_size null": {"image_size": None, "size": {"height": 80, "width": 50}},
        },
    ),
    "MobileNetV1ImageProcessor": ProcessorCase(),
    "MobileNetV2ImageProcessor": LABELS,
    "MobileViTImageProcessor": ProcessorCase(
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
    "OwlViTImageProcessor": ProcessorCase(extra={"rescale for do_rescale": {"rescale": False}}),
    "PPChart2TableImageProcessor": ProcessorCase(),
    "PI0ImageProcessor": ProcessorCase(
        extra={"not padded": {"do_pad": False}, "one size": {"size": {"height": 60, "width": 91}, "pad_size": 101}}
    ),
    "PvtImageProcessor": ProcessorCase(),
    "SegformerImageProcessor": LABELS,
    "SiglipImageProcessor": ProcessorCase(),
    "Tipsv2DptImageProcessor": ProcessorCase(),
    "Tipsv2ImageProcessor": ProcessorCase(),
    "ViTImageProcessor": ProcessorCase(),
}
