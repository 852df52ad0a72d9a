"""Reading configuration files. A file is data: nothing in it is ever run."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from graphproc.errors import ConfigError

MAX_BYTES = 16 << 20
"""The largest file that is read; real ones have a few kilobytes (ImageGPT's clusters a few hundred)."""
FILE_NAME = "preprocessor_config.json"
PROCESSOR_FILE_NAME = "processor_config.json"


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object of a file.

    Raises:
        ConfigError: the file is missing, too large, not UTF-8, not JSON, or not an object.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ConfigError(f"{path}: expected a configuration of at most {MAX_BYTES} bytes, got {size}")
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file. Give a folder with {FILE_NAME}, or the path of a JSON file.") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(f"{path}: expected a JSON object in UTF-8, got something else ({error})") from None
    if not isinstance(value, dict):
        raise ConfigError(f"{path}: expected a JSON object, got {type(value).__name__}")
    return value


def load_settings(source: str | os.PathLike[str]) -> dict[str, Any]:
    """The settings in a JSON file, or in a folder's `processor_config.json` (if nested) or `preprocessor_config.json`.

    Raises:
        ConfigError: there is no such file, or it has no settings.
    """
    path = Path(source)
    if not path.is_dir():
        return read_json(path)
    nested = path / PROCESSOR_FILE_NAME
    if nested.is_file():
        settings = read_json(nested).get("image_processor")
        if isinstance(settings, dict):
            return settings
    return read_json(path / FILE_NAME)


def class_name(settings: dict[str, Any], source: str) -> str:
    """The processor class that settings are for.

    Raises:
        ConfigError: no key says so.
    """
    name = settings.get("image_processor_type")
    if isinstance(name, str):
        return name
    name = settings.get("feature_extractor_type")
    if isinstance(name, str):
        return name.replace("FeatureExtractor", "ImageProcessor")
    raise ConfigError(
        f"{source}: expected image_processor_type or feature_extractor_type to name the processor class, found neither. "
        "Add one, or construct the class by name."
    )
