"""Kits for tests: one small class with both backends, and results that are right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.kits import values_of, write_results

import graphproc as gp
from graphproc.kits.manifest import Manifest, read_manifest

Array = np.ndarray[Any, Any]


@pytest.fixture(scope="session")
def kit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a kit of CLIP with small results, both backends, all values in files."""
    folder = tmp_path_factory.mktemp("kits") / "clip"
    gp.write_kit(gp.CLIPImageProcessor(size=20, crop_size=16), folder)
    return folder


@pytest.fixture(scope="session")
def manifest(kit: Path) -> Manifest:
    return read_manifest(kit)


@pytest.fixture
def right(kit: Path) -> dict[str, dict[str, Array]]:
    """Return the right results of the kit's first backend, to spoil."""
    return values_of(kit)


@pytest.fixture
def save(tmp_path: Path) -> Callable[[dict[str, dict[str, Array]]], Path]:
    """Return a function that writes results to a new folder."""
    return lambda values: write_results(values, tmp_path / "results")
