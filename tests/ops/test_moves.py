"""Ops that move data without arithmetic: kernels on CUDA, opsets, and what windows, joins and fillings refuse."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import tiers
from cases.every_op import CASES, FIRSTS, Case
from support.graphs import emit_unoptimized, ort

from graphproc.emitters.onnx.checks import cuda_fallbacks
from graphproc.emitters.onnx.emit import EmitOptions
from graphproc.errors import ShapeError
from graphproc.ir.op import Op
from graphproc.ir.types import TensorType
from graphproc.ops import Concat, Pad, Slice
from graphproc.sizes import num

NAMES = (
    "cast concat full indices numbers pad rearrange rotate slice".split()  # noqa: SIM905
)
CHOSEN = [case for case in CASES if case.bound().name in NAMES]
ROWS = tiers.rows(CHOSEN, FIRSTS)
CHW = TensorType("u8", (3, 9, 8), "CHW")
HEIGHT, WIDTH = num.symbol("height"), num.symbol("width")
TRACED = TensorType("u8", (3, HEIGHT, WIDTH), "CHW")


@pytest.mark.parametrize("case", ROWS, ids=str)
def test_every_node_has_a_cuda_kernel(case: Case) -> None:
    sides = dict(zip(case.layout, case.shape, strict=True))
    for size in (None, (sides["H"], sides["W"])):
        assert cuda_fallbacks(emit_unoptimized(case.program(), EmitOptions("cuda", image_size=size))) == []


@pytest.mark.parametrize("case", ROWS, ids=str)
def test_first_and_last_opset(case: Case) -> None:
    x = case.inputs(1)
    for opset, target in product((17, 23), ("cpu", "cuda")):
        run = ort(emit_unoptimized(case.program(), EmitOptions(target, opset=opset)))  # type: ignore[arg-type]
        case.compare(run({"images": x})["y"], case.oracle(x), f"{target}, opset {opset}")


@pytest.mark.parametrize(
    ("op", "types", "message"),
    [
        (Slice.window(0, 0, 10, 8), (CHW,), "slice: 10 elements from 0 on are not all inside an axis of 9"),
        (Slice.window(0, 1, 9, 8), (CHW,), "slice: 8 elements from 1 on are not all inside an axis of 8"),
        (Slice.window(-1, 0, 2, 2), (CHW,), "slice: 2 elements from -1 on"),
        (
            Slice((-1, -1), (0, 0), (1, 1)),
            (CHW,),
            r"slice: expected different axes and an item for each, got the axes \[-1, ",
        ),
        (Slice((-1,), (0, 0), (1,)), (CHW,), r"got the axes \[-1\] and \[0, 0\] and \[1\]"),
        (Slice((-1,), (0,), ()), (CHW,), r"got the axes \[-1\] and \[0\] and \[\]"),
        (Slice((-3,), (2,), (2,)), (CHW,), "slice: 2 elements from 2 on are not all inside an axis of 3"),
        (Slice((0,), (0,), (1,)), (CHW,), "slice: expected an axis from -3 to -1, got 0"),
        (Slice((-4,), (0,), (1,)), (CHW,), "slice: expected an axis from -3 to -1, got -4"),
        (Pad.end(-1, 9, 256), (CHW,), "pad: expected values that u8 holds, got 256"),
        (Pad((-1, -1), (0, 0), (9, 9)), (CHW,), "pad: expected different axes and an item for each"),
        (Pad.end(1, 9), (CHW,), "pad: expected an axis from -3 to -1, got 1"),
        (Concat(-1), (), "concat: expected one operand or more"),
        (Concat(-1), (CHW, CHW.with_sizes(H=8)), "concat: expected operands alike but for axis -1"),
        (Concat(-2), (CHW, CHW.with_dtype("f32")), "concat: expected operands alike"),
        (Concat(-2), (CHW, TensorType("u8", (3, 9, 8), "NHW")), "concat: expected operands alike"),
        (Concat(-2), (TRACED, TRACED.with_sizes(W=WIDTH + 1)), "concat: expected operands alike"),
        (Concat(-4), (CHW, CHW), "concat: expected an axis from -3 to -1"),
    ],
)
def test_refused(op: Op, types: tuple[TensorType, ...], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        op.infer(*types)


@pytest.mark.parametrize("op", [Slice.window(0, 6, 2, 3), Slice((-1,), (6,), (3,)), Slice((-1,), (-1,), (2,)), Pad.end(-1, 7)])
def test_what_does_not_fit_the_array_is_refused(op: Op) -> None:
    with pytest.raises(ShapeError, match=op.name):
        op.numpy(np.zeros((3, 9, 8)))


def test_traced_sizes_join() -> None:
    total = Concat(-2).infer(TRACED, TRACED, TRACED.with_sizes(H=4)).shape[1]
    assert num.evaluate(total, {"height": 5}) == 14
    assert type(Concat(-3).infer(TRACED, TRACED).shape[0]) is int
