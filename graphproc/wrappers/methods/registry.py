"""The methods of processor classes, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any

Method = Callable[..., Any]
"""A function; its first parameter is the processor."""

MODULES = ("canvases", "colors", "image_tokens", "labels", "mask_generation", "pages", "patch_counts", "tiles")
"""The modules of this package that hold `METHODS`: for each name, each class's function. Add an entry for a new file."""


@cache
def methods(processor: str) -> Mapping[str, Method]:
    """Return the methods of a processor class, by name."""
    found: dict[str, Method] = {}
    for module in MODULES:
        for name, functions in import_module(f"graphproc.wrappers.methods.{module}").METHODS.items():
            if processor in functions:
                found[name] = functions[processor]
    return found
