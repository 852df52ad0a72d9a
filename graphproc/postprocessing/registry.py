"""Every post-processing method, by the processor class that has it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from graphproc.errors import ConfigError
from graphproc.postprocessing.method import Method

MODULES = (
    "classification",
    "depth",
    "detection",
    "eomt",
    "generated_images",
    "image_guided",
    "instances",
    "keypoints",
    "layout",
    "mask_semantic",
    "masks",
    "matting",
    "oneformer",
    "pose",
    "rectification",
    "rf_detr",
    "sam3",
    "sapiens2",
    "seggpt",
    "segments",
    "semantic",
    "texts",
)
"""The modules of this package that hold `METHODS`. Add an entry for a new file."""


@cache
def methods(processor: str) -> Mapping[str, Method]:
    """Return the methods of a processor class by name; methods of every class come last."""
    everything = [method for module in MODULES for method in import_module(f"graphproc.postprocessing.{module}").METHODS]
    own = [method for method in everything if processor in method.classes]
    found: dict[str, Method] = {}
    for method in (*own, *(method for method in everything if not method.classes)):
        if method.name in found:
            raise AssertionError(f"{processor} has two methods {method.name}")
        found[method.name] = method
    return found


def lookup(processor: str, name: str) -> Method:
    """Return a method of a class; its name may leave out `post_process_`.

    Raises:
        ConfigError: the class has no such method.
    """
    known = methods(processor)
    full = name if name in known or name.startswith("post_process") else f"post_process_{name}"
    if full not in known:
        raise ConfigError(f"{processor} has no method {full!r}. It has {', '.join(known)}.")
    return known[full]
