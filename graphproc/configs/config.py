"""The settings of one processor: declared keys normalised and checked, unknown keys kept as they came."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from graphproc.configs import timm
from graphproc.configs.sizes import size_dict
from graphproc.errors import ConfigError
from graphproc.numerics.filters import NAMES

STANDARD_KEYS: tuple[str, ...] = (
    "do_convert_rgb",
    "do_resize",
    "size",
    "default_to_square",
    "resample",
    "do_center_crop",
    "crop_size",
    "do_rescale",
    "rescale_factor",
    "do_normalize",
    "image_mean",
    "image_std",
    "do_pad",
    "pad_size",
)
"""The settings that every processor declares. A class without a default for one has None."""

DROPPED_KEYS = frozenset({"image_processor_type", "feature_extractor_type", "processor_class"})
"""Keys that say which class a file is for; they are not settings."""


def _number(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ConfigError(f"{key}: expected a finite number, got {value!r}")
    return value


def _share(key: str, value: Any) -> float:
    """A number that sizes are divided by: the quotient has to be a size."""
    if 0 < abs(_number(key, value)) < 1e-6:
        raise ConfigError(f"{key}: expected a number that sizes can be divided by, got {value!r}")
    return _number(key, value)


def _flag(key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"{key}: expected true, false or null, got {value!r}")
    return value


def _colors(key: str, value: Any) -> tuple[tuple[float, ...], ...]:
    rows = value.tolist() if hasattr(value, "tolist") else value
    if (
        not isinstance(rows, (list, tuple))
        or not rows
        or not all(isinstance(row, (list, tuple)) and len(row) == 3 for row in rows)
    ):
        raise ConfigError(f"{key}: expected one or more rows of 3 numbers, got {value!r:.80}")
    return tuple(tuple(float(_number(key, v)) for v in row) for row in rows)


def _nothing(key: str, value: Any) -> Any:
    raise ConfigError(f"{key}: expected null, because a Python function cannot be compiled. Apply it before the call.")


def _statistics(key: str, value: Any) -> tuple[float, ...] | float:
    if isinstance(value, (list, tuple)) and value:
        return tuple(_number(key, v) for v in value)
    return _number(key, value)


def _resample(key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or int(value) not in NAMES:
        known = ", ".join(f"{code} {name}" for code, name in sorted(NAMES.items()))
        raise ConfigError(f"{key}: expected one of {known}, got {value!r}")
    return int(value)


def _count(key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"{key}: expected a whole number, got {value!r}")
    return value


def _texts(key: str, value: Any) -> tuple[str, ...] | str:
    if isinstance(value, str):
        return value
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"{key}: expected texts, got {value!r:.80}")
    return tuple(value)


def _pair(key: str, value: Any) -> tuple[int, int]:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ConfigError(f"{key}: expected two whole numbers, got {value!r:.80}")
    return _count(key, value[0]), _count(key, value[1])


def _color(key: str, value: Any) -> tuple[int, ...] | int:
    channels = value if isinstance(value, (list, tuple)) else [value]
    if not channels or not all(0 <= _count(key, channel) <= 255 for channel in channels):
        raise ConfigError(f"{key}: expected bytes, one for each channel, got {value!r:.80}")
    return tuple(channels) if isinstance(value, (list, tuple)) else int(value)


def _resolutions(key: str, value: Any) -> tuple[tuple[int, int], ...]:
    pairs = value if isinstance(value, (list, tuple)) else ()
    if not pairs or not all(
        isinstance(pair, (list, tuple)) and len(pair) == 2 and all(_count(key, side) > 0 for side in pair) for pair in pairs
    ):
        raise ConfigError(f"{key}: expected one or more pairs of a height and a width in pixels, got {value!r:.80}")
    return tuple((height, width) for height, width in pairs)


_CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "resample": _resample,
    "rescale_factor": _number,
    "image_mean": _statistics,
    "image_std": _statistics,
    "clusters": _colors,
    "codebook_image_mean": _statistics,
    "codebook_image_std": _statistics,
    "codebook_resample": _resample,
    "codebook_rescale_factor": _number,
    "crop_pct": _share,
    "high_res_image_mean": _statistics,
    "high_res_image_std": _statistics,
    "high_res_resample": _resample,
    "default_to_square": _flag,
    "transform": _nothing,
    "background_color": _color,
    "character_list": _texts,
    **dict.fromkeys(("crop_to_patches", "use_covering_area_grid", "fine_route", "split_image"), _flag),
    **dict.fromkeys(("min_patches", "max_patches", "dense_max_patches", "min_image_size"), _count),
    **dict.fromkeys(("maximum_pad_value", "max_image_tiles", "max_num_tiles"), _count),
    **dict.fromkeys(("dense_max_scale", "dense_min_aspect", "dense_max_aspect"), _number),
    **dict.fromkeys(("image_grid_pinpoints", "split_resolutions"), _resolutions),
    **dict.fromkeys(("overlap_margins", "pooling_size"), _pair),
    timm.KEY: timm.checked,
}


_READERS: Mapping[str, tuple[str, ...]] = {
    "size": ("do_resize", "do_center_crop"),  # Perceiver crops in proportion to it
    "crop_size": ("do_center_crop",),
    "pad_size": ("do_pad",),
    "high_res_size": ("do_resize",),
    "mask_size": ("do_resize",),
    "mask_pad_size": ("do_pad",),
    "codebook_size": ("codebook_do_resize",),
    "codebook_crop_size": ("codebook_do_center_crop",),
}
"""Sizes, and the switches of the steps that read them."""
_SIZED = "patch_size"
"""A setting that is a size in classes that have one for its default, and a number in others."""
_EDGES = ("size", "codebook_size")
"""Sizes of which a whole number may be the shortest edge."""


@dataclass(frozen=True)
class Config:
    """The normalised settings of a processor.

    Declared settings are attributes: `config.size`, `config.do_resize`.

    Attributes:
        processor: the class name, e.g. `CLIPImageProcessor`.
        settings: every declared setting by name; None where neither the class nor the file gives one.
        unknown: other keys of the file, which change nothing and are saved back.
        kept: of settings that a call changes for some steps alone, the processor's own values.
    """

    processor: str
    settings: Mapping[str, Any]
    unknown: Mapping[str, Any]
    kept: Mapping[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["settings"][name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no setting {name!r}") from None

    @cached_property
    def text(self) -> str:
        """The declared settings as text, the same for equal ones."""
        return json.dumps([dict(self.settings), dict(self.kept)] if self.kept else dict(self.settings), sort_keys=True)

    def own(self, key: str) -> Any:
        """A setting's value for steps that read the processor's own, whatever a call says."""
        return self.kept.get(key, self.settings[key])

    def keeping(self, own: Mapping[str, Any]) -> Config:
        """The same settings, with the processor's own values beside them for the steps that read those."""
        return replace(self, kept=MappingProxyType(dict(own)))

    def changed(self, **settings: Any) -> Config:
        """The same settings but for some, which are normalised already."""
        return replace(self, settings=MappingProxyType({**self.settings, **settings}))


def normalize(processor: str, defaults: Mapping[str, Any], extra_keys: tuple[str, ...], given: Mapping[str, Any]) -> Config:
    """Apply given settings over a class's defaults, then bring every declared one to its one form.

    A key that is given as None overrides the default with None, as the reference does.

    Args:
        processor: the class name.
        defaults: the class's defaults.
        extra_keys: settings that the class declares beyond `STANDARD_KEYS`.
        given: settings from a file or a call.

    Raises:
        ConfigError: a value has no meaning for its key.
    """
    declared = (*STANDARD_KEYS, *extra_keys)
    base = {"default_to_square": True, **defaults}
    raw = {key: given[key] if key in given else base.get(key) for key in declared}
    settings = {}
    for key, value in raw.items():
        sized = key == _SIZED and isinstance(base.get(key), Mapping)
        settings[key] = size_dict(key, value) if sized and value is not None else _normalized(key, value, raw)
    unknown = {k: v for k, v in given.items() if k not in settings and k not in DROPPED_KEYS}
    return Config(processor, MappingProxyType(settings), MappingProxyType(unknown))


def _normalized(key: str, value: Any, raw: Mapping[str, Any]) -> Any:
    if value is None:
        return None
    if key in _READERS:
        used = any(raw[switch] for switch in _READERS[key])
        return size_dict(key, value, default_to_square=key not in _EDGES or bool(raw["default_to_square"]), used=used)
    if key in _CHECKS:
        return _CHECKS[key](key, value)
    return _flag(key, value) if key.startswith("do_") else value


NEEDS: Mapping[str, tuple[str, ...]] = {
    "do_resize": ("size", "resample"),
    "do_center_crop": ("crop_size",),
    "do_rescale": ("rescale_factor",),
    "do_normalize": ("image_mean", "image_std"),
}
"""For each switch, the settings without which its step means nothing."""


def check(config: Config, needs: Mapping[str, tuple[str, ...]] = NEEDS) -> Config:
    """Check that every step that is switched on has the settings it needs.

    Raises:
        ConfigError: names the step's switch and the setting that is missing.
    """
    for switch, keys in needs.items():
        for key in keys:
            if getattr(config, switch) and getattr(config, key) is None:
                raise ConfigError(f"{config.processor}: {switch} needs {key}, which is null. Set {key}, or {switch} to false.")
    return config
