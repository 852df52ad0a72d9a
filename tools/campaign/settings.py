"""Draw random settings of a class, in every spelling of transformers or of files of older versions."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from functools import cache
from typing import Any

import cases.parity as parity_cases
import transformers
from cases.every_class import SMALL
from PIL import Image

from graphproc.configs import timm
from graphproc.processors.registry import specs

SIZES = ("size", "crop_size", "pad_size", "high_res_size", "mask_size", "mask_pad_size", "codebook_size", "codebook_crop_size")
NOT_TRIED = (
    *("apply_ocr", "ocr_lang", "tesseract_config", "transform", "is_vqa", "header_text", "class_info_file", "repo_path"),
    *("return_image_mask", "bool_masked_pos", "num_text", "pretrained_cfg", "architecture", "character_list"),
)
"""Settings that need another program, the Hub or random numbers."""
FEW: Mapping[str, tuple[Any, ...]] = {
    "pooling_kernel_size": (1, 2, 3, 5),
    "padding_mode": ("constant", "reflect", "edge", "symmetric"),
    "pad_mode": ("constant", "reflect", "replicate", "symmetric", "edge"),
    "format": ("coco_detection", "coco_panoptic", "coco"),
    "downsample_mode": ("4x", "16x"),
    "vision_input_type": ("thumb+tile", "vanilla"),
    "limit_type": ("min", "max", "resize_long"),
    "small_image_upsize": ("always", "never"),
}
"""Values for settings of a few texts, and for numbers that would make images that take minutes if they were larger."""
NUMBERS = (0, 1, 2, 3, 4, 5, 7, 8, 12, 14, 16, 28, 32, 50)
LEGACY: Mapping[str, tuple[Any, ...]] = {
    "use_square_size": (True, False),
    "max_size": (40, 77, None),
    "pad_and_return_pixel_mask": (True, False),
    "reduce_labels": (True, False),
    "rescale": (True, False),
    "size_divisibility": (5, 8),
    "feature_extractor_type": ("CLIPFeatureExtractor",),
    "_something": (3,),
    "norm_mean": ([0.4, 0.5, 0.6],),
    "norm_std": ([0.4, 0.5, 0.6],),
    "image_size": (30, None),
    "crop_pct": (0.9, None),
}
"""Keys that some class had once or has; a file for any class may contain them."""


TILES = [[40, 80], [80, 40], [80, 80], [120, 40], [40, 120]]
PAIRS = {"size": {"height": 48, "width": 64}}
SMALLER: Mapping[str, Mapping[str, Any]] = {
    "LlavaNextImageProcessor": {"size": {"shortest_edge": 40}, "crop_size": 40, "image_grid_pinpoints": TILES},
    "LlavaOnevisionImageProcessor": {"size": {"height": 40, "width": 40}, "image_grid_pinpoints": TILES},
    "MllamaImageProcessor": {"size": {"height": 40, "width": 40}},
    "Gemma3ImageProcessor": {"size": {"height": 40, "width": 40}},
    "Owlv2ImageProcessor": {"size": {"height": 61, "width": 61}},
    "ZoeDepthImageProcessor": {"size": {"height": 61, "width": 90}},
    **{f"{stem}ImageProcessor": PAIRS for stem in ("EfficientLoFTR", "LightGlue", "SuperGlue", "SuperPoint")},
}
"""Settings that make classes quick, beside those in the tests."""


@cache
def pool(name: str) -> Mapping[str, tuple[Any, ...]]:
    """Return all values that the tests try with a class, by key."""
    found: dict[str, dict[str, Any]] = {}
    case = parity_cases.CASES[name]
    for settings in (case.always, SMALL.get(name, {}), *parity_cases.variants(name).values()):
        for key, value in settings.items():
            found.setdefault(key, {})[repr(value)] = value
    return {key: tuple(values.values()) for key, values in found.items()}


@cache
def keys(name: str) -> tuple[str, ...]:
    """Return the settings of a class to try."""
    return tuple(key for key in specs()[name].config({}).settings if key not in NOT_TRIED)


def settings_of(name: str, backend: str, rng: random.Random) -> dict[str, Any]:
    """Draw random settings of a class, without its backend."""
    if name == timm.CLASS:
        return _timm(rng)
    case = parity_cases.CASES[name]
    found: dict[str, Any] = {**case.always}
    if rng.random() < 0.93:
        found |= _small(name)
    if rng.random() < 0.35:
        variants = parity_cases.variants(name)
        found |= variants[rng.choice(list(variants))]
    for _ in range(rng.choice((0, 0, 1, 1, 1, 2, 2, 3, 4))):
        key = rng.choice(keys(name))
        found[key] = value(name, key, rng)
    if rng.random() < 0.12:
        old = rng.choice([*specs()[name].older, *LEGACY])
        found[old] = rng.choice(LEGACY[old]) if old in LEGACY else value(name, old, rng)
    found.pop("backend", None)
    return {key: item for key, item in found.items() if key not in NOT_TRIED or key in case.always}


def _timm(rng: random.Random) -> dict[str, Any]:
    """Draw the settings of a timm model, with some left out."""
    every = {
        "input_size": [3, rng.randint(8, 80), rng.randint(8, 80)],
        "crop_pct": rng.choice((1.0, 0.95, 0.875, 0.5, 1.2)),
        "crop_mode": rng.choice(timm.MODES),
        "interpolation": rng.choice(("bicubic", "bilinear", "nearest", "lanczos")),
        "mean": rng.choice(([0.5, 0.5, 0.5], [0.485, 0.456, 0.406])),
        "std": rng.choice(([0.5, 0.5, 0.5], [0.229, 0.224, 0.225])),
    }
    kept = {key: value for key, value in every.items() if key == "input_size" or rng.random() < 0.7}
    return {"pretrained_cfg": kept, "architecture": "resnet18"}


def _small(name: str) -> Mapping[str, Any]:
    """Return settings that make a class quick."""
    if name in SMALL or name in SMALLER:
        return {**SMALLER.get(name, {}), **SMALL.get(name, {})}
    size = specs()[name].defaults.get("size") or {}
    if not parity_cases.CASES[name].standard or not size or max(size.values()) > 2000:
        return {}
    crop = {"crop_size": {"height": 33, "width": 41}} if specs()[name].defaults.get("crop_size") else {}
    return {"size": {key: 40 if key != "longest_edge" else 70 for key in size}, **crop}


def value(name: str, key: str, rng: random.Random) -> Any:
    """Draw a value of a setting."""
    spec = specs()[name]
    known = pool(name).get(key, ())
    default = spec.config({}).settings.get(key)
    if known and rng.random() < 0.4:
        return rng.choice(known)
    if rng.random() < 0.06:
        return None
    if key in SIZES or (key.endswith("size") and isinstance(default, Mapping)):
        return _size(key, default, rng)
    if key.endswith("resample"):
        filter = rng.choice((0, 1, 2, 2, 3, 3, 4, 5))
        return Image.Resampling(filter) if rng.random() < 0.3 else filter
    if "mean" in key or "std" in key:
        return _statistics("std" in key, rng)
    if key.endswith("rescale_factor"):
        return rng.choice((1 / 255, 1 / 127.5, 1 / 256, 0.0078, 1, 1.0, 2, 0.0, -0.5, 1e-3))
    if key.startswith("do_") or "_do_" in key or isinstance(default, bool):
        return rng.random() < 0.5
    if key in FEW:
        return rng.choice(FEW[key])
    if key == "background_color":
        return rng.choice((0, 9, 255, [0, 200, 255], (1, 2, 3), [7]))
    if isinstance(default, tuple) and default and isinstance(default[0], tuple):
        return [[rng.choice((20, 30, 40, 60, 90)) for _ in range(2)] for _ in range(rng.randint(1, 4))]
    if isinstance(default, tuple):
        return [rng.randint(0, 4) for _ in default]
    if isinstance(default, float):
        return rng.choice((default, default / 2, default * 2, 0.0, 0.5, 1.0, 1.5, 2, 7))
    if isinstance(default, int):
        return rng.choice((default, max(default - 1, 1), default + 1, *NUMBERS))
    return rng.choice(known) if known else rng.choice((*NUMBERS, 0.5, 1.5, True, False))


def _size(key: str, default: Any, rng: random.Random) -> Any:
    """Draw a size in one of its spellings."""
    largest = max(default.values()) if isinstance(default, Mapping) and default else 0
    count = rng.randint(400, 12000) if largest > 5000 else rng.randint(1, 90)
    second = rng.randint(400, 30000) if largest > 5000 else rng.randint(1, 90)
    forms: list[Mapping[str, int]] = [
        {"height": count, "width": second},
        {"shortest_edge": count},
        {"shortest_edge": min(count, second), "longest_edge": max(count, second)},
        {"longest_edge": count},
        {"max_height": count, "max_width": second},
        {"min_pixels": min(count, second) * 10, "max_pixels": max(count, second) * 50},
        {"height": count, "width": count},
    ]
    own = [form for form in forms if isinstance(default, Mapping) and set(form) == set(default)] or forms[:1]
    spelled: Mapping[str, int] = rng.choice(own if rng.random() < 0.85 else forms)
    form = rng.random()
    if form < 0.6:
        return dict(spelled)
    if form < 0.75:
        return count
    if form < 0.85:
        return [count, second]
    if form < 0.92:
        return (count, second)
    if form < 0.98 and key in ("size", "crop_size", "pad_size"):
        return transformers.image_utils.SizeDict(**spelled)
    return {**spelled, "shortest_edge": count}


def _statistics(divides: bool, rng: random.Random) -> Any:
    """Draw a mean, or a standard deviation, in one of its spellings."""
    low = 0.05 if divides else -0.5
    three = [round(rng.uniform(low, 1.2), rng.randint(1, 8)) for _ in range(3)]
    if rng.random() < 0.1:
        return rng.choice((three[:1], three[:2]))
    return rng.choice((three, three, tuple(three), three[0], [1, 1, 1], 1, [0.5, 0.5, 0.5], 2 if divides else 0))


def writable(settings: Mapping[str, Any]) -> bool:
    """Tell whether a JSON file can have the settings."""
    try:
        json.dumps(dict(settings))
    except TypeError:
        return False
    return not any(isinstance(item, (tuple, Image.Resampling)) for item in settings.values())
