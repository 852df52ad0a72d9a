"""What resampling refuses, and that each arithmetic says all of itself."""

from __future__ import annotations

import re

import pytest
from cases.every_op import CASES

from graphproc.errors import ShapeError
from graphproc.ir.types import TensorType
from graphproc.ops.resample import (
    ALIGNED,
    FIXED_POINT,
    OPENCV,
    SCIPY,
    TORCH_BYTES,
    TORCH_FLOATS,
    TORCH_NEAREST,
    Resample,
)
from graphproc.ops.resample.arithmetic import Arithmetic
from graphproc.ops.resample.registry import ARITHMETICS

CHW = TensorType("u8", (3, 9, 8), "CHW")
FLOATS = CHW.with_dtype("f32")
SIDES = "resample: expected sides of at least 1 pixel, got 0 x 4"


@pytest.mark.parametrize("name", ARITHMETICS)
def test_every_filter_has_a_row(name: str) -> None:
    ops = [op for op in (case.bound() for case in CASES) if isinstance(op, Resample) and op.arithmetic == name]
    found = {(op.filter, op.antialias) for op in ops}
    rules = ARITHMETICS[name]
    assert found == {(filter, antialias) for antialias in (True, False) for filter in rules.filters(antialias)}


@pytest.mark.parametrize("name", ARITHMETICS)
def test_an_arithmetic_says_how_it_rounds_and_where_that_is_from(name: str) -> None:
    text = type(ARITHMETICS[name]).__doc__ or ""
    assert "Rounding: " in text
    assert "Source: " in text


def test_an_arithmetic_without_a_rule_cannot_be_made() -> None:
    class Half(Arithmetic):
        name = "half"

        def numpy(self, op: Resample, x: object) -> object:  # type: ignore[override]
            return x

    with pytest.raises(TypeError, match="onnx"):
        Half()  # type: ignore[abstract]


@pytest.mark.parametrize(
    ("op", "type", "message"),
    [
        *(
            (Resample(0, 4, *(rules.antialiased or rules.plain)[:1], bool(rules.antialiased), name), type, SIDES)
            for name, rules in ARITHMETICS.items()
            for type in [CHW.with_dtype(rules.dtypes[0]) if rules.dtypes else CHW]
        ),
        (Resample(3, 4, "box"), TensorType("u8", (9, 8, 3), "HWC"), "resample: expected the last axes CHW, got u8"),
        (Resample(3, 4, "box"), TensorType("u8", (9, 8), "HW"), "resample: expected the last axes CHW"),
        (Resample(3, 4, "box", True, "cv2"), CHW, "resample: expected an arithmetic of ['pillow', 'torch_bytes', "),
        (Resample(3, 4, "box"), FLOATS, "resample: pillow takes pixels of u8, got f32[3, 9, 8] CHW. Convert"),
        (Resample(3, 4, "bilinear", True, TORCH_FLOATS), CHW, "resample: torch_floats takes pixels of f32 or f64, got u8"),
        (Resample(3, 4, "bilinear", True, TORCH_BYTES), FLOATS, "resample: torch_bytes takes pixels of u8, got f32"),
        (Resample(3, 4, "bilinear", False, FIXED_POINT), FLOATS, "resample: fixed_point takes pixels of u8, got f32"),
        (Resample(3, 4, "bilinear", False, OPENCV), FLOATS, "resample: opencv takes pixels of u8, got f32"),
        (Resample(3, 4, "bilinear", True, SCIPY), CHW, "resample: scipy takes pixels of f32, got u8"),
        (
            Resample(3, 4, "cubic"),
            CHW,
            "resample: pillow has the filters ['lanczos', 'bilinear', 'bicubic', 'box', 'hamming'] with antialiasing and "
            "['nearest'] without, got 'cubic' with",
        ),
        (Resample(3, 4, "nearest"), CHW, "without, got 'nearest' with. Choose one of these."),
        (Resample(3, 4, "box", True, TORCH_BYTES), CHW, "got 'box' with."),
        (Resample(3, 4, ALIGNED, True, TORCH_BYTES), CHW, "got 'bilinear-aligned' with."),
        (Resample(3, 4, "bilinear", False), CHW, "got 'bilinear' without."),
        (Resample(3, 4, "bilinear", True, TORCH_NEAREST), CHW, "got 'bilinear' with."),
        (Resample(3, 4, "bilinear", True, OPENCV), CHW, "got 'bilinear' with."),
        (Resample(3, 4, "bicubic", True, TORCH_BYTES, extent=(9, 8)), CHW, "torch_bytes has no setting 'extent', got (9, 8)"),
        (Resample(3, 4, "bicubic", weights="f16"), CHW, "pillow has no setting 'weights', got f16. Leave it out."),
        (Resample(3, 4, "nearest", False, extent=(9, 8)), CHW, "resample: an extent has no meaning for the filter 'nearest'"),
        (Resample(3, 4, "bilinear", False, OPENCV), CHW.with_sizes(C=2), "resample: opencv takes 1, 3 or 4 channels, got u8"),
    ],
    ids=str,
)
def test_refused(op: Resample, type: TensorType, message: str) -> None:
    with pytest.raises(ShapeError, match=re.escape(message)):
        op.infer(type)
