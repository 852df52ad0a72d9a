"""What a processor's attributes hold: settings in transformers' containers, defaults of classes, and what is computed of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from graphproc.configs.config import Config
from graphproc.configs.files import read_json
from graphproc.configs.sizes import SIDES, Size
from graphproc.errors import ConfigError
from graphproc.processors.calls import forgotten
from graphproc.processors.deepseek_vl import GRAY
from graphproc.processors.row import Row
from graphproc.processors.stages import count

STATISTICS = ("image_mean", "image_std")
"""Ends of the names of settings that are tuples of numbers; sequences of others are lists."""
OF_LISTS = ("Emu3ImageProcessor", "VideoLlavaImageProcessor", "VivitImageProcessor")
"""Classes that hold these as lists, too: those that transformers has not moved to its backends."""


def shown(row: Row, key: str, value: Any) -> Any:
    """A normalised setting as transformers' attribute of that name holds it: sizes with their sides, tables as lists of lists.

    Means and standard deviations are tuples, but of a few classes.
    """
    if isinstance(value, Mapping):
        return Size(value) if set(value) <= set(SIDES) else dict(value)
    if not isinstance(value, (tuple, list)):
        return value
    as_tuple = key.endswith(STATISTICS) and row.name not in OF_LISTS
    return tuple(value) if as_tuple else [shown(row, key, item) for item in value]


def class_attributes(row: Row) -> dict[str, Any]:
    """The defaults of a class, by name; a setting without one is no attribute of it."""
    settings = row.config({}).settings
    return {key: shown(row, key, value) for key, value in settings.items() if value is not None}


def _background(config: Config, key: str) -> tuple[int, ...]:
    """A mean colour in bytes, truncated; gray for none.

    Raises:
        ConfigError: the mean is one number; transformers makes no colour of it.
    """
    mean = config.settings[key]
    if mean is None:
        return GRAY
    if not isinstance(mean, (list, tuple)):
        raise ConfigError(f"{key}: expected a number for each channel, of which the background is made, got {mean!r}")
    return tuple(int(v * 255) for v in mean)


def _one_mean(config: Config) -> dict[str, Any]:
    return {"background_color": _background(config, "image_mean")}


def _two_means(config: Config) -> dict[str, Any]:
    return {**_one_mean(config), "high_res_background_color": _background(config, "high_res_image_mean")}


def _side(config: Config) -> dict[str, Any]:
    return {"image_size": (config.size or {}).get("height")}


def _patches(config: Config) -> dict[str, Any]:
    whole = count(config, "max_image_tokens") * count(config, "downsample_factor") ** 2
    tile = (count(config, "tile_size") // count(config, "encoder_patch_size")) ** 2 if config.do_image_splitting else 0
    return {"max_num_patches": max(whole, tile)}


def _table_tokens(config: Config) -> dict[str, Any]:
    spans = [f' {name}="{count}"' for name in ("colspan", "rowspan") for count in range(2, 21)]
    tags = ["<thead>", "</thead>", "<tbody>", "</tbody>", "<tr>", "</tr>", "<td", ">", "</td>"]
    tokens = ["sos", *tags, *spans, "<td></td>", "eos"]
    return {
        "character": tokens,
        "dict": {token: number for number, token in enumerate(tokens)},
        "td_token": ["<td>", "<td", "<td></td>"],
        "bos_id": 0,
        "eos_id": len(tokens) - 1,
    }


def _metadata(config: Config) -> dict[str, Any]:
    """OneFormer's names of classes, of a JSON file in the local folder `repo_path`; nothing where there is no such file.

    A file outside that folder is not read: a configuration is data from strangers.
    """
    name, parent = config.settings["class_info_file"], config.settings["repo_path"] or "."
    if not isinstance(parent, (str, os.PathLike)):
        raise ConfigError(f"repo_path: expected the path of a folder, got {parent!r}")
    folder = Path(parent).resolve()
    path = (folder / name).resolve() if isinstance(name, str) and name.endswith(".json") else folder
    if not path.is_file() or not path.is_relative_to(folder):
        return {}
    classes = read_json(path)
    try:
        things = [int(key) for key, info in classes.items() if info["isthing"]]
        names = {key: info["name"] for key, info in classes.items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{path}: expected a name and isthing for each class's number, {{'0': {{'name': ..., 'isthing': 0}}, ...}}"
        ) from error
    return {"metadata": {**names, "thing_ids": things, "class_names": list(names.values())}}


COMPUTED: Mapping[str, Callable[[Config], Mapping[str, Any]]] = {
    "DeepseekVLImageProcessor": _one_mean,
    "DeepseekVLHybridImageProcessor": _two_means,
    "IdeficsImageProcessor": _side,
    "JanusImageProcessor": _one_mean,
    "Lfm2VlImageProcessor": _patches,
    "OneFormerImageProcessor": _metadata,
    "SLANeXtImageProcessor": _table_tokens,
}
"""Attributes that a class computes of its settings when it is made, whatever a file says of them; they are saved as well.

Source: transformers 5.23, the constructors of these classes.
"""


NOT_SAVED: Mapping[str, tuple[str, ...]] = dict.fromkeys(
    ("Idefics3ImageProcessor", "SmolVLMImageProcessor", "UltraVBertImageProcessor"), ("return_row_col_info",)
)
"""Settings that a class leaves out of its files."""


def computed(config: Config) -> dict[str, Any]:
    """The attributes that a processor's class computes of its settings; none for most."""
    make = COMPUTED.get(config.processor)
    return {} if make is None else dict(make(config))


def saved(row: Row, config: Config, computed: Mapping[str, Any], unknown: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as a configuration file holds them; those that neither the class nor anyone set are left out.

    Args:
        row: the class.
        config: the normalised settings.
        computed: what the class computes of its settings, as the processor's attributes hold it.
        unknown: settings that change nothing, but for what is computed.
    """
    settings = {key: shown(row, key, value) for key, value in config.settings.items()} | dict(computed)
    known = [*settings.items(), *((key, value) for key, value in unknown.items() if key not in computed)]
    dropped = {*NOT_SAVED.get(row.name, ()), *forgotten(row.calls, {})}
    kept = {k: v for k, v in known if (v is not None or row.defaults.get(k) is not None) and k not in dropped}
    if row.defaults.get("default_to_square", True) == kept.get("default_to_square"):
        kept.pop("default_to_square", None)
    plain = {key: dict(value) if isinstance(value, Mapping) else value for key, value in kept.items()}
    return {"image_processor_type": row.name, **plain}
