"""Tensor types: axes by letter, sizes, binding, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from graphproc.errors import ShapeError
from graphproc.ir.types import DTYPES, TensorType, promoted
from graphproc.sizes import num

H, W = num.symbol("height"), num.symbol("width")
IMAGE = TensorType("u8", (H, W, 3), "HWC")


def test_axes_count_from_the_end() -> None:
    assert [IMAGE.axis(letter) for letter in "HWC"] == [-3, -2, -1]
    assert TensorType("f32", (2, 3, H, W), "NCHW").axis("C") == -3
    assert IMAGE.rank == 3


def test_sizes_by_letter() -> None:
    assert IMAGE.size("W") is W
    assert IMAGE.channels == 3
    changed = IMAGE.with_sizes(W=7, C=4)
    assert changed.shape == (H, 7, 4)
    assert changed.layout == "HWC"
    assert IMAGE.shape == (H, W, 3)
    assert IMAGE.with_dtype("f32") == TensorType("f32", (H, W, 3), "HWC")


def test_bind() -> None:
    type = TensorType("i64", (num.maximum(H, W) // 2, 3, H), "")
    assert type.bind({"height": 9, "width": 4}).shape == (4, 3, 9)


@pytest.mark.parametrize(
    ("type", "text"),
    [
        (IMAGE, "u8[height, width, 3] HWC"),
        (TensorType("f32", ((H - 1) // 2,)), "f32[(height - 1) // 2]"),
        (TensorType("bool", ()), "bool[]"),
    ],
)
def test_text(type: TensorType, text: str) -> None:
    assert str(type) == text


def test_refusals() -> None:
    with pytest.raises(ShapeError, match=r"expected a dtype of .*'u8'.*, got 'uint8'"):
        TensorType("uint8", (1,))
    for layout in ("HW", "HWCN", "HHC"):
        with pytest.raises(ShapeError, match=f"layout '{layout}' does not name the 3 axes once each"):
            TensorType("u8", (1, 2, 3), layout)
    with pytest.raises(ShapeError, match="expected an axis 'N', got layout 'HWC'"):
        IMAGE.axis("N")
    with pytest.raises(ShapeError, match="expected a known number of channels"):
        _ = TensorType("u8", (3, 4, H), "HWC").channels


def test_types_are_values() -> None:
    assert TensorType("u8", (num.symbol("height"), W, 3), "HWC") == IMAGE
    assert len({IMAGE, TensorType("u8", (num.symbol("height"), W, 3), "HWC")}) == 1
    assert TensorType("u8", (W, H, 3), "HWC") != IMAGE


def test_dtypes_are_numpys() -> None:
    assert {name: dtype.name for name, dtype in DTYPES.items()} == {
        "u8": "uint8",
        "i8": "int8",
        "u16": "uint16",
        "i16": "int16",
        "i32": "int32",
        "i64": "int64",
        "f16": "float16",
        "f32": "float32",
        "f64": "float64",
        "bool": "bool",
    }


def test_promotion_is_torchs() -> None:
    torch = pytest.importorskip("torch")
    names = {"u8", "i8", "i16", "i32", "i64", "f16", "f32", "f64", "bool"}
    dtypes = {name: torch.from_numpy(np.zeros(1, DTYPES[name])).dtype for name in names}
    for one in names:
        for other in names:
            assert dtypes[promoted(one, other)] == torch.promote_types(dtypes[one], dtypes[other])
