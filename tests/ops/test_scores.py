"""Ops on models' outputs: kernels on CUDA, opsets, extremes of sigmoids, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import tiers
from cases.every_op import CASES, FIRSTS, Case
from support.graphs import emit_unoptimized, one_step, ort

from graphproc.emitters.onnx.checks import cuda_fallbacks
from graphproc.emitters.onnx.emit import EmitOptions
from graphproc.errors import ShapeError
from graphproc.ir.op import Op
from graphproc.ir.types import TensorType
from graphproc.ops import Binary, Compress, Gather, MatMul, Reduce, Softmax, TopK, Unary
from graphproc.sizes import num

NAMES = ("binary", "compress", "gather", "mat_mul", "reduce", "softmax", "top_k", "unary")
CHOSEN = [case for case in CASES if case.bound().name in NAMES]
ROWS = tiers.rows(CHOSEN, FIRSTS)


@pytest.mark.parametrize("case", ROWS, ids=str)
def test_every_node_has_a_cuda_kernel(case: Case) -> None:
    sides = dict(zip(case.layout, case.shape, strict=True))
    for size in (None, (sides["H"], sides["W"])):
        assert cuda_fallbacks(emit_unoptimized(case.program(), EmitOptions("cuda", image_size=size))) == []


@pytest.mark.parametrize("case", ROWS, ids=str)
def test_first_and_last_opset(case: Case) -> None:
    x = case.inputs(1)
    for opset in (17, 23):
        run = ort(emit_unoptimized(case.program(), EmitOptions("cuda", opset=opset)))
        case.compare(run({"images": x})["y"], case.oracle(x), f"opset {opset}")


def test_sigmoids_of_large_numbers() -> None:
    """Small scores keep their digits; ONNX Runtime's own Sigmoid loses them."""
    torch = pytest.importorskip("torch")
    x = np.concatenate([np.linspace(-80, 80, 3201), [-np.inf, np.inf, -1e30, 1e30, -0.0]]).astype(np.float32)[None]
    expected = torch.sigmoid(torch.from_numpy(x)).numpy()
    program = one_step(Unary("sigmoid"), "f32", x.shape, "HW")
    for found in (Unary("sigmoid").numpy(x), ort(emit_unoptimized(program, EmitOptions()))({"images": x[None]})["y"][0]):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=0)


F32, I64 = TensorType("f32", (5, 4)), TensorType("i64", (5, 4))
FLAGS, PLACES = TensorType("bool", (5,)), TensorType("i64", (3,))
N = num.symbol("n")


@pytest.mark.parametrize(
    ("op", "types", "message"),
    [
        (Softmax(), (I64,), "softmax: expected f32, got i64"),
        (Softmax(-3), (F32,), "softmax: expected an axis"),
        (Softmax(0), (F32,), "softmax: expected an axis"),
        (Unary("tanh"), (F32,), "unary: expected one of sigmoid, .*, got 'tanh'"),
        (Unary("sigmoid"), (I64,), "unary: expected f32, got i64"),
        (Unary("not"), (F32,), "unary: expected bool, got f32"),
        (Binary("power", 2), (F32,), "binary: expected one of add, .*, got 'power'"),
        (Binary("divide", 2), (I64,), "binary: divide takes f32 or f64, got i64"),
        (Binary("add"), (F32, I64), "binary: add takes f32 or f64 or i32 or i64, got f32.*i64"),
        (Binary("and", 1), (F32,), "binary: and takes bool, got f32"),
        (Binary("add"), (F32,), "binary: expected two operands, or one and a number, got 1 and None"),
        (Binary("add", 2), (F32, F32), "binary: expected two operands, or one and a number, got 2 and 2"),
        (Binary("add"), (F32, F32, F32), "binary: expected two operands"),
        (Binary("add", (1, 2)), (F32,), r"binary: expected a number for each element of the last axis, got \(1, 2\)"),
        (Binary("add"), (F32, TensorType("f32", (4,))), "binary: expected operands of one rank"),
        (Binary("add"), (F32, TensorType("f32", (3, 4))), "binary: expected equal sizes or 1"),
        (Binary("add"), (TensorType("f32", (N, 4)), F32), "binary: expected equal sizes or 1"),
        (Reduce("mean"), (F32,), "reduce: expected one of max, min, sum, count, argmax, got 'mean'"),
        (Reduce("max", 1), (F32,), "reduce: expected an axis"),
        (Reduce("argmax"), (I64,), "reduce: expected f32, got i64"),
        (Reduce("count"), (F32,), "reduce: expected bool, got f32"),
        (TopK(3), (I64,), "top_k: expected f32, got i64"),
        (TopK(5), (F32,), "top_k: expected a count of at most 4, got 5"),
        (TopK(num.maximum(N, 9)), (F32,), "top_k: expected a count of at most 4, got"),
        (Gather(-3), (F32, PLACES), "gather: expected an axis"),
        (Gather(-2), (F32, TensorType("f32", (3,))), "gather: expected i64, got f32"),
        (
            Gather(-1),
            (F32, PLACES),
            r"gather: expected places \[k\] in the first axis of each image, got i64\[3\] in axis -1 of f32",
        ),
        (Gather(-2), (F32, I64), r"gather: expected places \[k\] in the first axis of each image, got i64\[5, 4\]"),
        (Compress(), (F32, F32), "compress: expected bool, got f32"),
        (Compress(), (TensorType("u8", (5, 4)), FLAGS), "compress: expected f32 or i64 or i32, got u8"),
        (Compress(), (F32, TensorType("bool", (4,))), "compress: expected one bool for each row, got bool"),
        (Compress(), (F32, TensorType("bool", (5, 4))), "compress: expected one bool for each row"),
        (MatMul(), (F32, F32), r"mat_mul: expected matrices \[m, k\] and \[k, n\]"),
        (MatMul(), (F32, TensorType("i64", (4, 5))), "mat_mul: expected f32, got i64"),
        (MatMul(), (TensorType("f32", (2, 5, 4)), TensorType("f32", (2, 4, 5))), "mat_mul: expected matrices"),
    ],
    ids=lambda value: value.name if isinstance(value, Op) else None,
)
def test_refused(op: Op, types: tuple[TensorType, ...], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        op.infer(*types)
