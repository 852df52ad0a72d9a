"""The kernels that move and map bytes give the bits of the numpy rules, and refuse what does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import tiers
from cases.kernel_moves import USUAL, move, noise
from support.kernels import Array, Call, RefusedError, call_of, run

from graphproc.ir.op import Op
from graphproc.ir.types import TensorType
from graphproc.ops import ByteMap, Rearrange, RearrangeMapped, ToChannelsFirst
from graphproc.runtime import native

if native.path() is None:
    pytest.skip(str(native.reason()), allow_module_level=True)

TIMES = 2000 if tiers.everything() else 250
"""How many random moves are tried with each instruction set."""
PATCHES = Rearrange("c (h p) w -> h (t c p) w", (("p", 2), ("t", 3)))
MAP = ByteMap((("sub", (0.1, 0.2, 0.3)),), -2, 2)


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Use the same instructions after a test as before it."""
    before = native.instruction_set()
    yield
    native.use(str(before))


def called(op: Op, x: Array, layout: str = "") -> Call | None:
    """Return the call of an op's kernel on an operand."""
    return call_of(op, (TensorType("u8", x.shape, layout),), [x])


@pytest.mark.parametrize("instructions", native.library().available)
def test_random_moves(instructions: str) -> None:
    native.use(instructions)
    rng = np.random.default_rng(1)
    for turn in range(TIMES):
        op, x, layout = move(rng)
        call, expected = called(op, x, layout), op.numpy(x)
        if call is None:
            assert np.array_equal(expected.ravel(), x.ravel()), f"{op} moves something and has no kernel"
            continue
        (found,) = run(call, threads=1 + turn % 2)
        assert (found.shape, found.dtype, found.tobytes()) == (expected.shape, expected.dtype, expected.tobytes()), (
            f"{op} of {x.shape}"
        )


@pytest.mark.parametrize("instructions", native.library().available)
def test_results_of_several_parts(instructions: str) -> None:
    """They have more elements than one part of the work."""
    native.use(instructions)
    rng = np.random.default_rng(2)
    x = noise(rng, (3, 280, 420))
    ops: list[tuple[Op, Array]] = [
        (Rearrange(USUAL[0], (("p", 14), ("q", 14), ("mh", 2), ("mw", 2), ("t", 2))), x),
        (Rearrange(USUAL[1], (("p", 20), ("q", 30))), x),
        (Rearrange(USUAL[2], (("h", 140), ("w", 210))), x),
        (ToChannelsFirst(), noise(rng, (500, 301, 3))),
        (ByteMap((("div", (3.0, 5.0, 7.0)), ("sub", (0.1, 0.2, 0.3)))), x),
        (RearrangeMapped(USUAL[3], map=ByteMap((("sub", (0.1, 0.2, 0.3)),))), noise(rng, (500, 301, 3))),
    ]
    for op, operand in ops:
        call = called(op, operand, "HWC")
        assert call is not None
        (found,) = run(call, threads=3)
        assert found.tobytes() == op.numpy(operand).tobytes(), str(op)


@pytest.mark.parametrize(
    ("changes", "lengths", "message"),
    [
        ({"order": (4, 0, 1, 2, 2)}, (-1, -1, 2, -1, 3), "order: expected each of 5 parts once, 4 of them the operand's"),
        ({"left": (1, 2, 3)}, (-1, -1, 2, -1, 3), "order: expected each of 5 parts once, 6 of them the operand's"),
        ({"left": (1, 40, 1)}, (-1, -1, 2, -1, 3), "left: expected"),
        ({"right": (1, -1, 1)}, (-1, -1, 2, -1, 3), "right: expected"),
        ({}, (-1, -1, 2, -1), "expected lengths of 5 parts"),
        ({}, (-1, -1, 5, -1, 3), r"lengths \[-1, -1, 5, -1, 3\] do not fit shape \[3, 4, 5\]"),
        ({}, (-1, -1, -1, -1, 3), "do not fit shape"),
        ({}, (-1, -1, 0, -1, 3), "do not fit shape"),
        ({}, (-1, -1, 2, -1, -1), "do not fit shape"),
        ({}, (-1, 2**62, 2**62, -1, 3), "do not fit shape"),
        ({}, (-1, -1, 2, -1, 2**60), r"expected a result of fewer than 2\*\*48 elements"),
        ({"axis": 1}, (-1, -1, 2, -1, 3), "expected an axis below 0"),
        ({"each": 0}, (-1, -1, 2, -1, 3), "each above 0"),
        ({"axis": -1}, (-1, -1, 2, -1, 3), "expected 3 channels of 2 on axis -1"),
        ({"axis": -4}, (-1, -1, 2, -1, 3), "expected 3 channels of 2 on axis -4"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, int | tuple[int, ...]], lengths: tuple[int, ...], message: str) -> None:
    call = called(RearrangeMapped.of(PATCHES, MAP), noise(np.random.default_rng(3), (3, 4, 5)))
    assert call is not None
    run(call)
    with pytest.raises(RefusedError, match=message):
        run(replace(call, attributes={**call.attributes, **changes}, inputs=(call.inputs[0], np.array(lengths, np.int64))))


def test_a_reshape_has_no_kernel() -> None:
    x = TensorType("u8", (3, 4, 5), "CHW")
    assert Rearrange("c h w -> 1 (c h) w").kernel(x) is None
    assert Rearrange("c h w -> h c w").kernel(x.with_dtype("f32")) is None
    assert Rearrange("c h w -> h c w").kernel(x) is not None
