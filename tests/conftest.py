"""Shared fixtures, and the tier of the run."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import tiers

from graphproc.runtime import thread_counts
from graphproc.wrappers.shared_sessions import shared


def pytest_configure(config: pytest.Config) -> None:
    tiers.choose(config.getoption("markexpr"))


@pytest.hookimpl(hookwrapper=True)
def pytest_collection() -> Iterator[None]:
    """Leave what is collected out of garbage collections: each would look at a million objects that stay until the end."""
    gc.disable()
    yield
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 20, 50)  # tests make many objects, and few that only it finds


def pytest_collection_finish() -> None:
    """Give sessions one thread in processes of pytest-xdist, which have siblings: threads that wait for work are busy, too.

    Tests of threads ask for numbers. torch has been loaded and keeps its own: some of its bits depend on it.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        with suppress(ImportError):
            import_module("torch")
        os.environ.setdefault(thread_counts.VARIABLE, "1")


def pytest_runtest_setup() -> None:
    """Begin each test without sessions of earlier ones, so that their order decides nothing."""
    shared.clear()


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder that holds `graphproc`, `tests` and `tools`."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture
def rng() -> np.random.Generator:
    """Return random numbers that are the same on every run."""
    return np.random.default_rng(0)
