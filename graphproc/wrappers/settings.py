"""A processor's settings, as attributes and as the normalised `Config` that is compiled."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from graphproc.configs.config import Config
from graphproc.errors import ConfigError, warn
from graphproc.processors.calls import forgotten, settle, with_own
from graphproc.processors.spec import ProcessorSpec
from graphproc.wrappers.attributes import computed, shown
from graphproc.wrappers.cache import Cache
from graphproc.wrappers.cautions import warn_once

ENGINES = ("onnxruntime", "numpy")
BACKEND_KEY = "graphproc_backend"
"""The key that keeps a processor's backend in a file. transformers ignores it and saves it back."""


class Settings:
    """The settings of a processor.

    They are attributes. Users may assign to them, and may change the dictionaries and lists in them. So
    each call reads all of them, and normalises them if their content is new.
    """

    spec: ClassVar[ProcessorSpec]
    _setting_names: ClassVar[Sequence[str]]
    named_backend: ClassVar[str | None] = None

    def __init__(self, /, *, backend: str | None = None, engine: str = "onnxruntime", **settings: Any) -> None:
        """Make a processor with some settings other than the class's defaults.

        Args:
            backend: the backend that results are equal to: `torchvision`, or `pil`, which is numpy and
                Pillow. None is the one that the class's name asks for (`...Fast`, `...Pil`), or
                transformers' default: `torchvision` where the class has it (`graphproc list`).
            engine: what runs a call: `onnxruntime` or `numpy`. Results are the same bits.
            **settings: settings by transformers' names. Unknown ones change nothing; they can be read as
                attributes, and are saved back.

        Raises:
            ConfigError: a setting has no meaning, or the class does not have the backend.
            TypeError: the class is not that of a processor.
        """
        if not hasattr(type(self), "spec"):
            raise TypeError(f"{type(self).__name__} is made by {type(self).__name__}.from_pretrained(source)")
        wanted, missed = self.spec.backend_wanted(settings.pop(BACKEND_KEY, None) or self.named_backend)
        if backend is None:
            for text in missed:
                warn(text)
        self.backend = self.spec.check_backend(backend or wanted)
        self.engine = checked_engine(engine)
        config = self.spec.config(settings)
        found = computed(config)
        self._computed = tuple(found)
        for key, value in ({key: shown(self.spec, key, value) for key, value in config.settings.items()} | found).items():
            setattr(self, key, value)
        self._threads: int | None = None
        self._cache = Cache()
        self._unknown: dict[str, Any] = {key: value for key, value in config.unknown.items() if key not in found}

    def __getattr__(self, name: str) -> Any:
        # Unknown settings are looked up last, so that a key in a file cannot replace a method of its name.
        unknown = self.__dict__.get("_unknown", {})
        for values in (unknown, self.spec.about_model):
            if name in values:
                return values[name]
        raise AttributeError(f"{type(self).__name__} has no attribute or setting {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        unknown = self.__dict__.get("_unknown", {})
        if name in unknown and not hasattr(type(self), name):
            unknown[name] = value
        else:
            super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_cache"}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__dict__.update(state, _cache=Cache())

    @property
    def threads(self) -> int | None:
        """Return how many threads a call uses; see the class."""
        return self._threads

    @threads.setter
    def threads(self, threads: int | None) -> None:
        if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
            raise ConfigError(f"threads: expected a whole number from 1, or None, got {threads!r}")
        self._threads = threads

    def _own_settings(self) -> dict[str, Any]:
        """Return the declared settings, as the attributes hold them."""
        return {key: getattr(self, key) for key in self._setting_names if key not in self._computed}

    def _config(self, changes: Mapping[str, Any]) -> Config:
        """Return the normalised settings, with some changed."""
        given = {**self._own_settings(), **changes}
        try:
            key = pickle.dumps(given)  # tells True from 1, and sees dictionaries that were changed in place
        except Exception:  # a value that cannot be pickled is not a setting; normalising it below says so
            return self.spec.config(given, call=True)
        return self._cache.configs.get_or_make(key, lambda: self.spec.config(given, call=True))

    def _call_config(self, changes: Mapping[str, Any]) -> Config:
        """Return the settings of a call; warn of each that transformers ignores or reads only in some steps."""
        if not (reads := self.spec.calls):
            return self._config(changes)
        own = {key: getattr(self, key) for key in reads}
        settled = settle(reads, self.backend, own, self.spec.defaults, changes)
        warn_once(self._cache.warned, self.spec.name, settled.unread)
        config = self._config({**self._read_in_calls(), **settled.changes})
        return with_own(config, self._config({}), settled) if settled.own else config

    def _read_in_calls(self) -> dict[str, Any]:
        """Return the values, without a call, of settings that only a call or an export reads."""
        return forgotten(self.spec.calls, self.spec.defaults)


def setting_names(spec: ProcessorSpec) -> Sequence[str]:
    """Return the settings that a class declares."""
    return tuple(spec.declared)


def checked_engine(engine: str) -> str:
    """Return an engine's name if there is such an engine.

    Raises:
        ConfigError: there is no engine of that name.
    """
    if engine not in ENGINES:
        raise ConfigError(f"engine: expected one of {', '.join(ENGINES)}, got {engine!r}")
    return engine
