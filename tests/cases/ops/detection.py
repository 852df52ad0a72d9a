"""Rows of ops that detectors need: OpenCV's resize and non-maximum suppression."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from cases.ops.case import Case
from oracles.pixels import opencv_nms, opencv_resize, per_image

from graphproc.ops import NonMaxSuppression, Rearrange
from graphproc.ops.resample import OPENCV, Resample
from graphproc.sizes import num

Array = np.ndarray[Any, Any]

RESIZE = (
    *(
        Case(
            Resample(*new, "bilinear", False, OPENCV),
            (3, *size),
            "CHW",
            per_image(partial(opencv_resize, height=new[0], width=new[1])),
            f"opencv, {size} to {new}{note}",
        )
        for size, new, note in (
            ((23, 37), (9, 11), ""),
            ((9, 30), (20, 3), ""),
            ((22, 36), (11, 18), ", half"),
            ((22, 36), (11, 17), ", half of the height"),
            ((22, 36), (44, 72), ", doubled"),
            ((23, 37), (23, 37), ", the same"),
            ((1, 1), (3, 2), ""),
            ((7, 1), (3, 9), ""),
        )
    ),
    Case(
        lambda h, w: Resample(h + 13, w // 2 + 5, "bilinear", False, OPENCV),
        (2, 1, 20, 30),
        "NCHW",
        per_image(partial(opencv_resize, height=33, width=20)),
        "opencv, traced, tiles",
    ),
    *(
        Case(
            lambda h, w: Resample(num.maximum(h // 2, 4), num.maximum(w // 2, 4), "bilinear", False, OPENCV),
            (3, *size),
            "CHW",
            per_image(partial(opencv_resize, height=max(size[0] // 2, 4), width=max(size[1] // 2, 4))),
            f"opencv, traced, {size}",
        )
        for size in ((24, 18), (25, 18))
    ),
)

# Noise [4, height, width] as height * width boxes, and the same noise as their scores of four classes.
_OPERANDS = (Rearrange("c h w -> (h w) c"), Rearrange("c h w -> c (h w)"))


def _suppressed(op: NonMaxSuppression, size: tuple[int, int], note: str) -> Case:
    def oracle(x: Array) -> Array:
        planes = x.reshape(-1, 4, size[0] * size[1])
        kept = [opencv_nms(p.T, p, op.iou_threshold, op.score_threshold, op.limit, op.candidates) for p in planes]
        return np.stack(kept).reshape(*x.shape[:-2], size[0] * size[1])

    return Case(op, (4, *size), "CHW", oracle, note, dtype="f32", operands=_OPERANDS)


SUPPRESSION = (
    _suppressed(NonMaxSuppression(0.5), (6, 9), "at a half"),
    _suppressed(NonMaxSuppression(0.25, 0.3), (6, 9), "with a threshold of scores"),
    _suppressed(NonMaxSuppression(0.1, 0.1, 3), (7, 8), "three of a class"),
    _suppressed(NonMaxSuppression(0.25, candidates=9), (6, 9), "the best nine of a class"),
    _suppressed(NonMaxSuppression(0.3, 0.999), (4, 5), "nothing above the threshold"),
    _suppressed(NonMaxSuppression(0.0), (1, 1), "one box"),
    _suppressed(NonMaxSuppression(1.0), (3, 4), "nothing suppressed"),
)

CASES: tuple[Case, ...] = (*RESIZE, *SUPPRESSION)
