"""Reading configuration files. A file is data: nothing in it is ever run, and nothing in it is trusted."""

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
"""The largest file that is read; real ones have a few kilobytes (ImageGPT's clusters a few hundred)."""
MAX_DEPTH = 32
"""How deep objects and lists may be nested; real files have four levels."""
MAX_INTEGER = 2**63 - 1
"""The largest whole number: what ONNX and numpy hold as int64."""
FILE_NAME = "preprocessor_config.json"
PROCESSOR_FILE_NAME = "processor_config.json"
MODEL_FILE_NAME = "config.json"
_NO_FILE = f"Give a folder with {FILE_NAME}, or the path of a JSON file."


@dataclass(frozen=True)
class _Refused:
    """Stands in a parsed value for something that JSON text may hold and a configuration may not."""

    what: str


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object of a file.

    Raises:
        ConfigError: the file is missing, no regular file, over `MAX_BYTES`, not UTF-8, not JSON or not an object; or a
            key is there twice, a number is NaN, infinite or beyond 64 bits, or values are nested over `MAX_DEPTH` deep.
    """
    return parse_json(_read_bytes(path), str(path))


def read_settings(path: Path, inside: str = "") -> tuple[dict[str, Any], dict[str, str]]:
    """The JSON object of a file without the keys that hold what a configuration may not, and by key what is wrong with those.

    Args:
        path: the file.
        inside: the key of an object in the file that is wanted instead of the whole; empty results if it is none.

    Raises:
        ConfigError: as `read_json`, but for what is wrong under a key.
    """
    value = _parsed(_read_bytes(path), str(path))
    if inside:
        nested = value.get(inside)
        value = nested if isinstance(nested, dict) else {}
    faults = _faults_by_key(value)
    return {key: item for key, item in value.items() if key not in faults}, faults


def read_labels(path: Path) -> dict[int, str]:
    """The names of classes, by number: of a model's folder, of its configuration, or of a file that holds nothing else.

    Raises:
        ConfigError: as `read_json`, or there are none in it.
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
    """The JSON object in bytes; see `read_json`.

    Args:
        content: UTF-8, with or without a byte order mark.
        source: where the bytes came from, for messages.
    """
    value = _parsed(content, source)
    for what in _faults_by_key(value).values():
        raise ConfigError(f"{source}: {what}")
    return value


def _parsed(content: bytes, source: str) -> dict[str, Any]:
    """The JSON object in bytes, with `_Refused` in the place of values that a configuration may not hold."""
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
    """What is wrong under each key of an object: the first fault, with the path of keys that leads there."""
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
    """What a configuration may not hold, with the path of keys that leads there."""
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
    """Text for a message: whole and printable as it is, or escaped and cut."""
    shown = text if text.isprintable() else ascii(text)[1:-1]
    if len(shown) <= longest:
        return shown
    return f"{shown[: longest - 20]}...{shown[-10:]} ({len(text)} characters)"


# ---- folders ---------------------------------------------------------------------------------------------------------


def check_subfolder(subfolder: str) -> str:
    """A folder inside a model's folder, with forward slashes and none at the ends.

    Raises:
        ConfigError: it is absolute, or goes up.
    """
    parts = re.split(r"[/\\]", subfolder)
    if ".." in parts or parts[0].endswith(":") or (subfolder[:1] and subfolder[0] in "/\\") or "\0" in subfolder:
        raise ConfigError(f"subfolder: expected a relative path without .. in it, got {subfolder!r}")
    return "/".join(part for part in parts if part not in ("", "."))


def file_in(folder: Path, subfolder: str, name: str) -> Path | None:
    """The path of a file of a model's folder, or None where there is no such file.

    A link counts wherever it leads: stores of large files (DVC, git-annex, huggingface_hub) keep files elsewhere.

    Args:
        folder: the model's folder.
        subfolder: a folder in it, or nothing.
        name: the file's name.

    Raises:
        ConfigError: the file is a link that leads nowhere.
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
