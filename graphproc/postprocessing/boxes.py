"""Write steps on boxes that several methods share."""

from __future__ import annotations

from graphproc.ir.program import Value
from graphproc.ir.value import concatenate


def corners(boxes: Value) -> Value:
    """Convert boxes (center x, center y, width, height) to (left, top, right, bottom), float32 [..., 4].

    Source: transformers `image_transforms.center_to_corners_format`.
    """
    center = boxes.narrow(-1, 0, 2)
    half = boxes.narrow(-1, 2, 2) * 0.5
    return concatenate([center - half, center + half])
