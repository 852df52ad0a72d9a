"""Shared fixtures, and the tier of the run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiers


def pytest_configure(config: pytest.Config) -> None:
    tiers.choose(config.getoption("markexpr"))


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the folder that holds `graphproc`, `tests` and `tools`."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture
def rng() -> np.random.Generator:
    """Return random numbers that are the same on every run."""
    return np.random.default_rng(0)
