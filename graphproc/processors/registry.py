"""Every supported processor class by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module

from graphproc.configs.classes import backend_of_name, nearest
from graphproc.errors import UnsupportedProcessorError
from graphproc.processors.row import Row

MODULES = (
    "any_resolution",
    "aria",
    "convnext",
    "deepseek_vl",
    "detr",
    "documents",
    "efficientnet",
    "emu3",
    "eomt",
    "flattened_patches",
    "flava",
    "float_resize",
    "idefics",
    "idefics_tiles",
    "imagegpt",
    "inkling",
    "keypoints",
    "layoutlm",
    "lfm2_vl",
    "levit",
    "llama4",
    "llava",
    "mask_classification",
    "matting",
    "minicpm",
    "mllama",
    "molmo2",
    "multiples",
    "naflex",
    "nemotron",
    "padded_grids",
    "paddle_layout",
    "paddle_ocr",
    "pan_and_scan",
    "patches",
    "perceiver",
    "phi4_multimodal",
    "plain",
    "poolformer",
    "sam",
    "sam2",
    "sapiens2",
    "seggpt",
    "step3p7",
    "tiles",
    "timm",
    "videos",
    "vitpose",
)
"""The modules of this package that hold `ROWS`; add one entry for a new file."""
ALIASES = {"Ernie4_5_VL_MoeImageProcessor": "Ernie4_5_VLMoeImageProcessor"}
"""Older names of classes in transformers."""


@cache
def rows() -> Mapping[str, Row]:
    """Every class's row by name, in alphabetical order."""
    found = [row for module in MODULES for row in import_module(f"graphproc.processors.{module}").ROWS]
    names = [row.name for row in found]
    if duplicate := next((name for name in names if names.count(name) > 1), None):
        raise AssertionError(f"{duplicate} has two rows")
    return {row.name: row for row in sorted(found, key=lambda row: row.name.lower())}


def lookup(name: str) -> Row:
    """The row of a class; a trailing `Fast` or `Pil` and the older `FeatureExtractor` name the same settings.

    Raises:
        UnsupportedProcessorError: no such class is supported; the message names the nearest one.
    """
    plain = name.replace("FeatureExtractor", "ImageProcessor")
    plain, _ = backend_of_name(plain)
    plain, known = ALIASES.get(plain, plain), rows()
    if plain in known:
        return known[plain]
    near = nearest(name, known)
    raise UnsupportedProcessorError(f"{name}: not a supported image processor. The nearest one is {near}; see `graphproc list`.")
