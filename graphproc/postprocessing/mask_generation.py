"""Segmenting everything: crops of an image with a grid of points, and the masks of all crops that are worth keeping.

Plain numpy: how many crops, masks and runs there are is decided by sizes and pixels, and nothing here is part of a model's graph.

Source: transformers 5.23, `generate_crop_boxes`, `filter_masks` and `post_process_for_mask_generation` of SAM, SAM 2 and SAM 3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
RunLengths = Mapping[str, Any]
"""`size`, (height, width), and `counts`: how many pixels are outside, inside, outside, ..., column by column."""
NEAR = 20.0
"""How many pixels from a crop's edge a box is cut off by it."""


def crop_boxes(height: int, width: int, layers: int, overlap_ratio: float) -> list[tuple[int, tuple[int, int, int, int]]]:
    """The image, and for each layer a grid of crops that overlap: the layer's number and (left, top, right, bottom) in pixels."""
    found = [(0, (0, 0, width, height))]
    for layer in range(1, layers + 1):
        count = 2**layer
        overlap = int(overlap_ratio * min(height, width) * (2 / count))
        across, down = (math.ceil((overlap * (count - 1) + side) / count) for side in (width, height))
        lefts, tops = ([(side - overlap) * i for i in range(count)] for side in (across, down))
        found += [(layer, (left, top, min(left + across, width), min(top + down, height))) for left in lefts for top in tops]
    return found


def grid(count: int, dtype: type[np.generic]) -> Array:
    """Points (x, y) evenly spaced in a square of side 1, row by row, [count * count, 2]."""
    offset = 1 / (2 * count)
    side = np.linspace(offset, 1 - offset, count).astype(dtype)
    return np.stack([np.tile(side, count), np.repeat(side, count)], axis=-1)


def points_in(box: tuple[int, int, int, int], points: Array, target: int) -> Array:
    """Points of a unit square in a crop, in pixels of the crop resized to a longest edge."""
    width, height = box[2] - box[0], box[3] - box[1]
    scale = target * 1.0 / max(height, width)
    resized = (int(side * scale + 0.5) for side in (width, height))
    factors = np.array([new / old for new, old in zip(resized, (width, height), strict=True)], dtype=points.dtype)
    return np.asarray(points * np.array([width, height], dtype=points.dtype) * factors)


def stability(masks: Array, low: float, high: float) -> Array:
    """How much of what is above the lower threshold is above the higher one, f32 [n]; no number where nothing is."""
    inner, outer = ((masks > limit).sum(axis=(-2, -1)) for limit in (high, low))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(inner.astype(np.float32) / outer.astype(np.float32))


def boxes_around(masks: Array) -> Array:
    """(left, top, right, bottom) of the outermost pixels of each mask, int64 [n, 4]; 0 where there is none."""
    count, height, width = masks.shape
    found = np.zeros((count, 4), dtype=np.int64)
    for sides, axis, length in (((0, 2), -2, width), ((1, 3), -1, height)):
        inside: Array = np.asarray(masks.any(axis=axis))
        some = inside.any(axis=-1)
        found[:, sides[0]] = np.where(some, inside.argmax(axis=-1), 0)
        found[:, sides[1]] = np.where(some, length - 1 - inside[:, ::-1].argmax(axis=-1), 0)
    return found


def cut_off(boxes: Array, crop: Sequence[float], height: int, width: int) -> Array:
    """Whether a box (in the crop's pixels) reaches an edge of the crop that is none of the image."""
    left, top = crop[0], crop[1]
    moved = (boxes + np.array([left, top, left, top])).astype(np.float32)

    def near(box: Sequence[float]) -> Array:
        return np.asarray(np.abs(moved - np.asarray(box, dtype=np.float32)) <= NEAR)

    return np.asarray((near(crop) & ~near([0, 0, width, height])).any(axis=1))


def in_image(masks: Array, crop: Sequence[float], height: int, width: int) -> Array:
    """Masks of a crop at their place in the image."""
    left, top, right, bottom = (int(v) for v in crop)
    found = np.zeros((len(masks), height, width), dtype=masks.dtype)
    found[:, top:bottom, left:right] = masks
    return found


def run_lengths(mask: Array) -> dict[str, Any]:
    """A mask's run lengths, column by column, those outside first."""
    flat = mask.T.reshape(-1)
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    counts = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return {"size": list(mask.shape), "counts": [0, *counts] if flat[0] else counts}


def from_run_lengths(runs: RunLengths) -> Array:
    """The mask of run lengths, bool [height, width]."""
    height, width = runs["size"]
    counts = runs["counts"]
    inside = np.arange(len(counts)) % 2 == 1
    return np.repeat(inside, counts).reshape(width, height).T


def without_overlaps(boxes: Array, scores: Array, limit: float) -> Array:
    """The boxes that overlap no better one by more than a limit, the best first: their places, int64."""
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
