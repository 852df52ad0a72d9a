"""The programs of every class in every backend, for tests of split programs, and how one of them runs in parts."""

from __future__ import annotations

from typing import Any

import numpy as np
from cases.every_class import FAMILIES, SMALL, Variant, program

from graphproc.passes.split import Split, split
from graphproc.processors.registry import specs

Array = np.ndarray[Any, Any]

BOTH = tuple(Variant(name, backend=backend) for name, spec in specs().items() for backend in spec.backends)
"""Each class in each of its backends."""
SPLIT = tuple(variant for variant in BOTH if isinstance(split(program(variant)), Split))
"""Those with a map of bytes that comes last, with the settings of `cases.every_class`."""
FEW = tuple(
    variant
    for variant in SPLIT
    if (variant.backend == "torchvision" and variant.name in {family.name for family in FAMILIES} and variant.name not in SMALL)
    or str(variant) in ("CLIPImageProcessor+pil", "Qwen2VLImageProcessor+pil")
)
"""Some that stand for the rest."""


def mapped(found: Split, name: str, bytes_: Array) -> Array:
    """Return what the numpy rule of an output's map makes of bytes."""
    return found.mapped[name].map.numpy(bytes_)
