"""Find a configuration: in a folder, a JSON file, or a model on the Hub."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from graphproc.configs import timm
from graphproc.configs.classes import GENERIC_TYPES, resolve_class
from graphproc.configs.files import (
    FILE_NAME,
    MODEL_FILE_NAME,
    PROCESSOR_FILE_NAME,
    check_subfolder,
    file_in,
    read_settings,
)
from graphproc.configs.hub import HubRepository, is_id
from graphproc.configs.settings import STANDARD_KEYS
from graphproc.errors import ConfigError

TYPE_KEYS = ("image_processor_type", "feature_extractor_type")
NESTED = "image_processor"
"""The key under which a processor's file holds its image processor."""
GIVE = f"Give a folder with {FILE_NAME}, the path of a JSON file, or a Hub id such as openai/clip-vit-base-patch32."


class Files(Protocol):
    """The files of a model, on disk or on the Hub."""

    def find(self, name: str) -> Path | None:
        """Return the local path of a file, or None if there is no such file."""

    def label(self, name: str) -> str:
        """Return the name of a file in messages."""

    @property
    def failure(self) -> ConfigError | None:
        """Return why files could not be looked for, or None if they could."""


@dataclass(frozen=True)
class Folder:
    """A model's folder on disk."""

    path: Path
    subfolder: str = ""
    failure: ConfigError | None = None

    def find(self, name: str) -> Path | None:
        """Return the path of a file, or None if there is no such file."""
        return file_in(self.path, self.subfolder, name)

    def label(self, name: str) -> str:
        """Return the path of a file, whether it is there or not."""
        return str(self.path / check_subfolder(self.subfolder) / name)


@dataclass(frozen=True)
class Source:
    """The settings of a file.

    Attributes:
        settings: the file's keys and values.
        label: the file's name in messages.
        files: the model's other files.
        assumed: what had to be assumed to find the settings.
        faults: what is wrong with each key that was left out because of its value (`files.read_settings`).
    """

    settings: Mapping[str, Any]
    label: str
    files: Files
    assumed: tuple[str, ...] = ()
    faults: Mapping[str, str] = field(default_factory=dict)

    def processor_class(self, known: Iterable[str] = ()) -> tuple[str, list[str]]:
        """Return the class that the settings are for, and what had to be assumed. Read the model's `config.json` if necessary.

        Args:
            known: the supported classes; messages name the nearest of them.

        Raises:
            UnsupportedProcessorError: the type is not a class of transformers.
            ConfigError: nothing says which class is meant, or only remote code does.
        """
        self.check((*TYPE_KEYS, "auto_map", timm.KEY))
        named = any(isinstance(n := self.settings.get(key), str) and n not in GENERIC_TYPES for key in TYPE_KEYS)
        if named:
            return resolve_class(self.settings, self.label, known=known)
        if timm.is_timm(self.settings):
            return timm.CLASS, []
        model = self.files.find(MODEL_FILE_NAME)
        model_type = None if model is None else read_settings(model)[0].get("model_type")
        return resolve_class(self.settings, self.label, model_type if isinstance(model_type, str) else None, known)

    def check(self, keys: Iterable[str]) -> None:
        """Refuse faults under some keys.

        Raises:
            ConfigError: one of the keys has a fault.
        """
        for key in keys:
            if key in self.faults:
                raise ConfigError(f"{self.label}: {self.faults[key]}")


def file_source(path: Path, label: str, files: Files) -> Source:
    """Read the settings of one file.

    Raises:
        ConfigError: the file cannot be read, or is a model's configuration instead of an image processor's.
    """
    settings, faults = read_settings(path)
    source = Source(settings, label, files, faults=faults)
    counting = {*TYPE_KEYS, *STANDARD_KEYS, timm.KEY, NESTED}
    if isinstance(settings.get("model_type"), str) and not counting & {*settings, *faults}:
        raise ConfigError(
            f"{label}: is the configuration of a model (model_type {settings['model_type']!r:.60}), not of an image processor. "
            f"Give the model's folder, or {FILE_NAME} in it."
        )
    return source


def load_source(
    source: str | os.PathLike[str],
    *,
    subfolder: str = "",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
    local_files_only: bool = False,
    token: str | bool | None = None,
    revision: str = "main",
    file_name: str = FILE_NAME,
) -> Source:
    """Find and read the settings of an image processor.

    In a folder and on the Hub, a `processor_config.json` counts if an image processor is nested in it, else
    `preprocessor_config.json`, else a `config.json` written by timm.

    Args:
        source: a folder, a JSON file, or else a Hub id.
        subfolder: a folder inside the folder or the repository.
        cache_dir, force_download, local_files_only, token, revision: as `huggingface_hub.hf_hub_download` takes them.
        file_name: the name to look for instead of `preprocessor_config.json`.

    Raises:
        ConfigError: there is no such file, it cannot be read, or it is not a configuration.
        RuntimeUnavailableError: a Hub id was given and huggingface_hub is not installed.
    """
    text = os.fspath(source)
    if not isinstance(text, str) or "\0" in text or not text:
        raise ConfigError(f"{text!r}: is no path and no Hub id. {GIVE}")
    check_file_name(file_name)
    path = Path(text)
    if os.path.isdir(text):
        return _source_in(Folder(path, subfolder), file_name)
    if os.path.lexists(text) or text.endswith(".json"):
        return _unnested(file_source(path, text, Folder(path.parent)), path)
    if not isinstance(source, str) or not is_id(text):
        raise ConfigError(f"{text}: there is no such path. {GIVE}")
    options = HubRepository(text, subfolder, revision or "main", cache_dir, force_download, local_files_only, token)
    return _source_in(options, file_name)


def check_file_name(name: str) -> str:
    """Return a file's name if it is a name alone, without a folder.

    Raises:
        ConfigError: the name contains a folder.
    """
    if not name or any(c in name for c in "/\\\0") or name in (".", ".."):
        raise ConfigError(f"image_processor_filename: expected a name without a folder, got {name!r}")
    return name


def _source_in(files: Files, file_name: str) -> Source:
    nested = files.find(PROCESSOR_FILE_NAME)
    inner, faults = ({}, {}) if nested is None else read_settings(nested, NESTED)
    if inner or faults:
        return Source(inner, files.label(PROCESSOR_FILE_NAME), files, faults=faults)
    path = files.find(file_name)
    if path is not None:
        return file_source(path, files.label(file_name), files)
    model = files.find(MODEL_FILE_NAME) if file_name == FILE_NAME and files.failure is None else None
    if model is not None:
        settings, faults = read_settings(model)
        if timm.is_timm(settings):
            return Source(settings, files.label(MODEL_FILE_NAME), files, faults=faults)
    raise files.failure or ConfigError(f"{files.label(file_name)}: no such file. {GIVE}")


def _unnested(source: Source, path: Path) -> Source:
    """Return the settings nested in a processor's file that was given as a file and does not name a class itself."""
    if any(source.settings.get(key) for key in TYPE_KEYS):
        return source
    inner, faults = read_settings(path, NESTED)
    if not inner and not faults:
        return source
    return Source(inner, source.label, source.files, ("the settings are those nested under image_processor",), faults)
