"""Memory that large results leave to the next ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from graphproc.runtime import memory
from graphproc.runtime.memory import Memory


@pytest.fixture(autouse=True)
def _keep_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "KEPT_FROM", 0)


def test_memory_that_nobody_holds_is_given_again() -> None:
    kept = Memory()
    kept.array("a", (2, 3), np.float32)[:] = 7
    block = kept._blocks["a"][0]
    again = kept.array("a", (3, 2), np.float32)
    assert kept._blocks["a"][0] is block
    assert np.shares_memory(again, block)
    assert (again == 7).all()
    assert (again.shape, again.dtype, again.flags.writeable, again.flags.c_contiguous) == ((3, 2), np.float32, True, True)


@pytest.mark.parametrize(
    "view",
    [
        lambda whole: whole,
        lambda whole: whole[1:].reshape(-1)[2:],
        lambda whole: whole.T[:2],
        lambda whole: memoryview(whole).cast("B"),
        lambda whole: np.frombuffer(whole, np.uint8),
        torch.from_numpy,
        torch.from_dlpack,
    ],
)
def test_memory_that_somebody_holds_is_not(view: Callable[[Any], Any]) -> None:
    kept = Memory()
    whole = kept.array("a", (4, 3), np.uint8)
    part = view(whole)
    whole[:] = 7
    del whole
    kept.array("a", (4, 3), np.uint8)[:] = 0
    assert (np.asarray(part) == 7).all()


def test_sizes_and_names_differ() -> None:
    kept = Memory()
    kept.array("a", (2, 3), np.float32)
    block = kept._blocks["a"][0]
    arrays = [kept.array("b", (2, 3), np.float32), kept.array("a", (3, 3), np.float32), kept.array("c", (3, 2), np.uint8)]
    assert not any(np.shares_memory(array, block) for array in arrays)
    assert [(array.shape, array.dtype) for array in arrays] == [((2, 3), "float32"), ((3, 3), "float32"), ((3, 2), "uint8")]


def test_small_arrays_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "KEPT_FROM", 100)
    kept = Memory()
    kept.array("a", (99,), np.uint8)
    assert not kept._blocks
    kept.array("a", (100,), np.uint8)
    assert len(kept._blocks) == 1
