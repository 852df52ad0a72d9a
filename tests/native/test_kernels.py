"""Each kernel computes the bits of its op's numpy rule: with every instruction set, on one thread and on several."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import tiers
from cases.every_class import Variant, inputs_of, program
from cases.every_op import CASES, Case
from support.graphs import images
from support.kernels import Array, Call, calls_of, run

from graphproc.passes.pipeline import optimize
from graphproc.runtime import native

if native.path() is None:
    pytest.skip(str(native.reason()), allow_module_level=True)

SETS = native.library().available
CALLED = [case for case in CASES if any(calls_of(case.program(), {"image": case.inputs(1)[0]}))]
"""The rows of ops that have kernels."""


@pytest.fixture(scope="module", params=SETS)
def instructions(request: pytest.FixtureRequest) -> Iterator[str]:
    """Use each instruction set in turn."""
    before = native.instruction_set()
    native.use(request.param)
    yield request.param
    native.use(str(before))


def assert_exact(call: Call, expected: Array, what: str) -> None:
    for threads in (1, 3):
        (found,) = run(call, threads)
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape), what
        assert found.tobytes() == expected.tobytes(), f"{what}, {threads} threads: {np.sum(found != expected)} elements differ"


@pytest.mark.parametrize("case", CALLED, ids=str)
def test_rows_of_ops(case: Case, instructions: str) -> None:
    for call, expected in calls_of(case.program(), {"image": case.inputs(1)[0]}):
        assert_exact(call, expected, f"{call.name} with {instructions}")


@pytest.mark.parametrize("case", CALLED, ids=str)
def test_rows_with_an_axis_in_front(case: Case, instructions: str) -> None:
    pairs = [list(calls_of(case.program(), {"image": x})) for x in case.inputs(2)]
    for (one, first), (other, second) in zip(*pairs, strict=True):
        same = [np.array_equal(a, b) for a, b in zip(one.inputs, other.inputs, strict=True)]
        operand = np.stack([one.inputs[0], other.inputs[0]])
        assert all(same[1:]), "only the first input has images"
        call = Call(one.name, one.attributes, (operand, *one.inputs[1:]))
        assert_exact(call, np.stack([first, second]), f"{call.name} with {instructions}")


@pytest.mark.parametrize("variant", tiers.classes(), ids=str)
def test_programs_of_classes(variant: Variant, instructions: str) -> None:
    compiled = program(variant)
    for inputs in inputs_of(compiled, [images(1, 61, 43, 3)[0], images(1, 40, 97, 3)[0]]):
        for call, expected in calls_of(optimize(compiled), inputs):
            assert_exact(call, expected, f"{call.name} with {instructions}")


def test_every_kernel_is_called() -> None:
    called = {call.name for case in CALLED for call, _ in calls_of(case.program(), {"image": case.inputs(1)[0]})}
    assert called == {*native.library().kernels}
