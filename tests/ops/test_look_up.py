"""What the table op refuses; its results are rows in `cases/ops`."""

from __future__ import annotations

import numpy as np
import pytest

from graphproc.errors import ImageError, ShapeError
from graphproc.ir.types import TensorType
from graphproc.ops import LookUp

GRAY = TensorType("u8", (1, 9, 8), "CHW")
TABLE = tuple(range(256))


@pytest.mark.parametrize(
    ("tables", "type", "message"),
    [
        ((TABLE,), TensorType("u8", (3, 9, 8), "CHW"), "look_up: expected one channel"),
        ((TABLE,), TensorType("u8", (9, 8), "HW"), "look_up: expected the last axes CHW"),
        ((), GRAY, "look_up: expected tables of 256 bytes each, and at least one"),
        ((TABLE[:255],), GRAY, "look_up: expected tables of 256 bytes"),
        (((*TABLE[:255], 256),), GRAY, "look_up: expected tables of 256 bytes"),
        ((TABLE, (-1, *TABLE[1:])), GRAY, "look_up: expected tables of 256 bytes"),
    ],
)
def test_refused(tables: tuple[tuple[int, ...], ...], type: TensorType, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        LookUp(tables).infer(type)


@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "float32"])
def test_numbers_of_other_types(dtype: str) -> None:
    index = np.array([[[0, 1, 100]]]).astype(dtype)
    np.testing.assert_array_equal(LookUp((TABLE,)).numpy(index), LookUp((TABLE,)).numpy(index.astype(np.uint8)))
    assert LookUp((TABLE,)).infer(GRAY.with_dtype("i64")).dtype == "u8"


@pytest.mark.parametrize("value", [-1, 256, 0.5, np.nan])
def test_numbers_without_an_entry(value: float) -> None:
    with pytest.raises(ImageError, match="expected whole numbers of 0 to 255 where colours are looked up"):
        LookUp((TABLE,)).numpy(np.full((1, 2, 2), value))
