"""The resize kernel computes the bytes of Pillow and of torch: with every instruction set, sizes up to 2000 and any window."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from cases import random_resizes
from support.kernels import Array, call_of, run

from graphproc.ir.types import TensorType
from graphproc.numerics.filters import ANTIALIASED
from graphproc.ops import Resize
from graphproc.runtime import native
from graphproc.sizes import num

if native.path() is None:
    pytest.skip(str(native.reason()), allow_module_level=True)


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Use the same instructions after a test as before it."""
    before = native.instruction_set()
    yield
    native.use(str(before))


def assert_exact(op: Resize, x: Array, whole: Array) -> None:
    """Compare the kernel's result with the window of a whole result, channels first."""
    top, left, height, width = op.window or (0, 0, *whole.shape[-2:])
    expected = whole[:, num.known(top) : num.known(top + height), num.known(left) : num.known(left + width)]
    call = call_of(op, (TensorType("u8", x.shape, op.layout),), [x])
    assert call is not None
    for instructions in native.library().available:
        native.use(instructions)
        for threads in (1, 3):
            (found,) = run(call, threads)
            differ = np.sum(found != expected) if found.shape == expected.shape else found.shape
            assert differ == 0, f"{op} of {x.shape} with {instructions} on {threads} threads: {differ} bytes differ"


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.wide) for n in range(1, 20))])
@pytest.mark.parametrize("of", [random_resizes.pillow, random_resizes.torch_bytes])
def test_random_resizes(of: Callable[[np.random.Generator], random_resizes.Row], seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(40):
        assert_exact(*of(rng))


@pytest.mark.parametrize("arithmetic", ["pillow", "torch_bytes"])
@pytest.mark.parametrize("layout", ["HWC", "CHW"])
def test_each_filter_and_number_of_channels(layout: str, arithmetic: str) -> None:
    rng = np.random.default_rng(0)
    for name in ANTIALIASED[arithmetic]:
        for channels in range(1, 5):
            x = random_resizes.image(rng, *((37, 53, channels) if layout == "HWC" else (channels, 37, 53)))
            for new in ((19, 90), (37, 20), (70, 53), (1, 1)):
                op = Resize(new[0], new[1], name, arithmetic, (), layout)
                assert_exact(op, x, op.numpy(x))
