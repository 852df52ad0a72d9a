"""Non-maximum suppression where it is decided by a hair: ties, thresholds met exactly, boxes without area."""

from __future__ import annotations

import numpy as np
import pytest
from support.graphs import assert_same, ort

from graphproc.emitters.onnx.emit import EmitOptions, emit
from graphproc.errors import ShapeError
from graphproc.ir.program import Parity, Program, ProgramBuilder
from graphproc.ir.types import TensorType
from graphproc.ops import NonMaxSuppression
from graphproc.sizes import num

_F = np.float32


def _program(op: NonMaxSuppression, boxes: num.Num, classes: int) -> Program:
    b = ProgramBuilder("suppression", Parity("itself"), inputs_batched=True)
    x = b.input("boxes", TensorType("f32", (boxes, 4)))
    scores = b.input("scores", TensorType("f32", (classes, boxes)))
    b.output("kept", b.add(op, x, scores))
    return b.finish()


@pytest.mark.parametrize(
    "op",
    [
        NonMaxSuppression(0.5),
        NonMaxSuppression(0.25, 0.3),
        NonMaxSuppression(0.5, 0.2, 4),
        NonMaxSuppression(0.5, candidates=20),
        NonMaxSuppression(0.5, 0.5, candidates=1),
    ],
    ids=str,
)
def test_ties(op: NonMaxSuppression, rng: np.random.Generator) -> None:
    """Corners on a coarse grid and scores of few values: equal scores, overlaps of exactly a half, empty boxes."""
    run = ort(emit(_program(op, num.symbol("count"), 2), EmitOptions("cpu", "batch")))
    for count in (0, 1, 2, 30, 80):
        boxes = rng.integers(0, 6, (3, count, 4)).astype(_F)
        scores = (rng.integers(0, 6, (3, 2, count)) / _F(5)).astype(_F)
        assert_same(op.numpy(boxes, scores), run({"boxes": boxes, "scores": scores})["kept"], f"{count} boxes")


def test_rules() -> None:
    boxes = np.array([[0, 0, 2, 2], [2, 2, 0, 1], [0, 0, 2, 2], [5, 5, 5, 9], [5, 5, 5, 9]], dtype=_F)
    scores = np.array([[0.5, 0.75, 0.5, 0.5, 0.25]], dtype=_F)
    # The second box is half of the first and the third, and its corners come in the other order.
    assert NonMaxSuppression(0.5).numpy(boxes, scores).tolist() == [[True, True, False, True, True]]
    assert NonMaxSuppression(0.49).numpy(boxes, scores).tolist() == [[False, True, False, True, True]]
    assert NonMaxSuppression(0.5, 0.25).numpy(boxes, scores).tolist() == [[True, True, False, True, False]]
    assert NonMaxSuppression(0.5, limit=2).numpy(boxes, scores).tolist() == [[True, True, False, False, False]]
    assert NonMaxSuppression(1.0).numpy(boxes, scores).all()
    # Three boxes share the second place.
    assert NonMaxSuppression(1.0, candidates=2).numpy(boxes, scores).tolist() == [[True, True, True, True, False]]
    assert NonMaxSuppression(1.0, candidates=1).numpy(boxes, scores).tolist() == [[False, True, False, False, False]]


@pytest.mark.parametrize(
    ("op", "shapes", "message"),
    [
        (NonMaxSuppression(1.5), ((9, 4), (1, 9)), "expected an iou_threshold from 0 to 1, got 1.5"),
        (NonMaxSuppression(0.5, limit=-1), ((9, 4), (1, 9)), "expected limit and candidates of at least 0, got -1 and 0"),
        (NonMaxSuppression(0.5), ((9, 5), (1, 9)), r"expected boxes \[n, 4\] and scores \[classes, n\]"),
        (NonMaxSuppression(0.5), ((9, 4), (9, 1)), r"expected boxes \[n, 4\] and scores \[classes, n\]"),
        (NonMaxSuppression(0.5), ((9, 4), (9,)), r"expected boxes \[n, 4\] and scores \[classes, n\]"),
    ],
    ids=str,
)
def test_refused(op: NonMaxSuppression, shapes: tuple[tuple[int, ...], ...], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        op.infer(*(TensorType("f32", shape) for shape in shapes))
