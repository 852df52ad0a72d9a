"""Ops that number segments and paint them: kernels on CUDA, opsets, long paths, torch's nearest pixels, and refusals."""

from __future__ import annotations

import numpy as np
import pytest
import tiers
from cases.every_op import CASES, FIRSTS, Case
from support.graphs import assert_same, emit_unoptimized, ort

from graphproc.emitters.onnx.checks import cuda_fallbacks
from graphproc.emitters.onnx.emit import EmitOptions, emit
from graphproc.errors import ShapeError
from graphproc.ir.op import Op
from graphproc.ir.program import Parity, ProgramBuilder
from graphproc.ir.types import TensorType
from graphproc.ops import CumSum, PathSum, Range, Where
from graphproc.ops.resample import TORCH_NEAREST, Resample
from graphproc.sizes import num

CHOSEN = [case for case in CASES if case.bound().name in ("cum_sum", "path_sum", "range", "where")]
ROWS = tiers.rows(CHOSEN, FIRSTS)


@pytest.mark.parametrize("case", ROWS, ids=str)
def test_every_node_has_a_cuda_kernel(case: Case) -> None:
    sides = dict(zip(case.layout, case.shape, strict=True))
    for size in (None, (sides["H"], sides["W"])):
        assert cuda_fallbacks(emit_unoptimized(case.program(), EmitOptions("cuda", image_size=size))) == []


@pytest.mark.parametrize("opset", [17, 23])
@pytest.mark.parametrize("case", ROWS, ids=str)
def test_first_and_last_opset(case: Case, opset: int) -> None:
    x = case.inputs(1)
    run = ort(emit_unoptimized(case.program(), EmitOptions("cuda", opset=opset)))
    case.compare(run({"images": x})["y"], case.oracle(x), f"opset {opset}")


@pytest.mark.parametrize("size", [300, num.symbol("count")], ids=str)
def test_paths_of_any_length(size: num.Num, rng: np.random.Generator) -> None:
    b = ProgramBuilder("paths", Parity("itself"), inputs_batched=True)
    x, parents = (b.input(name, TensorType("i64", (size,))) for name in ("x", "parents"))
    b.output("sums", b.add(PathSum(), x, parents))
    run = ort(emit(b.finish(), EmitOptions()))
    numbers = rng.integers(-9, 10, (3, 300))
    places = np.maximum(np.arange(300) - np.array([[1], [2], [1]]), 0)
    places[2] -= rng.integers(0, 2, 300) * (places[2] > 0)
    sums = PathSum().numpy(numbers, places)
    assert_same(sums[0], np.cumsum(numbers[0]))
    assert_same(run({"x": numbers, "parents": places})["sums"], sums)


def test_nearest_pixels_of_every_size() -> None:
    torch = pytest.importorskip("torch")
    for before in (*range(1, 40), 96, 384, 640):
        line = torch.arange(before, dtype=torch.float32).view(1, 1, 1, before)
        for after in (*range(1, 50), 427, 1333):
            expected = torch.nn.functional.interpolate(line, size=(1, after), mode="nearest")[0]
            found = Resample(1, after, "nearest", False, TORCH_NEAREST).numpy(line[0].numpy())
            assert_same(found, expected.numpy(), f"{before} to {after}")


FLAGS, I64 = TensorType("bool", (5, 4)), TensorType("i64", (5, 4))
N = num.symbol("n")


@pytest.mark.parametrize(
    ("op", "types", "message"),
    [
        (Where(), (I64, I64), "where: expected bool, got i64"),
        (Where(), (FLAGS, FLAGS), "where: expected f32 or i32 or i64, got bool"),
        (Where(0.5), (FLAGS, I64), "where: i64 cannot hold 0.5"),
        (Where(), (FLAGS, TensorType("i64", (5, 3))), "where: expected operands of one rank with sizes that are equal or 1"),
        (Where(), (FLAGS, TensorType("i64", (4,))), "where: expected operands of one rank"),
        (Where(), (FLAGS, TensorType("i64", (N, 4))), "where: expected operands of one rank"),
        (CumSum(), (TensorType("f32", (5,)),), "cum_sum: expected bool or i64, got f32"),
        (CumSum(), (TensorType("i64", ()),), "cum_sum: expected an axis"),
        (Range(-1), (), "range: expected a length of at least 0, got -1"),
        (PathSum(), (I64, I64), "path_sum: expected a parent for each element of one axis"),
        (PathSum(), (TensorType("i64", (5,)), TensorType("i64", (4,))), "path_sum: expected a parent for each element"),
        (PathSum(), (TensorType("i64", (5,)), TensorType("i32", (5,))), "path_sum: expected i64, got i32"),
        (PathSum(), (TensorType("i64", (70000,)),) * 2, "path_sum: expected at most 65536 elements"),
    ],
)
def test_refused(op: Op, types: tuple[TensorType, ...], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        op.infer(*types)
