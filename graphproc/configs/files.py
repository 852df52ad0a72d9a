"""Read configuration files. A file is data: nothing in it is ever run, and nothing in it is trusted."""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphproc.errors import ConfigError
from graphproc.files import LFS_HINT, is_lfs_pointer

MAX_BYTES = 16 << 20
"""The largest file that is read, in bytes; real ones have a few kilobytes (ImageGPT's clusters a few hundred)."""
MAX_DEPTH = 32
"""How deep objects and lists may be nested; real files have four levels."""
MAX_INTEGER = 2**63 - 1
"""The largest whole number that is read: the largest int64 of ONNX and numpy."""
FILE_NAME = "preprocessor_config.json"
PROCESSOR_FILE_NAME = "processor_config.json"
MODEL_FILE_NAME = "config.json"
_NO_FILE = f"Give a folder with {FILE_NAME}, or the path of a JSON file."


@dataclass(frozen=True)
class _Refused:
    """Takes the place of a parsed value that JSON allows and a configuration does not."""

    what: str


def read_json(path: Path) -> dict[str, Any]:
    """Read the JSON object of a file.

    Raises:
        ConfigError: the file is missing, not a regular file, over `MAX_BYTES`, not UTF-8, not JSON or not an
            object; or a key is there twice, a number is NaN, infinite or beyond 64 bits, or values are
            nested over `MAX_DEPTH` deep.
    """
    return parse_json(_read_bytes(path), str(path))


def read_settings(path: Path, inside: str = "") -> tuple[dict[str, Any], dict[str, str]]:
    """Read the JSON object of a file, without keys with values that a configuration may not hold.

    Args:
        path: the file.
        inside: the key of an object in the file to read instead of the whole; results are empty if its value
            is not an object.

    Returns:
        The settings, and for each key that was left out what is wrong with it.

    Raises:
        ConfigError: as for `read_json`, except for faults under a key.
    """
    value = _parsed(_read_bytes(path), str(path))
    if inside:
        nested = value.get(inside)
        value = nested if isinstance(nested, dict) else {}
    faults = _faults_by_key(value)
    return {key: item for key, item in value.items() if key not in faults}, faults


def read_labels(path: Path) -> dict[int, str]:
    """Read the names of classes by number from a model's folder, its configuration, or a file of names alone.

    Raises:
        ConfigError: as for `read_json`, or there are no names in it.
    """
    if path.is_dir():
        path = path / MODEL_FILE_NAME
        if not path.exists():
            raise ConfigError(f"{path}: no such file. Give a model's folder, or a file with id2label.")
    content, _ = read_settings(path)
    labels = content.get("id2label", content)
    if not isinstance(labels, dict) or not labels or not all(key.isdecimal() and isinstance(v, str) for key, v in labels.items()):
        raise ConfigError(f"{path}: expected id2label, names by numbers such as {{'0': 'cat'}}, found none")
    return {int(key): name for key, name in labels.items()}


def _read_bytes(path: Path) -> bytes:
    try:
        # A pipe would block, and its size is unknown.
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError(f"{path}: expected a file, got something else. {_NO_FILE}")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
            size = max(len(content), os.fstat(file.fileno()).st_size)
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(f"{path}: no such file. {_NO_FILE}") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:  # a NUL in the path
        raise ConfigError(f"{str(path)!r}: cannot be a path ({error})") from None
    if size > MAX_BYTES:
        raise ConfigError(f"{path}: expected a configuration of at most {MAX_BYTES} bytes, got {size}")
    if is_lfs_pointer(content):
        raise ConfigError(f"{path}: {LFS_HINT}.")
    return content


def parse_json(content: bytes, source: str) -> dict[str, Any]:
    """Parse the JSON object in bytes; see `read_json`.

    Args:
        content: UTF-8, with or without a byte order mark.
        source: where the bytes came from, for messages.
    """
    value = _parsed(content, source)
    for what in _faults_by_key(value).values():
        raise ConfigError(f"{source}: {what}")
    return value


def _parsed(content: bytes, source: str) -> dict[str, Any]:
    """Parse the JSON object in bytes, with `_Refused` in place of values that a configuration may not hold."""
    try:
        value = json.loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_constant=lambda name: _Refused(f"expected a finite number, got {name}"),
        )
    except RecursionError:
        raise ConfigError(f"{source}: expected values nested at most {MAX_DEPTH} deep, got more") from None
    except (UnicodeDecodeError, ValueError) as error:
        raise ConfigError(f"{source}: expected a JSON object in UTF-8, got something else ({error})") from None
    if not isinstance(value, dict):
        raise ConfigError(f"{source}: expected a JSON object, got {type(value).__name__}")
    return value


def _faults_by_key(settings: dict[str, Any]) -> dict[str, str]:
    """Return the first fault under each key of an object, with the path of keys that leads to it."""
    return {
        key: f"{path}: {what}" for key, value in settings.items() for path, what in itertools.islice(_faults({key: value}), 1)
    }


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        # Readers disagree on which of two values counts.
        found[key] = _Refused("expected the key once, got it several times. Remove all but one") if key in found else value
    return found


def _integer(text: str) -> int | _Refused:
    # Python refuses to convert over 4300 digits, and takes quadratic time below that.
    if len(text) <= 20 and abs(value := int(text)) <= MAX_INTEGER:
        return value
    return _Refused(f"expected a whole number of at most 64 bits, got {short(text)}")


def _faults(value: Any, path: str = "", depth: int = 1) -> Iterator[tuple[str, str]]:
    """Yield the faults in a value that a configuration may not hold, each with the path of keys that leads to it."""
    if isinstance(value, _Refused):
        yield path, value.what
    elif isinstance(value, (dict, list)) and depth > MAX_DEPTH:
        yield short(path), f"expected values nested at most {MAX_DEPTH} deep, got more"
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, "expected a finite number, got one beyond float64"
    elif isinstance(value, str) and not _is_text(value):
        yield path, "expected Unicode text, got half of a surrogate pair"
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _faults(item, f"{path}[{index}]", depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            inside = f"{path}.{short(key)}" if path else short(key)
            if not _is_text(key):
                yield inside, "expected Unicode text as a key, got half of a surrogate pair"
            yield from _faults(item, inside, depth + 1)


def _is_text(value: str) -> bool:
    return re.search("[\ud800-\udfff]", value) is None


def short(text: str, longest: int = 60) -> str:
    """Return text for a message: as it is if it is short and printable, else escaped and cut."""
    shown = text if text.isprintable() else ascii(text)[1:-1]
    if len(shown) <= longest:
        return shown
    return f"{shown[: longest - 20]}...{shown[-10:]} ({len(text)} characters)"


# ---- folders ---------------------------------------------------------------------------------------------------------


def check_subfolder(subfolder: str) -> str:
    """Return the path of a folder inside a model's folder, with forward slashes, and no slash at the ends.

    Raises:
        ConfigError: the path is absolute, or leads out of the model's folder.
    """
    parts = re.split(r"[/\\]", subfolder)
    if ".." in parts or parts[0].endswith(":") or (subfolder[:1] and subfolder[0] in "/\\") or "\0" in subfolder:
        raise ConfigError(f"subfolder: expected a relative path without .. in it, got {subfolder!r}")
    return "/".join(part for part in parts if part not in ("", "."))


def file_in(folder: Path, subfolder: str, name: str) -> Path | None:
    """Return the path of a file in a model's folder, or None if there is no such file.

    Links may lead anywhere, because stores of large files (DVC, git-annex, huggingface_hub) keep files
    elsewhere.

    Args:
        folder: the model's folder.
        subfolder: a folder in it, or an empty string.
        name: the file's name.

    Raises:
        ConfigError: the file is a link to nothing.
    """
    path = folder / check_subfolder(subfolder) / name
    try:
        if not os.path.lexists(path):
            return None
        path.resolve(strict=True)
    except FileNotFoundError:
        hint = "Replace it by the file, or fetch what it stands for (dvc pull, git annex get)"
        raise ConfigError(f"{path}: the link leads nowhere. {hint}.") from None
    except (OSError, RuntimeError) as error:  # a loop of links
        raise ConfigError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    return path
