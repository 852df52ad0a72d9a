"""A processor's attributes: settings in transformers' containers, defaults of classes, and computed values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphproc.configs.config import Config
from graphproc.configs.sizes import SIDES, Size
from graphproc.processors.calls import forgotten
from graphproc.processors.registry import lookup
from graphproc.processors.spec import ProcessorSpec

STATISTICS = ("image_mean", "image_std")
"""The ends of names of settings that are shown as tuples of numbers; other sequences are lists."""


def shown(spec: ProcessorSpec, key: str, value: Any) -> Any:
    """Return a normalised setting in the container that transformers' attribute of that name has.

    Sizes have their sides as attributes, tables are lists of lists. Means and standard deviations are
    tuples, except in classes that are `unmoved`.
    """
    if isinstance(value, Mapping):
        return Size(value) if set(value) <= set(SIDES) else dict(value)
    if not isinstance(value, (tuple, list)):
        return value
    as_tuple = key.endswith(STATISTICS) and not spec.unmoved
    return tuple(value) if as_tuple else [shown(spec, key, item) for item in value]


def class_attributes(spec: ProcessorSpec) -> dict[str, Any]:
    """Return the defaults of a class by name; a setting without a default is not an attribute of the class."""
    settings = spec.config({}).settings
    return {key: shown(spec, key, value) for key, value in settings.items() if value is not None}


def computed(config: Config) -> dict[str, Any]:
    """Return the attributes that a class computes from its settings; most compute none."""
    return dict(lookup(config.processor).computed(config))


def saved(spec: ProcessorSpec, config: Config, computed: Mapping[str, Any], unknown: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings as a configuration file holds them, without those that were never set.

    Args:
        spec: the spec of the class.
        config: the normalised settings.
        computed: what the class computes from its settings, as the processor's attributes hold it.
        unknown: settings that change nothing, except what is computed.
    """
    settings = {key: shown(spec, key, value) for key, value in config.settings.items()} | dict(computed)
    known = [*settings.items(), *((key, value) for key, value in unknown.items() if key not in computed)]
    dropped = {*spec.not_saved, *forgotten(spec.calls, {})}
    kept = {k: v for k, v in known if (v is not None or spec.defaults.get(k) is not None) and k not in dropped}
    if spec.defaults.get("default_to_square", True) == kept.get("default_to_square"):
        kept.pop("default_to_square", None)
    plain = {key: dict(value) if isinstance(value, Mapping) else value for key, value in kept.items()}
    return {"image_processor_type": spec.name, **plain}
