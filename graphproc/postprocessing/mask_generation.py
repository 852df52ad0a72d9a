"""Segment everything: crops of an image with a grid of points, and the masks worth keeping from all crops.

Plain numpy: sizes and pixels decide how many crops, masks and runs there are, and no model's graph
contains any of it.

Source: transformers 5.23, `generate_crop_boxes`, `filter_masks` and `post_process_for_mask_generation` of SAM, SAM 2 and SAM 3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
RunLengths = Mapping[str, Any]
"""A mask as `size`, (height, width), and `counts`: how many pixels are outside, inside, outside, ..., column by column."""
NEAR = 20.0
"""A box within this many pixels of a crop's edge counts as cut off by it."""


def crop_boxes(height: int, width: int, layers: int, overlap_ratio: float) -> list[tuple[int, tuple[int, int, int, int]]]:
    """Return the image and, for each layer, a grid of crops that overlap.

    Each is the layer's number and (left, top, right, bottom) in pixels. Layer 0 is the whole image, layer
    n has 2 to the power of n crops along each side.
    """
    found = [(0, (0, 0, width, height))]
    for layer in range(1, layers + 1):
        count = 2**layer
        overlap = int(overlap_ratio * min(height, width) * (2 / count))
        across, down = (math.ceil((overlap * (count - 1) + side) / count) for side in (width, height))
        lefts, tops = ([(side - overlap) * i for i in range(count)] for side in (across, down))
        found += [(layer, (left, top, min(left + across, width), min(top + down, height))) for left in lefts for top in tops]
    return found


def grid(count: int, dtype: type[np.generic]) -> Array:
    """Return points (x, y), evenly spaced in a square of side 1, row by row, floats [count * count, 2]."""
    offset = 1 / (2 * count)
    side = np.linspace(offset, 1 - offset, count).astype(dtype)
    return np.stack([np.tile(side, count), np.repeat(side, count)], axis=-1)


def points_in(box: tuple[int, int, int, int], points: Array, target: int) -> Array:
    """Map points of a unit square to a crop, in pixels of the crop resized to the longest edge `target`."""
    width, height = box[2] - box[0], box[3] - box[1]
    scale = target * 1.0 / max(height, width)
    resized = (int(side * scale + 0.5) for side in (width, height))
    factors = np.array([new / old for new, old in zip(resized, (width, height), strict=True)], dtype=points.dtype)
    return np.asarray(points * np.array([width, height], dtype=points.dtype) * factors)


def stability(masks: Array, low: float, high: float) -> Array:
    """Return the share of a mask's pixels above the lower threshold that is above the higher one, f32 [n]; NaN for none."""
    inner, outer = ((masks > limit).sum(axis=(-2, -1)) for limit in (high, low))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(inner.astype(np.float32) / outer.astype(np.float32))


def boxes_around(masks: Array) -> Array:
    """Return (left, top, right, bottom) of the outermost pixels of each mask, int64 [n, 4]; zeros for empty masks."""
    count, height, width = masks.shape
    found = np.zeros((count, 4), dtype=np.int64)
    for sides, axis, length in (((0, 2), -2, width), ((1, 3), -1, height)):
        inside: Array = np.asarray(masks.any(axis=axis))
        some = inside.any(axis=-1)
        found[:, sides[0]] = np.where(some, inside.argmax(axis=-1), 0)
        found[:, sides[1]] = np.where(some, length - 1 - inside[:, ::-1].argmax(axis=-1), 0)
    return found


def cut_off(boxes: Array, crop: Sequence[float], height: int, width: int) -> Array:
    """Tell whether each box (in the crop's pixels) reaches an edge of the crop that is not the image's; bools [n]."""
    left, top = crop[0], crop[1]
    moved = (boxes + np.array([left, top, left, top])).astype(np.float32)

    def near(box: Sequence[float]) -> Array:
        return np.asarray(np.abs(moved - np.asarray(box, dtype=np.float32)) <= NEAR)

    return np.asarray((near(crop) & ~near([0, 0, width, height])).any(axis=1))


def in_image(masks: Array, crop: Sequence[float], height: int, width: int) -> Array:
    """Place masks of a crop in the whole image, with zeros around them."""
    left, top, right, bottom = (int(v) for v in crop)
    found = np.zeros((len(masks), height, width), dtype=masks.dtype)
    found[:, top:bottom, left:right] = masks
    return found


def run_lengths(mask: Array) -> dict[str, Any]:
    """Return a mask's run lengths, column by column; the first run is outside the mask."""
    flat = mask.T.reshape(-1)
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return {"size": list(mask.shape), "counts": [0, *counts] if flat[0] else counts}


def from_run_lengths(runs: RunLengths) -> Array:
    """Return the mask that run lengths describe, bools [height, width]."""
    height, width = runs["size"]
    counts = runs["counts"]
    inside = np.arange(len(counts)) % 2 == 1
    return np.repeat(inside, counts).reshape(width, height).T


def without_overlaps(boxes: Array, scores: Array, limit: float) -> Array:
    """Find the boxes that overlap no better one by more than a limit; return their positions, int64, the best first."""
    boxes = boxes.astype(np.float32)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    waiting, kept = np.argsort(-scores, kind="stable"), []
    while len(waiting):
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        corner = np.maximum(boxes[best, :2], boxes[waiting, :2]), np.minimum(boxes[best, 2:], boxes[waiting, 2:])
        extent = np.maximum(corner[1] - corner[0], 0)
        shared = extent[:, 0] * extent[:, 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            overlap = shared / (area[best] + area[waiting] - shared)
        waiting = waiting[~(overlap > np.float32(limit))]
    return np.array(kept, dtype=np.int64)
