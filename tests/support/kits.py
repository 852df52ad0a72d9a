"""All values of a golden kit, and results as other programs write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from graphproc.kits.expected import Expected
from graphproc.kits.manifest import read_manifest

Array = np.ndarray[Any, Any]


def values_of(folder: Path, backend: str | None = None) -> dict[str, dict[str, Array]]:
    """Return all values of a kit, by case and name."""
    found = read_manifest(folder)
    expected = Expected(folder, found, found.section(backend).backend)
    return {
        case.name: {one.name: np.array(expected.array(case, one.name)) for one in case.values[expected.backend]}
        for case in found.cases
    }


def write_results(values: dict[str, dict[str, Array]], folder: Path) -> Path:
    """Write results as .npy files."""
    for case, arrays in values.items():
        (folder / case).mkdir(parents=True)
        for name, array in arrays.items():
            np.save(folder / case / f"{name}.npy", array)
    return folder
