"""Each kernel computes the bits of its op's numpy rule: with every instruction set, on one thread and on several."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pytest
import tiers
from cases import kernel_calls
from cases.every_class import Variant
from cases.every_op import CASES, Case
from support.kernels import Call, RefusedError, calls_of, run
from support.replays import Pair

from graphproc.runtime import native

if native.path() is None:
    pytest.skip(str(native.reason()), allow_module_level=True)

CALLED = [case for case in CASES if kernel_calls.of_row(case)]
"""The rows of ops that have kernels."""


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Use the same instructions after a test as before it."""
    before = native.instruction_set()
    yield
    native.use(str(before))


def assert_exact(pairs: Iterable[Pair]) -> None:
    pairs = list(pairs)
    for instructions in native.library().available:
        native.use(instructions)
        for call, expected in pairs:
            for threads in (1, 3):
                (found,) = run(call, threads)
                what = f"{call.name} with {instructions} on {threads} threads: {[x.shape for x in call.inputs]} {call.attributes}"
                assert (found.dtype, found.shape) == (expected.dtype, expected.shape), what
                assert found.tobytes() == expected.tobytes(), f"{what}: {np.sum(found != expected)} elements differ"


@pytest.mark.parametrize("case", CALLED, ids=str)
def test_rows_of_ops(case: Case) -> None:
    """As they are, and with an axis in front."""
    assert_exact(kernel_calls.of_row(case))
    pairs = [list(calls_of(case.program(), {"image": x})) for x in case.inputs(2)]
    for (one, first), (other, second) in zip(*pairs, strict=True):
        assert all(map(np.array_equal, one.inputs[1:], other.inputs[1:])), "only the first input has images"
        call = Call(one.name, one.attributes, (np.stack([one.inputs[0], other.inputs[0]]), *one.inputs[1:]))
        assert_exact([(call, np.stack([first, second]))])


@pytest.mark.parametrize("variant", tiers.classes(), ids=str)
def test_programs_of_classes(variant: Variant) -> None:
    assert_exact(kernel_calls.of_variant(variant))


def test_random_calls() -> None:
    assert_exact(kernel_calls.at_random(seed=0, count=200 if tiers.everything() else 40))


def test_every_kernel_is_called() -> None:
    assert {call.name for call, _ in kernel_calls.every(seed=0, count=40)} == {*native.library().kernels}


@pytest.mark.slow
def test_an_input_too_few_is_refused() -> None:
    for name in native.library().kernels:
        call = next(call for call, _ in kernel_calls.every(seed=0, count=40) if call.name == name)
        run(call)
        with pytest.raises(RefusedError, match=f"expected {len(call.inputs)} inputs, found {len(call.inputs) - 1}"):
            run(Call(call.name, call.attributes, call.inputs[:-1]))


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(RefusedError, match="no kernel has the name Nothing"):
        run(Call("Nothing", {}, ()))
