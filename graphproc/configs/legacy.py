"""Older spellings of settings: those that classes still understand, and those that transformers now ignores.

`ProcessorSpec.older` says which class understands which.

Spellings that every class understands are in `sizes.py` (whole numbers and pairs for sizes) and `config.py` (null).
Source: the constructors of transformers 5.23 (`models/*/image_processing_pil_*.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from graphproc.errors import ConfigError

Rewrite = Callable[[Any, Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any] | None]
"""Makes the settings that an old key's value stands for, given the defaults and the other settings; None for no settings."""


@dataclass(frozen=True)
class Spelling:
    """How an old key is read; it wins over the new one.

    Attributes:
        rewrite: how a constructor and a file read it.
        in_call: how a call reads it; None if a call ignores it.
    """

    rewrite: Rewrite
    in_call: Rewrite | None = None


def _square(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Read Kosmos-2's `use_square_size`: if true, the default's edge is both sides, whatever size is given."""
    edge = defaults["size"]["shortest_edge"]
    return {"size": {"height": edge, "width": edge}} if value else None


def renamed(name: str) -> Spelling:
    """Make the spelling of a key that has another name today."""
    return Spelling(lambda value, defaults, settings: {name: value})


def _width_first(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Read Donut's size: a pair is (width, height)."""
    return {"size": tuple(reversed(value))} if isinstance(value, (list, tuple)) else None


def _width_first_or_default(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Read the size in Donut's constructor: as `_width_first`, and null is the default."""
    return {"size": defaults["size"]} if value is None else _width_first(value, defaults, settings)


def older(name: str) -> Spelling:
    """Make the spelling of an older name; today's name wins if both are given."""
    return Spelling(lambda value, defaults, settings: None if value is None else {name: settings.get(name, value)})


def not_null(name: str) -> Spelling:
    """Make the spelling of a key for which null means the class's default."""
    return Spelling(lambda value, defaults, settings: {name: defaults[name]} if value is None else None)


def _edge(key: str, edge: str) -> Spelling:
    """Make the spelling of a number of pixels that `size` now holds as an edge, in Qwen2-VL and similar classes."""

    def rewrite(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if value is None:
            return None
        size = settings.get("size", defaults["size"])
        if not isinstance(size, Mapping):
            raise ConfigError(f"size: expected shortest_edge and longest_edge beside {key}, got {size!r}")
        return {"size": {**size, key: None, edge: value}}

    return Spelling(rewrite, rewrite)


def _detr_size(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Read the size of DETR and similar classes.

    Null is the default. A number is the shortest edge, with `max_size` or 1333 as the longest.
    """
    if value is None:
        return {"size": defaults["size"]}
    if not _is_number(value) or (longest := settings.get("max_size", 1333)) is None:
        return None
    return {"size": {"shortest_edge": value, "longest_edge": longest}}


def _mask_former_size(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Read the size of MaskFormer and Mask2Former: null is the default; `max_size` is added to it or to a number."""
    longest = {} if settings.get("max_size") is None else {"longest_edge": settings["max_size"]}
    if value is None:
        return {"size": {**defaults["size"], **longest}}
    return {"size": {"shortest_edge": value, **longest}} if _is_number(value) else None


def _with_annotations(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Read `do_normalize` of DETR and similar classes: it is also the default of `do_convert_annotations`."""
    if value is None:
        return None
    return {"do_normalize": value, "do_convert_annotations": settings.get("do_convert_annotations", value)}


def _is_number(size: Any) -> bool:
    return isinstance(size, int) and not isinstance(size, bool)


DETR: Mapping[str, Spelling] = {
    "size": Spelling(_detr_size),
    "max_size": Spelling(lambda value, defaults, settings: {} if "size" in settings else None),
    "pad_and_return_pixel_mask": Spelling(
        lambda value, defaults, settings: {} if "do_pad" in settings else {"do_pad": value},
    ),
    "do_normalize": Spelling(_with_annotations),
}

MASK_FORMER: Mapping[str, Spelling] = {
    "size": Spelling(_mask_former_size),
    "max_size": Spelling(
        lambda value, defaults, settings: {} if "size" in settings else _mask_former_size(None, defaults, settings),
    ),
}


def _both_sides(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Read Idefics' `image_size`: a number of pixels that `size` now holds as both sides."""
    return None if value is None else {"size": {"height": value, "width": value}, "image_size": None}


def _edge_or_default(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Read a size for which a whole number is always the shortest edge, and null is the default."""
    if value is None:
        return {"size": defaults["size"]}
    return {"size": {"shortest_edge": value}} if isinstance(value, int) and not isinstance(value, bool) else None


PLAIN_NULLS: Mapping[str, Spelling] = {
    "size": Spelling(_edge_or_default, _edge_or_default),
    **{key: not_null(key) for key in ("crop_size", "image_mean", "image_std")},
}


def _limits(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read Emu3's `size`, which only repeats two other settings."""
    limits = {key: settings.get(key, default) for key, default in defaults["size"].items()}
    return {**limits, "size": limits}


EMU3: Mapping[str, Spelling] = {
    **{key: Spelling(not_null(key).rewrite, not_null(key).rewrite) for key in ("image_mean", "image_std")},
    **dict.fromkeys(("size", "min_pixels", "max_pixels"), Spelling(_limits, _limits)),
}
PIXELS: Mapping[str, Spelling] = {
    "size": not_null("size"),
    "min_pixels": _edge("min_pixels", "shortest_edge"),
    "max_pixels": _edge("max_pixels", "longest_edge"),
}


def _file_size(value: Any, defaults: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Read MiniMax-M3-VL's size: the one in the published file, which never had an effect, is the class's default."""
    return {"size": defaults["size"]} if value is None or value == [672, 672] else None


DONUT: Mapping[str, Spelling] = {"size": Spelling(_width_first_or_default, _width_first)}
IDEFICS: Mapping[str, Spelling] = {"image_size": Spelling(_both_sides)}
KOSMOS_2: Mapping[str, Spelling] = {"use_square_size": Spelling(_square)}
MINIMAX: Mapping[str, Spelling] = {**PIXELS, "size": Spelling(_file_size)}
NEMOTRON: Mapping[str, Spelling] = {
    "norm_mean": older("image_mean"),
    "norm_std": older("image_std"),
    "_downsample_factor": Spelling(lambda value, defaults, settings: {}),
}
OWL: Mapping[str, Spelling] = {"rescale": renamed("do_rescale")}

IGNORED: Mapping[str, str] = {"reduce_labels": "do_reduce_labels"}
"""Keys that had a meaning once and now change nothing, with the setting that took their place."""


def modern(
    spellings: Mapping[str, Spelling], defaults: Mapping[str, Any], given: Mapping[str, Any], *, call: bool = False
) -> dict[str, Any]:
    """Return settings with a class's older spellings replaced by today's.

    Args:
        spellings: the older spellings that the class understands, by key.
        defaults: the class's defaults.
        given: settings from a constructor or a file, or those of a processor with some that a call gives.
        call: whether they are those of a call.
    """
    settings = dict(given)
    for key, spelling in spellings.items():
        rewrite = spelling.in_call if call else spelling.rewrite
        if rewrite is not None and key in given and (today := rewrite(given[key], defaults, settings)) is not None:
            del settings[key]
            settings.update(today)
    return settings


def notes(declared: Collection[str], given: Mapping[str, Any]) -> list[str]:
    """Return warnings about keys that change nothing although they look as if they did.

    Args:
        declared: the names of the settings of the class.
        given: settings from a file.
    """
    return [
        f"{old} changes nothing, as in transformers 5.23; its name is {new} now"
        for old, new in IGNORED.items()
        if given.get(old) and new in declared and new not in given
    ]
