"""Every supported processor class by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pkgutil import walk_packages

from graphproc.configs.classes import backend_of_name, nearest
from graphproc.errors import UnsupportedProcessorError
from graphproc.processors import families
from graphproc.processors.spec import ProcessorSpec

ALIASES = {"Ernie4_5_VL_MoeImageProcessor": "Ernie4_5_VLMoeImageProcessor"}
"""Older names of classes in transformers."""


@cache
def modules() -> tuple[str, ...]:
    """Return the modules of `families/` that hold specs, in alphabetical order: `detection`, `plain.flava`.

    The first part of the name is the family: a module of its own, or a folder of modules.
    """
    prefix = f"{families.__name__}."
    found = walk_packages(families.__path__, prefix)
    return tuple(sorted(module.name.removeprefix(prefix) for module in found if not module.ispkg))


@cache
def specs() -> Mapping[str, ProcessorSpec]:
    """Return every class's spec by name, in alphabetical order."""
    found = [spec for module in modules() for spec in _specs_of(module)]
    names = [spec.name for spec in found]
    if duplicate := next((name for name in names if names.count(name) > 1), None):
        raise AssertionError(f"{duplicate} has two specs")
    return {spec.name: spec for spec in sorted(found, key=lambda spec: spec.name.lower())}


@cache
def family(name: str) -> str:
    """Return the group that lists show a class in, after its module in `families/`."""
    module = next(module for module in modules() if any(spec.name == name for spec in _specs_of(module)))
    return module.split(".")[0].replace("_", " ")


def _specs_of(module: str) -> Sequence[ProcessorSpec]:
    found: Sequence[ProcessorSpec] = import_module(f"{families.__name__}.{module}").SPECS
    return found


def lookup(name: str) -> ProcessorSpec:
    """Return the spec of a class; names that end in `Fast`, `Pil` or the older `FeatureExtractor` mean the same one.

    Raises:
        UnsupportedProcessorError: no such class is supported; the message names the nearest one.
    """
    plain = name.replace("FeatureExtractor", "ImageProcessor")
    plain, _ = backend_of_name(plain)
    plain, known = ALIASES.get(plain, plain), specs()
    if plain in known:
        return known[plain]
    near = nearest(name, known)
    raise UnsupportedProcessorError(f"{name}: not a supported image processor. The nearest one is {near}; see `graphproc list`.")
