"""Shared fixtures, and the tier of the run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiers

from graphproc.wrappers.shared_sessions import shared


def pytest_configure(config: pytest.Config) -> None:
    tiers.choose(config.getoption("markexpr"))


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
