"""Memory that large results leave to the next ones."""

from __future__ import annotations

import numpy as np
import pytest

from graphproc.runtime import memory
from graphproc.runtime.memory import Memory


@pytest.fixture(autouse=True)
def _keep_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "KEPT_FROM", 0)


def test_an_array_that_nobody_holds_is_given_again() -> None:
    kept = Memory()
    number = id(kept.array("a", (2, 3), np.float32))
    again = kept.array("a", (2, 3), np.float32)
    assert id(again) == number
    assert (again.shape, again.dtype) == ((2, 3), np.float32)


def test_an_array_that_somebody_holds_is_not() -> None:
    kept = Memory()
    whole = kept.array("a", (4, 3), np.uint8)
    part = whole[1:].reshape(-1)[2:]
    del whole
    part[:] = 7
    kept.array("a", (4, 3), np.uint8)[:] = 0
    assert (part == 7).all()


def test_shapes_dtypes_and_names_differ() -> None:
    kept = Memory()
    first = kept.array("a", (2, 3), np.float32)
    number = id(first)
    del first
    arrays = [kept.array("b", (2, 3), np.float32), kept.array("a", (3, 2), np.float32), kept.array("a", (3, 2), np.uint8)]
    assert number not in [id(array) for array in arrays[:1]]
    assert [(array.shape, array.dtype) for array in arrays] == [((2, 3), "float32"), ((3, 2), "float32"), ((3, 2), "uint8")]


def test_small_arrays_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "KEPT_FROM", 100)
    kept = Memory()
    kept.array("a", (99,), np.uint8)
    assert not kept._kept
    kept.array("a", (100,), np.uint8)
    assert len(kept._kept) == 1
