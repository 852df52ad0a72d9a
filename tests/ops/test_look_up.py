"""What the table op refuses; its results are rows of `optable.py`."""

from __future__ import annotations

import pytest

from graphproc.errors import ShapeError
from graphproc.ir.types import TensorType
from graphproc.ops import LookUp

GRAY = TensorType("u8", (1, 9, 8), "CHW")
TABLE = tuple(range(256))


@pytest.mark.parametrize(
    ("tables", "type", "message"),
    [
        ((TABLE,), TensorType("u8", (3, 9, 8), "CHW"), "look_up: expected one channel"),
        ((TABLE,), TensorType("u8", (9, 8), "HW"), "look_up: expected the last axes CHW"),
        ((TABLE,), GRAY.with_dtype("i64"), "look_up: expected u8, got i64"),
        ((), GRAY, "look_up: expected tables of 256 bytes each, and at least one"),
        ((TABLE[:255],), GRAY, "look_up: expected tables of 256 bytes"),
        (((*TABLE[:255], 256),), GRAY, "look_up: expected tables of 256 bytes"),
        ((TABLE, (-1, *TABLE[1:])), GRAY, "look_up: expected tables of 256 bytes"),
    ],
)
def test_refused(tables: tuple[tuple[int, ...], ...], type: TensorType, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        LookUp(tables).infer(type)
