"""Sizes as data: rounding, shapes, refusals; grids and filled tensors with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.graphs import assert_same, emit_unoptimized, images, one_step, ort

from graphproc.emitters.onnx.builder import GraphBuilder
from graphproc.emitters.onnx.emit import EmitOptions
from graphproc.errors import ShapeError, TracedBranchError
from graphproc.ir.op import Op
from graphproc.ops import Full, Indices, Numbers
from graphproc.sizes import num

HEIGHT = num.symbol("height")


def test_float32_rounds_once() -> None:
    """7919 / 7877 * 3 differs where the quotient is rounded to float32 before the product."""
    run = ort(
        emit_unoptimized(
            one_step(lambda h, w: Numbers((h / w * 3, h / w, w / h), "f32"), "u8", (1, 2, 3), "CHW", ()),
            EmitOptions("cpu", "image"),
        )
    )
    sides = [(h, w) for h in (1, 3, 7, 11, 331) for w in (1, 3, 13, 337)]
    late = 0
    for h, w in sides:
        expected = np.array([h / w * 3, h / w, w / h]).astype(np.float32)
        late += np.float32(np.float32(h / w) * np.float32(3)) != expected[0]
        assert_same(run({"image": images(1, 1, h, w)[0]})["y"], expected[None], f"{h} x {w}")
        assert_same(Numbers((h / w * 3, h / w, w / h), "f32").numpy(), expected)
    assert late


def test_ints_above_the_mantissa_round_once() -> None:
    values = (2**24 + 1, 2**24 + 3, 2**53 + 1, 2**62 + 2**38 + 1)
    assert_same(Numbers(values, "f32").numpy(), np.array(values, np.int64).astype(np.float32))
    make = one_step(lambda h, w: Numbers(tuple(h - 5 + v for v in values), "f32"), "u8", (1, 5, 3), "CHW", ())
    run = ort(emit_unoptimized(make, EmitOptions("cpu", "image")))
    assert_same(run({"image": images(1, 1, 5, 3)[0]})["y"][0], np.array(values, np.int64).astype(np.float32))


def test_one_graph_for_every_grid() -> None:
    make = one_step(lambda h, w: Indices(h // 2, w // 3, 1, "xy", "f32"), "u8", (1, 2, 3), "CHW", ())
    run = ort(emit_unoptimized(make, EmitOptions("cpu", "image")))
    for h, w in ((2, 3), (9, 3), (2, 17), (40, 31), (1, 9), (9, 1)):
        cells = [(c + 1, r + 1) for r in range(h // 2) for c in range(w // 3)]
        expected = np.array(cells, np.float32).reshape(1, -1, 2)
        assert_same(run({"image": images(1, 1, h, w)[0]})["y"], expected, f"{h} x {w}")


@pytest.mark.parametrize(
    ("op", "message"),
    [
        (Numbers((1, 2), shape=()), r"numbers: expected 1 numbers for the shape \(\), got 2"),
        (Numbers((1, 2), shape=(1, 3)), r"expected 3 numbers for the shape \(1, 3\), got 2"),
        (Numbers((HEIGHT / 2,)), "numbers: float `height / 2` cannot become i64"),
        (Numbers((0.5,), "i32"), "numbers: float `0.5` cannot become i32"),
        (Numbers((HEIGHT,), "u8"), "numbers: int `height` cannot become u8"),
        (Numbers((HEIGHT,), "bool"), "numbers: int `height` cannot become bool"),
        (Full((2,), 0.5, "i64"), "full: i64 cannot hold 0.5"),
        (Full((2,), 256, "u8"), "full: u8 cannot hold 256"),
        (Full((2,), -1, "u8"), "full: u8 cannot hold -1"),
        (Full((2,), 2, "bool"), "full: bool cannot hold 2"),
        (Full((2,), float("nan"), "i32"), "full: i32 cannot hold nan"),
        (Full((2,), 0, "f8"), "full: expected a dtype of"),
        (Indices(2, 2, order="rc"), "indices: expected the order yx or xy, got 'rc'"),  # type: ignore[arg-type]
        (Indices(2, 2, dtype="u8"), "indices: expected i32, i64 or f32, got 'u8'"),
    ],
)
def test_refused(op: Op, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        op.infer()


@pytest.mark.parametrize("op", [Numbers((HEIGHT,)), Numbers((HEIGHT / 2,), "f32"), Full((HEIGHT,), 0, "u8"), Indices(HEIGHT, 2)])
def test_the_numpy_rule_needs_a_bound_op(op: Any) -> None:
    with pytest.raises(TracedBranchError, match="bind the program's sizes first"):
        op.numpy()


@pytest.mark.parametrize(("target", "dtype"), [("cpu", "u8"), ("portable", "f32")])
def test_bytes_are_held_as_the_targets_pixels_are(target: str, dtype: str) -> None:
    g = GraphBuilder(target, 18, 0)
    assert g.dtype(Full((2, 3), 127, "u8").onnx(g)) == dtype
