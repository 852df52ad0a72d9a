"""The op table on every executor: numpy, ONNX Runtime with and without optimisation, and onnx.reference."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
import tiers
from cases.every_op import CASES, FIRSTS, Case
from support.graphs import Run, assert_same, emit_unoptimized, onnx_reference, ort

from graphproc.emitters.onnx.checks import nodes
from graphproc.emitters.onnx.emit import EmitOptions
from graphproc.ir.op import registered_ops
from graphproc.ir.types import DTYPES

FORMS = [
    (target, known, leading)
    for target, sizes in (("cpu", (False, True)), ("cuda", (False, True)), ("portable", (True,)))
    for known in sizes
    for leading in (0, 1)
]
"""Forms of graphs: the target, whether they are for one size, and how many axes are in front of the image's."""
FEW_FORMS = [("cpu", False, 1), ("cpu", True, 0), ("cuda", False, 0)]


def test_every_op_has_rows() -> None:
    covered = {case.bound().name for case in CASES}
    assert covered == set(registered_ops()), "add rows to a module of tests/cases/ops for a new op"


def test_rows_are_told_apart() -> None:
    assert len(set(map(str, CASES))) == len(CASES)


@lru_cache(maxsize=4)
def expected_of(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Return two different images, and the oracle's results for them."""
    x = case.inputs(2)
    return x, case.oracle(x)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_numpy_rule(case: Case) -> None:
    """And its type is what the rule `infer` says."""
    x, expected = expected_of(case)
    op = case.bound()
    before = x.copy()
    for image, wanted in zip(x, expected, strict=True):
        case.compare(op.numpy(*case.operands_of(image)), wanted, "one image")
    if case.operands != ():
        case.compare(op.numpy(*case.operands_of(x)), expected, "two images at once")
        case.compare(op.numpy(*case.operands_of(x[None, :, None])), expected[None, :, None], "three leading axes")
    assert_same(x, before, "the input")
    sides = dict(zip(case.layout, case.shape, strict=True))
    step = case.program().bind(height=sides["H"], width=sides["W"]).steps[-1]
    result = step.op.numpy(*case.operands_of(x[0]))
    assert (result.shape, result.dtype) == (step.output.type.shape, DTYPES[step.output.type.dtype])


@pytest.mark.parametrize("case", tiers.rows(CASES, FIRSTS), ids=str)
def test_onnx_rule(case: Case) -> None:
    """In every form of graph; one that is equal to that of another form has run."""
    sides = dict(zip(case.layout, case.shape, strict=True))
    x, expected = expected_of(case)
    ran: set[bytes] = set()
    for target, known, leading in tiers.forms(FORMS, FEW_FORMS):
        if target == "portable" and not case.portable:
            with_f64 = emit_unoptimized(case.program(), EmitOptions("cpu", image_size=(sides["H"], sides["W"])))
            assert "Cast" in {node.op_type for node, _ in nodes(with_f64.graph)}  # float64 arithmetic, as the test's row says
            continue
        options = EmitOptions(
            target,  # type: ignore[arg-type]
            "batch" if leading else "image",
            image_size=(sides["H"], sides["W"]) if known else None,
        )
        model = emit_unoptimized(case.program(), options)
        written = model.SerializeToString(deterministic=True)
        if written in ran:
            continue
        ran.add(written)
        executors: dict[str, Run] = {"runtime, unoptimised": ort(model, optimize=False), "runtime": ort(model)}
        # onnx.reference takes Loop's omitted condition for false and joins scan outputs along an existing axis.
        loops = any(node.op_type == "Loop" for node, _ in nodes(model.graph))
        if case.reference and target != "cuda" and not loops:
            executors["onnx.reference"] = onnx_reference(model)
        for name, run in executors.items():
            what = f"{name}, {target} for {'one size' if known else 'any size'}, {'batch' if leading else 'image'}"
            if leading:
                case.compare(run({"images": x})["y"], expected, what)
            else:
                case.compare(run({"image": x[0]})["y"], expected[:1], what)
