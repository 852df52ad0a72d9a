"""Outlines of masks, found with OpenCV's contours.

Source: transformers 5.23, `_extract_polygon_points_by_masks`, `_mask2polygon` and `extract_custom_vertices` of
`PPDocLayoutV3ImageProcessor`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphproc.errors import RuntimeUnavailableError
from graphproc.postprocessing.method import AsIs

Array = np.ndarray[Any, Any]
MASK_STRIDE = 4
"""How many pixels of the processed image one pixel of a mask stands for, along each axis."""
TOLERANCE = 0.004
"""The largest distance of a simplified outline from the contour, as a share of the contour's length."""
SHARP, ABOUT = 45.0, 1.0
"""Corners of 45 degrees, with this tolerance in degrees, are moved outward."""


def outlines(boxes: Array, masks: Array, rows: float, columns: float) -> AsIs:
    """Return the corners (x, y) of each mask's outline within its box, in the image's pixels.

    The corners are the box's where a mask shows nothing there, or has an outline of fewer than four.

    Args:
        boxes: (left, top, right, bottom) in the image's pixels, floats [n, 4].
        masks: 0 and 1, [n, height, width].
        rows: the processed image's height divided by the image's.
        columns: the processed image's width divided by the image's.

    Raises:
        RuntimeUnavailableError: OpenCV is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise RuntimeUnavailableError("outlines need OpenCV: pip install opencv-python-headless") from error
    found = AsIs()
    for box, mask in zip(boxes, masks, strict=True):
        left, top, right, bottom = (int(v) for v in box.astype(np.int32))
        corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], dtype=np.float32)
        part = mask[
            _within(top, bottom, rows / MASK_STRIDE, mask.shape[0]), _within(left, right, columns / MASK_STRIDE, mask.shape[1])
        ]
        if right <= left or bottom <= top or not part.any():
            found.append(corners)
            continue
        whole = cv2.resize(part.astype(np.uint8), (right - left, bottom - top), interpolation=cv2.INTER_NEAREST)
        contours, _ = cv2.findContours(whole, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        if not contours:  # pixels of the mask were lost between those of the resized part
            found.append(None)
            continue
        largest = max(contours, key=cv2.contourArea)
        simple = cv2.approxPolyDP(largest, TOLERANCE * cv2.arcLength(largest, True), True)
        polygon = convex_corners(np.atleast_2d(simple.squeeze()))
        found.append(corners if len(polygon) < 4 else polygon + np.array([left, top], dtype=np.int32))
    return found


def _within(start: int, end: int, scale: float, length: int) -> slice:
    """Return the pixels along an axis of a mask that show pixels `start` to `end` of the image."""
    return slice(*(min(max(round(v * scale), 0), length) for v in (start, end)))


def convex_corners(points: Array) -> list[tuple[Any, ...]]:
    """Return the corners of a polygon that point outward; corners of about 45 degrees are moved farther out."""
    kept = []
    for previous, point, following in zip(np.roll(points, 1, axis=0), points, np.roll(points, -1, axis=0), strict=True):
        back, on = previous - point, following - point
        if back[1] * on[0] - back[0] * on[1] >= 0:
            continue
        lengths = np.linalg.norm(back), np.linalg.norm(on)
        angle = math.degrees(math.acos(np.clip((back @ on) / (lengths[0] * lengths[1]), -1.0, 1.0)))
        if abs(angle - SHARP) < ABOUT:
            middle = back / lengths[0] + on / lengths[1]
            point = point + middle / np.linalg.norm(middle) * (lengths[0] + lengths[1]) / 2
        kept.append(tuple(point))
    return kept
