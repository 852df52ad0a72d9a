"""Suppress boxes that overlap one with a higher score (non-maximum suppression)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype
from graphproc.ir.types import TensorType
from graphproc.ops.resample.both_axes import END


@op("non_max_suppression")
@dataclass(frozen=True, slots=True)
class NonMaxSuppression(Op):
    """Choose the boxes that are kept for each class.

    Boxes are taken from the highest score down. A box is kept if it does not overlap a kept one too
    much. Of equal scores the first box comes first. The opposite corners of a box may come in any
    order. A box without area overlaps nothing.

    Shapes:   boxes (..., n, 4) by two corners and scores (..., classes, n) -> (..., classes, n).
              One row of scores treats boxes of all classes alike.
    Dtypes:   f32 and f32 -> bool.
    Rounding: float32 after each operation; the area of the intersection is divided by that of the
              union. A compiler that fuses a product with a sum may decide differently if the
              quotient is the threshold to the last bit.
    Source:   ONNX NonMaxSuppression-11; R-CNN's greedy suppression, `torchvision.ops.nms`.

    Attributes:
        iou_threshold: a box is suppressed if its intersection over union with a kept one is above
            this; 0 to 1.
        score_threshold: a box is kept only if its score is above this. NaN comes last, and runtimes
            may drop it.
        limit: the largest number of boxes kept of a class; 0 for any number.
        candidates: how many boxes of a class are considered, those with the highest scores, and
            others with the same score as the last of them; 0 for all.
    """

    iou_threshold: float
    score_threshold: float = -math.inf
    limit: int = 0
    candidates: int = 0

    def infer(self, boxes: TensorType, scores: TensorType) -> TensorType:
        """Return the type of one bool for each score."""
        for x in (boxes, scores):
            require_dtype(self, x, "f32")
        if boxes.rank != 2 or scores.rank != 2 or boxes.shape[1] != 4 or boxes.shape[0] != scores.shape[1]:
            raise ShapeError(f"non_max_suppression: expected boxes [n, 4] and scores [classes, n], got {boxes} and {scores}")
        if not 0 <= self.iou_threshold <= 1:
            raise ShapeError(f"non_max_suppression: expected an iou_threshold from 0 to 1, got {self.iou_threshold}")
        if min(self.limit, self.candidates) < 0:
            raise ShapeError(
                f"non_max_suppression: expected limit and candidates of at least 0, got {self.limit} and {self.candidates}"
            )
        return scores.with_dtype("bool")

    def numpy(self, boxes: Array, scores: Array) -> Array:
        """Choose class by class."""
        kept = np.zeros(scores.shape, dtype=np.bool_)
        for place in np.ndindex(scores.shape[:-1]):
            kept[place][self._kept(boxes[place[:-1]], scores[place])] = True
        return kept

    def _kept(self, boxes: Array, scores: Array) -> list[int]:
        """Return the places of the boxes that are kept, the best first.

        `boxes` is `[n, 4]`, `scores` is `[n]`.
        """
        waiting = np.argsort(-scores, kind="stable")
        if 0 < self.candidates < len(waiting):
            waiting = waiting[scores[waiting] >= scores[waiting[self.candidates - 1]]]
        waiting = waiting[~(scores[waiting] <= np.float32(self.score_threshold))]
        kept: list[int] = []
        while len(waiting) and (not self.limit or len(kept) < self.limit):
            best, waiting = waiting[0], waiting[1:]
            kept.append(int(best))
            waiting = waiting[overlap(boxes[best], boxes[waiting]) <= np.float32(self.iou_threshold)]
        return kept

    def onnx(self, g: Builder, boxes: Value, scores: Value) -> Value:
        """Emit NonMaxSuppression, and set the elements at the places that it returns to true."""
        count = g.Shape(scores, start=-1)
        if self.candidates:
            best, _ = g.TopK(scores, g.Min(count, g.constant([self.candidates], "i64")), axis=-1, outputs=2)
            last = g.Slice(best, g.vector(-1), g.vector(END), g.vector(-1))
            scores = g.Where(g.Less(scores, last), g.constant([-math.inf], "f32"), scores)
        if not g.leading:
            boxes, scores = (g.Unsqueeze(x, g.vector(0)) for x in (boxes, scores))
        places = g.NonMaxSuppression(
            boxes,
            scores,
            g.constant([self.limit], "i64") if self.limit else count,
            g.constant([self.iou_threshold], "f32"),
            g.constant([self.score_threshold], "f32"),
        )
        none = g.Expand(g.constant([False], "bool"), g.Shape(scores))
        kept = g.ScatterND(none, places, g.Expand(g.constant([True], "bool"), g.Shape(places, start=0, end=1)))
        return kept if g.leading else g.Squeeze(kept, g.vector(0))


def overlap(box: Array, others: Array) -> Array:
    """Return the intersection over union of one box `[4]` with others `[n, 4]`, float32 `[n]`.

    It is 0 if either box has no area.
    """
    low, high = (np.concatenate([f(b[:, :2], b[:, 2:]) for b in (box[None], others)]) for f in (np.minimum, np.maximum))
    areas = (high - low).prod(axis=1)
    sides = np.maximum(np.minimum(high[0], high[1:]) - np.maximum(low[0], low[1:]), 0)
    inter = sides.prod(axis=1)
    union = (areas[0] + areas[1:]) - inter
    real = (inter > 0) & (areas[1:] > 0) & (areas[0] > 0) & (union > 0)
    return np.where(real, inter / np.where(real, union, 1), np.float32(0))
