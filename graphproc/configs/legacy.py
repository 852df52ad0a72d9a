"""Older spellings of settings, in one table: what each class still understands, and what transformers now ignores.

Spellings that every class understands are in `sizes.py` (whole numbers and pairs for sizes), and null in `config.py`.
Source: the constructors of transformers 5.23 (`models/*/image_processing_pil_*.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from graphproc.errors import ConfigError

Rewrite = Callable[[Any, Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any] | None]
"""The settings that a value of an old key stands for, given the class's defaults and the other settings; None if nothing."""


def _square(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Kosmos-2: the class's own edge as both sides, whatever the size."""
    edge = defaults["size"]["shortest_edge"]
    return {"size": {"height": edge, "width": edge}} if value else None


def _renamed(name: str) -> Rewrite:
    return lambda value, defaults, settings: {name: value}


def _width_first(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Donut: a pair is (width, height)."""
    return {"size": tuple(reversed(value))} if isinstance(value, (list, tuple)) else None


def _width_first_or_default(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Donut's constructor: null is the default."""
    return {"size": defaults["size"]} if value is None else _width_first(value, defaults, settings)


def _older(name: str) -> Rewrite:
    """An older name, which gives way to today's."""
    return lambda value, defaults, settings: None if value is None else {name: settings.get(name, value)}


def _not_null(name: str) -> Rewrite:
    """Null means the class's default, not that there is none."""
    return lambda value, defaults, settings: {name: defaults[name]} if value is None else None


def _edge(key: str, edge: str) -> Rewrite:
    """Qwen2-VL and its kin: a number of pixels that `size` now holds as an edge."""

    def rewrite(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if value is None:
            return None
        size = settings.get("size", defaults["size"])
        if not isinstance(size, Mapping):
            raise ConfigError(f"size: expected shortest_edge and longest_edge beside {key}, got {size!r}")
        return {"size": {**size, key: None, edge: value}}

    return rewrite


def _detr_size(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """DETR and its kin: null is the default, and a number is a shortest edge, with `max_size` or 1333 as the longest."""
    if value is None:
        return {"size": defaults["size"]}
    if not _is_number(value) or (longest := settings.get("max_size", 1333)) is None:
        return None
    return {"size": {"shortest_edge": value, "longest_edge": longest}}


def _mask_former_size(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """MaskFormer and Mask2Former: null is the default, and `max_size` goes with it or with a number."""
    longest = {} if settings.get("max_size") is None else {"longest_edge": settings["max_size"]}
    if value is None:
        return {"size": {**defaults["size"], **longest}}
    return {"size": {"shortest_edge": value, **longest}} if _is_number(value) else None


def _with_annotations(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """DETR and its kin: the annotations are converted where images are normalized, unless it is said."""
    if value is None:
        return None
    return {"do_normalize": value, "do_convert_annotations": settings.get("do_convert_annotations", value)}


def _is_number(size: Any) -> bool:
    return isinstance(size, int) and not isinstance(size, bool)


DETR: Mapping[str, Rewrite] = {
    "size": _detr_size,
    "max_size": lambda value, defaults, settings: {} if "size" in settings else None,
    "pad_and_return_pixel_mask": lambda value, defaults, settings: {} if "do_pad" in settings else {"do_pad": value},
    "do_normalize": _with_annotations,
}

MASK_FORMER: Mapping[str, Rewrite] = {
    "size": _mask_former_size,
    "max_size": lambda value, defaults, settings: {} if "size" in settings else _mask_former_size(None, defaults, settings),
}


def _both_sides(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Idefics: a number of pixels that `size` now holds as both sides."""
    return None if value is None else {"size": {"height": value, "width": value}, "image_size": None}


def _edge_or_default(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Classes that take a whole number for the shortest edge, whatever `default_to_square` says, and null for the default."""
    if value is None:
        return {"size": defaults["size"]}
    return {"size": {"shortest_edge": value}} if isinstance(value, int) and not isinstance(value, bool) else None


PLAIN_NULLS: Mapping[str, Rewrite] = {
    "size": _edge_or_default,
    **{key: _not_null(key) for key in ("crop_size", "image_mean", "image_std")},
}


def _limits(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Emu3: `size` only repeats two other settings."""
    limits = {key: settings.get(key, default) for key, default in defaults["size"].items()}
    return {**limits, "size": limits}


EMU3: Mapping[str, Rewrite] = {
    "image_mean": _not_null("image_mean"),
    "image_std": _not_null("image_std"),
    **dict.fromkeys(("size", "min_pixels", "max_pixels"), _limits),
}
PIXELS: Mapping[str, Rewrite] = {
    "size": _not_null("size"),
    "min_pixels": _edge("min_pixels", "shortest_edge"),
    "max_pixels": _edge("max_pixels", "longest_edge"),
}


def _file_size(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """MiniMax-M3-VL: the size in the published file, which never had an effect, is the class's default."""
    return {"size": defaults["size"]} if value is None or value == [672, 672] else None


SPELLINGS: Mapping[str, Mapping[str, Rewrite]] = {
    "AriaImageProcessor": {"split_resolutions": _not_null("split_resolutions")},
    "CLIPImageProcessor": {"use_square_size": _square},
    "CohereCompassImageProcessor": PIXELS,
    "ConditionalDetrImageProcessor": DETR,
    "DeformableDetrImageProcessor": DETR,
    "DetrImageProcessor": DETR,
    "DonutImageProcessor": {"size": _width_first_or_default},
    "Emu3ImageProcessor": EMU3,
    "GlmImageImageProcessor": PIXELS,
    "GroundingDinoImageProcessor": DETR,
    "HunYuanVLImageProcessor": PIXELS,
    "Mask2FormerImageProcessor": MASK_FORMER,
    "MaskFormerImageProcessor": MASK_FORMER,
    "IdeficsImageProcessor": {"image_size": _both_sides},
    "MiniMaxM3VLImageProcessor": {**PIXELS, "size": _file_size},
    "NemotronH_Omni_Reasoning_V3ImageProcessor": {
        "norm_mean": _older("image_mean"),
        "norm_std": _older("image_std"),
        "_downsample_factor": lambda value, defaults, settings: {},
    },
    "Owlv2ImageProcessor": {"rescale": _renamed("do_rescale")},
    "OwlViTImageProcessor": {"rescale": _renamed("do_rescale")},
    "PaddleOCRVLImageProcessor": PIXELS,
    "Qwen2VLImageProcessor": PIXELS,
    "RfDetrImageProcessor": DETR,
    "Swin2SRImageProcessor": {"pad_size": _older("size_divisor")},
    "VideoLlama3ImageProcessor": PIXELS,
    "VideoLlavaImageProcessor": PLAIN_NULLS,
    "VitMatteImageProcessor": {"size_divisibility": _older("size_divisor")},
    "VivitImageProcessor": PLAIN_NULLS,
    "YolosImageProcessor": DETR,
}
"""By class and old key. An old key wins over the new one."""

IN_CALLS: Mapping[str, Mapping[str, Rewrite]] = {
    "DonutImageProcessor": {"size": _width_first},
    "Emu3ImageProcessor": EMU3,
    "VideoLlavaImageProcessor": {"size": _edge_or_default},
    "VivitImageProcessor": {"size": _edge_or_default},
    **{
        name: {key: own[key] for key in ("min_pixels", "max_pixels")}
        for name, own in SPELLINGS.items()
        if PIXELS.items() & own.items()
    },
}
"""The rewrites that a call makes, by class and old key; constructors and files make all of `SPELLINGS`."""

IGNORED: Mapping[str, str] = {"reduce_labels": "do_reduce_labels"}
"""Keys that once meant something and now change nothing, with the setting that took their place."""


def modern(processor: str, defaults: Mapping[str, Any], given: Mapping[str, Any], *, call: bool = False) -> dict[str, Any]:
    """Settings with the class's older spellings replaced by today's.

    Args:
        processor: the class name.
        defaults: the class's defaults.
        given: settings from a constructor or a file, or those of a processor with some that a call gives.
        call: whether they are of a call, which understands less (`IN_CALLS`).
    """
    settings = dict(given)
    for key, rewrite in (IN_CALLS if call else SPELLINGS).get(processor, {}).items():
        if key in given and (today := rewrite(given[key], defaults, settings)) is not None:
            del settings[key]
            settings.update(today)
    return settings


def notes(declared: Collection[str], given: Mapping[str, Any]) -> list[str]:
    """What to tell about keys that change nothing though they look as if they did.

    Args:
        declared: the names of the settings of the class.
        given: settings from a file.
    """
    return [
        f"{old} changes nothing, as in transformers 5.23; its name is {new} now"
        for old, new in IGNORED.items()
        if given.get(old) and new in declared and new not in given
    ]
