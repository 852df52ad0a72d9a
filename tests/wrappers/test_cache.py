"""What a processor keeps of earlier calls."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import graphproc as gp
from graphproc.wrappers import cache

Array = np.ndarray[Any, Any]


def noise(*shape: int) -> Array:
    return np.random.default_rng(shape).integers(0, 256, shape, dtype=np.uint8)


def test_what_a_processor_keeps_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MOST_PROGRAMS", "MOST_ARRANGEMENTS", "MOST_SESSIONS"):
        monkeypatch.setattr(cache, name, 3)
    ours = gp.ViTImageProcessor()
    for size in (10, 11, 12, 13, 10, 14):
        image = noise(20 + size, 20, 3)
        assert (ours(image, size=size)["pixel_values"][0] == ours(image, size=size, engine="numpy")["pixel_values"][0]).all()
    for kept in (ours._cache.configs, ours._cache.programs, ours._cache.sessions, ours._cache.arrangements):
        assert len(kept) == 3


def test_copies_begin_with_an_empty_one() -> None:
    ours = gp.ViTImageProcessor(size=20)
    ours(noise(30, 40, 3))
    for again in (copy.copy(ours), copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        assert not again._cache.sessions
        assert again._config({}) == ours._config({})
