"""Changing element types where values do not fit: high bits, ties, what counts as true."""

from __future__ import annotations

import numpy as np
import pytest
from support.graphs import assert_same, emit_unoptimized, one_step, ort

from graphproc.emitters.onnx.builder import GraphBuilder
from graphproc.emitters.onnx.emit import EmitOptions
from graphproc.errors import ShapeError
from graphproc.ir.program import Parity, ProgramBuilder
from graphproc.ir.types import DTYPES, TensorType
from graphproc.ops import Cast
from graphproc.sizes import num

HUGE = [0, 1, -1, 255, 256, 257, -255, -256, 2**31 - 1, 2**31, -(2**31), 2**24 + 1, 2**24 + 3, -(2**24) - 1]
I64 = [*HUGE, 2**53 + 1, 2**53 + 3, 2**62 + 2**38 + 1, 2**63 - 1, -(2**63), 9007199791611905]
F64 = [0.0, -0.0, 0.1, 1 / 3, 1 + 2**-24, 1 + 2**-24 + 2**-40, 1 + 3 * 2**-24, 1e-46, 1e300, -1e39, np.inf, np.nan, 5e-324]
VALUES = {
    "i64": np.array(I64, np.int64),
    "i32": np.array(HUGE, np.int64).astype(np.int32),
    "f32": np.array([0.0, -0.0, 0.5, -1e-45, np.inf, np.nan], np.float32),
    "f64": np.array(F64),
    "bool": np.array([True, False]),
}


@pytest.mark.parametrize("target", ["cpu", "portable"])
@pytest.mark.parametrize(
    ("have", "to"),
    [
        *(("i64", to) for to in ("u8", "i32", "f32", "f64", "bool")),
        *(("i32", to) for to in ("u8", "i64", "f32", "f64", "bool")),
        *(("bool", to) for to in ("u8", "i32", "i64", "f32", "f64")),
        *(("f32", to) for to in ("f64", "bool")),
        *(("f64", to) for to in ("f32", "bool")),
    ],
)
def test_as_numpy_does(have: str, to: str, target: str) -> None:
    x = VALUES[have].reshape(1, -1, 1)
    with np.errstate(over="ignore"):
        expected = x.astype(DTYPES[to])
        assert_same(Cast(to).numpy(x), expected)
    options = EmitOptions(target, "image", image_size=x.shape[:2])  # type: ignore[arg-type]
    model = emit_unoptimized(one_step(Cast(to), have, x.shape, "HWC"), options)
    for optimize in (False, True):
        assert_same(ort(model, optimize)({"image": x})["y"], expected[None], f"optimize={optimize}")


@pytest.mark.parametrize("have", ["f32", "f64"])
@pytest.mark.parametrize("to", ["u8", "i32", "i64"])
def test_floats_to_ints_are_refused(have: str, to: str) -> None:
    with pytest.raises(ShapeError, match=f"cast: expected ints or bools for {to}, got {have}"):
        Cast(to).infer(TensorType(have, (2,)))


@pytest.mark.parametrize(
    ("op", "have", "message"),
    [
        (Cast("i32", "toward zero"), "i64", "cast: expected f16 or f32 or f64, got i64"),
        (Cast("u8", "toward zero"), "f32", "cast: expected one of i8, u16, i16, i32, i64 toward zero, got 'u8'"),
        (Cast("u8", "to nearest byte"), "f64", "cast: expected f32, got f64"),
        (Cast("i32", "to nearest byte"), "f32", "cast: expected u8 for the nearest byte, got 'i32'"),
        (Cast("i32", "down"), "f32", "cast: expected a rounding 'toward zero' or 'to nearest byte', got 'down'"),
    ],
    ids=str,
)
def test_a_rounding_that_does_not_fit_is_refused(op: Cast, have: str, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        op.infer(TensorType(have, (2,)))


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(ShapeError, match="expected a dtype of"):
        Cast("f8").infer(TensorType("u8", (2,)))


@pytest.mark.parametrize("target", ["cpu", "portable"])
def test_bytes_are_bytes_for_the_steps_after(target: str) -> None:
    """Not only in the output, which is converted once more where bytes are held as floats."""
    x = VALUES["i64"].reshape(1, -1, 1)
    b = ProgramBuilder("two_casts", Parity("itself"))
    image = b.input("image", TensorType("i64", (1, num.symbol("width"), 1), "HWC"))
    b.output("y", b.add(Cast("i32"), b.add(Cast("u8"), image)))
    options = EmitOptions(target, "image", image_size=x.shape[:2])  # type: ignore[arg-type]
    run = ort(emit_unoptimized(b.finish(), options))
    assert_same(run({"image": x})["y"], x.astype(np.uint8).astype(np.int32)[None])


def test_a_cast_without_nodes_is_a_value_of_its_own() -> None:
    """A tensor has one IR type; floats that stand for bytes keep theirs."""
    g = GraphBuilder("portable", 18, 0)
    x = g.with_type(g.Identity(g.constant([1, 2], "f32")), TensorType("u8", (2,)))
    assert Cast("f32").onnx(g, x) is not x
    assert Cast("u8").onnx(g, x) is x
