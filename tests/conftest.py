"""Shared fixtures, and how many examples hypothesis tries.

`GRAPHPROC_THOROUGH=1` tries many more examples, with new seeds on each run; without it runs are the same every time.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("quick", max_examples=30, deadline=None, derandomize=True, database=None)
settings.register_profile(
    "thorough", max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
settings.load_profile("thorough" if os.environ.get("GRAPHPROC_THOROUGH") == "1" else "quick")


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder that holds `graphproc`, `tests` and `tools`."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same on every run."""
    return np.random.default_rng(0)
