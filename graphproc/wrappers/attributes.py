"""What a processor's attributes hold: settings in transformers' containers, defaults of classes, and what is computed of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphproc.configs.config import Config
from graphproc.configs.sizes import SIDES, Size
from graphproc.processors.registry import lookup
from graphproc.processors.row import Row

STATISTICS = ("image_mean", "image_std")
"""Ends of the names of settings that are tuples of numbers; sequences of others are lists."""


def shown(row: Row, key: str, value: Any) -> Any:
    """A normalised setting as transformers' attribute of that name holds it: sizes with their sides, tables as lists of lists.

    Means and standard deviations are tuples, but of classes that are `unmoved`.
    """
    if isinstance(value, Mapping):
        return Size(value) if set(value) <= set(SIDES) else dict(value)
    if not isinstance(value, (tuple, list)):
        return value
    as_tuple = key.endswith(STATISTICS) and not row.unmoved
    return tuple(value) if as_tuple else [shown(row, key, item) for item in value]


def class_attributes(row: Row) -> dict[str, Any]:
    """The defaults of a class, by name; a setting without one is no attribute of it."""
    settings = row.config({}).settings
    return {key: shown(row, key, value) for key, value in settings.items() if value is not None}


def computed(config: Config) -> dict[str, Any]:
    """The attributes that a processor's class computes of its settings; none for most."""
    return dict(lookup(config.processor).computed(config))
