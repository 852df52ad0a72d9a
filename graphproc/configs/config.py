"""The settings of one processor: declared keys are normalised and checked, unknown keys are kept as they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from graphproc.configs.settings import Check, Setting, Sides
from graphproc.configs.sizes import size_dict
from graphproc.errors import ConfigError

DROPPED_KEYS = frozenset({"image_processor_type", "feature_extractor_type", "processor_class"})
"""Keys that say which class a file is for, and so are not settings."""


@dataclass(frozen=True)
class Config:
    """The normalised settings of a processor.

    Declared settings are attributes: `config.size`, `config.do_resize`.

    Attributes:
        processor: the class name, e.g. `CLIPImageProcessor`.
        declared: the class's settings, with the values that they take and their meanings.
        settings: every declared setting by name; None if neither the class nor the file gives a value.
        unknown: the file's other keys, which change nothing and are saved back.
        kept: the processor's own values of settings that a call changes only for some steps.
    """

    processor: str
    declared: Mapping[str, Setting] = field(repr=False)
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
        """Return the declared settings as text; equal settings give equal text."""
        return json.dumps([dict(self.settings), dict(self.kept)] if self.kept else dict(self.settings), sort_keys=True)

    def own(self, key: str) -> Any:
        """Return a setting's value for steps that read the processor's own value instead of a call's."""
        return self.kept.get(key, self.settings[key])

    def keeping(self, own: Mapping[str, Any]) -> Config:
        """Return the same settings with own values of the processor beside them, for the steps that read those."""
        return replace(self, kept=MappingProxyType(dict(own)))

    def changed(self, **settings: Any) -> Config:
        """Return the same settings with some replaced; the new values must be normalised already."""
        return replace(self, settings=MappingProxyType({**self.settings, **settings}))


def normalize(processor: str, declared: Mapping[str, Setting], given: Mapping[str, Any]) -> Config:
    """Return a class's settings: defaults, replaced by given ones, each in its normal form.

    A key that is given as None overrides the default with None, as in transformers.

    Args:
        processor: the class name.
        declared: the class's settings by name, in the order in which files hold them.
        given: settings from a file or a call.

    Raises:
        ConfigError: a value has no meaning for its key.
    """
    raw = {key: given.get(key, setting.default) for key, setting in declared.items()}
    settings = {key: _normalized(key, value, declared[key].check, raw) for key, value in raw.items()}
    unknown = {k: v for k, v in given.items() if k not in settings and k not in DROPPED_KEYS}
    return Config(processor, declared, MappingProxyType(settings), MappingProxyType(unknown))


def _normalized(key: str, value: Any, check: Check | Sides | None, raw: Mapping[str, Any]) -> Any:
    if value is None or check is None:
        return value
    if isinstance(check, Sides):
        used = not check.switches or any(raw[switch] for switch in check.switches)
        return size_dict(key, value, default_to_square=not check.edge or bool(raw["default_to_square"]), used=used)
    return check(key, value)


NEEDS: Mapping[str, tuple[str, ...]] = {
    "do_resize": ("size", "resample"),
    "do_center_crop": ("crop_size",),
    "do_rescale": ("rescale_factor",),
    "do_normalize": ("image_mean", "image_std"),
}
"""For each switch, the settings that its step cannot do without."""


def check(config: Config, needs: Mapping[str, tuple[str, ...]] = NEEDS) -> Config:
    """Check that every step that is switched on has the settings that it needs.

    Raises:
        ConfigError: a setting is missing; the message names it and the step's switch.
    """
    for switch, keys in needs.items():
        for key in keys:
            if getattr(config, switch) and getattr(config, key) is None:
                raise ConfigError(f"{config.processor}: {switch} needs {key}, which is null. Set {key}, or {switch} to false.")
    return config
