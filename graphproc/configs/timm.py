"""timm's settings: the `pretrained_cfg` of a model's `config.json`, read as timm's evaluation transform reads it.

Source: timm 1.0.31, `data/config.py` (`resolve_data_config`) and `data/transforms_factory.py`, called as transformers 5.23
calls them (`models/timm_wrapper/image_processing_timm_wrapper.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphproc.errors import ConfigError
from graphproc.numerics.filters import FILTER_NAMES

KEY = "pretrained_cfg"
CLASS = "TimmWrapperImageProcessor"
MODES = ("center", "squash", "border")
DEFAULTS: Mapping[str, Any] = {
    "input_size": (3, 224, 224),
    "interpolation": "bicubic",
    "mean": (0.485, 0.456, 0.406),
    "std": (0.229, 0.224, 0.225),
    "crop_pct": 0.875,
    "crop_mode": "center",
}
"""The values of keys that a file lacks, or sets to null."""
MAX_SIDE = 2**31 - 1


@dataclass(frozen=True)
class Evaluation:
    """The evaluation transform of a model.

    Attributes:
        size: (height, width) of the result, in pixels.
        scaled: (height, width) in pixels that the resize aims at: the size divided by `crop_pct`, rounded down.
        mode: `center` scales the shorter side to `scaled`, then crops; `squash` scales both sides to
            `scaled`, then crops; `border` scales the longer side to `scaled`, then adds a border.
        filter: the name of the resize's filter.
        mean: of the three channels, in [0, 1].
        std: of the three channels.
    """

    size: tuple[int, int]
    scaled: tuple[int, int]
    mode: str
    filter: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


def is_timm(settings: Mapping[str, Any]) -> bool:
    """Tell whether settings are those of a timm model's `config.json`."""
    return isinstance(settings.get(KEY), Mapping)


def evaluation(given: Any) -> Evaluation:
    """Return the evaluation transform that a `pretrained_cfg` describes.

    Args:
        given: the dictionary. Keys that do not concern evaluation may hold anything.

    Raises:
        ConfigError: it is not a dictionary, a value has no meaning, or the model does not take
            three channels.
    """
    if not isinstance(given, Mapping):
        raise ConfigError(f"{KEY}: expected a dictionary of timm's settings, got {type(given).__name__}")
    size = _size(given)
    crop_pct = given.get("crop_pct") or DEFAULTS["crop_pct"]
    if not _is_number(crop_pct) or crop_pct <= 0:
        raise ConfigError(f"{KEY}.crop_pct: expected a number above 0, got {crop_pct!r}")
    sides = [side / crop_pct for side in size]
    if not all(1 <= side <= MAX_SIDE for side in sides):
        raise ConfigError(f"{KEY}.crop_pct: expected input_size over it to be 1 to {MAX_SIDE} pixels, got {crop_pct!r}")
    return Evaluation(
        size=size,
        scaled=(math.floor(sides[0]), math.floor(sides[1])),
        mode=_choice(given, "crop_mode", MODES),
        filter=_choice(given, "interpolation", sorted(FILTER_NAMES.values())),
        mean=_statistics(given, "mean"),
        std=_statistics(given, "std"),
    )


def checked(key: str, value: Any) -> dict[str, Any]:
    """Check a `pretrained_cfg` with `evaluation`, and return it as it is saved.

    Raises:
        ConfigError: as for `evaluation`.
    """
    evaluation(value)
    return {str(name): list(item) if isinstance(item, tuple) else item for name, item in value.items()}


def _size(given: Mapping[str, Any]) -> tuple[int, int]:
    value = given.get("input_size")
    if value is None and (side := given.get("img_size")) is not None:
        value = (3, side, side)
    value = DEFAULTS["input_size"] if value is None else value
    whole = isinstance(value, (list, tuple)) and all(isinstance(v, int) and not isinstance(v, bool) for v in value)
    if not whole or len(value) != 3 or not all(1 <= v <= MAX_SIDE for v in value):
        raise ConfigError(f"{KEY}.input_size: expected [3, height, width] in pixels, got {value!r}")
    channels = next((n for key in ("in_chans", "chans") if (n := given.get(key)) is not None), 3)
    for key, count in (("input_size", value[0]), ("in_chans", channels)):
        if count != 3:
            raise ConfigError(f"{KEY}.{key}: expected 3 channels, got {count!r}. Only models of RGB images are supported.")
    return value[1], value[2]


def _choice(given: Mapping[str, Any], key: str, known: tuple[str, ...] | list[str]) -> str:
    value = given.get(key) or DEFAULTS[key]
    if not isinstance(value, str) or value not in known:
        hint = " It draws one at random, which is for training." if value == "random" else ""
        raise ConfigError(f"{KEY}.{key}: expected one of {', '.join(known)}, got {value!r}.{hint}")
    return value


def _statistics(given: Mapping[str, Any], key: str) -> tuple[float, ...]:
    value = DEFAULTS[key] if given.get(key) is None else given[key]
    if not isinstance(value, (list, tuple)) or len(value) not in (1, 3) or not all(map(_is_number, value)):
        raise ConfigError(f"{KEY}.{key}: expected one number for each of 3 channels, got {value!r}")
    numbers = tuple(value) * (3 // len(value))
    with np.errstate(over="ignore"):
        rounded = np.asarray(numbers, np.float64).astype(np.float32)
    if not np.isfinite(rounded).all() or (key == "std" and not rounded.all()):
        raise ConfigError(f"{KEY}.{key}: expected numbers that float32 holds{', not 0' * (key == 'std')}, got {value!r}")
    return numbers


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
