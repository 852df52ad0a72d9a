"""Every supported processor class by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module

from graphproc.configs.classes import backend_of_name, nearest
from graphproc.errors import UnsupportedProcessorError
from graphproc.processors.spec import ProcessorSpec

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "boxes": ("vitpose",),
    "detection": ("detr",),
    "documents": ("documents",),
    "emu3": ("emu3",),
    "flattened patches": ("flattened_patches",),
    "float resize": ("float_resize",),
    "frames": ("videos",),
    "inkling": ("inkling",),
    "keypoints": ("keypoints",),
    "layout": ("paddle_layout",),
    "mask classification": ("eomt", "mask_classification", "oneformer"),
    "matting": ("matting",),
    "multiples": ("multiples",),
    "naflex": ("lfm2_vl", "naflex"),
    "own size rule": ("proportional", "sam", "sam2", "sapiens2"),
    "padded grids": ("padded_grids",),
    "patches": ("nemotron", "patches"),
    "plain": ("efficientnet", "flava", "imagegpt", "layoutlm", "llava", "plain"),
    "prompts": ("seggpt",),
    "square canvas": ("deepseek_vl",),
    "text": ("paddle_ocr",),
    "tiles": (
        "any_resolution",
        "aria",
        "idefics_tiles",
        "llama4",
        "minicpm",
        "mllama",
        "molmo2",
        "pan_and_scan",
        "phi4_multimodal",
        "step3p7",
        "tiles",
    ),
    "timm": ("timm",),
}
"""The modules of this package that hold `SPECS`, by the family of their classes. Add an entry for a new file."""
MODULES = tuple(module for modules in FAMILIES.values() for module in modules)
ALIASES = {"Ernie4_5_VL_MoeImageProcessor": "Ernie4_5_VLMoeImageProcessor"}
"""Older names of classes in transformers."""


@cache
def specs() -> Mapping[str, ProcessorSpec]:
    """Return every class's spec by name, in alphabetical order."""
    found = [
        replace(spec, family=family)
        for family, modules in FAMILIES.items()
        for module in modules
        for spec in import_module(f"graphproc.processors.{module}").SPECS
    ]
    names = [spec.name for spec in found]
    if duplicate := next((name for name in names if names.count(name) > 1), None):
        raise AssertionError(f"{duplicate} has two rows")
    return {spec.name: spec for spec in sorted(found, key=lambda spec: spec.name.lower())}


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
