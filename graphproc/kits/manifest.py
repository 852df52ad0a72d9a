"""Say what is in a kit, and read it again: as JSON, and as lines of fields for readers without JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path, PurePosixPath
from typing import Any, get_args, get_type_hints

from graphproc.configs.files import read_json
from graphproc.errors import ConfigError

FORMAT = 1
"""The version of the format of kits. Readers refuse another one."""
JSON_FILE, LINES_FILE = "manifest.json", "manifest.tsv"
WIDTH = 240
"""How long a line of the JSON file is, if it holds more than one thing."""


@dataclass(frozen=True)
class Tensor:
    """A tensor of a kit.

    Attributes:
        name: a step, an output, or an input.
        dtype: numpy's name of its type, such as `float32`.
        shape: its shape.
        sha256: the SHA-256 digest of its elements: little-endian, in C order, without a header.
        file: the .npy file with it, relative to the kit; empty if only the digest is in the kit.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    sha256: str
    file: str = ""


@dataclass(frozen=True)
class Picture:
    """An image of a case.

    Attributes:
        pixels: the image, uint8 [height, width, 3].
        png: the file that other programs open, with the same pixels.
        inputs: what the class reads beside the image: label maps, boxes.
    """

    pixels: Tensor
    png: str
    inputs: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A case of a kit.

    Attributes:
        name: its name, and that of the folder with its results.
        why: why it is in the kit.
        images: its images.
        values: for each backend, the values of all steps in order; for several images, a call's outputs.
    """

    name: str
    why: str
    images: tuple[Picture, ...]
    values: Mapping[str, tuple[Tensor, ...]]


@dataclass(frozen=True)
class StepEntry:
    """A step: its name, its op with all settings as the program's text has it, and in words; and what it reads."""

    name: str
    op: str
    words: str
    reads: tuple[str, ...]


@dataclass(frozen=True)
class OutputEntry:
    """An output: its name, the step that makes it, and how several images' results join."""

    name: str
    step: str
    join: str


@dataclass(frozen=True)
class Section:
    """What a kit says of a backend: its parity, its program as text, steps in order, and outputs."""

    backend: str
    parity: str
    program: str
    steps: tuple[StepEntry, ...]
    outputs: tuple[OutputEntry, ...]


@dataclass(frozen=True)
class Refused:
    """A size that has to be refused in some backends, and what graphproc says then."""

    height: int
    width: int
    backends: tuple[str, ...]
    message: str


@dataclass(frozen=True)
class Manifest:
    """All that a kit says of itself.

    Attributes:
        format: the version of the kit's format.
        graphproc: the version of the package that wrote it.
        processor: the class.
        settings: its settings, as in a `preprocessor_config.json`.
        backends: the backends, the default one first.
        cases: the cases.
        refused: sizes that have to be refused.
        one_sided: comparisons that come out alike in all cases, because others need larger images.
    """

    format: int
    graphproc: str
    processor: str
    settings: Mapping[str, Any]
    backends: tuple[Section, ...]
    cases: tuple[Entry, ...]
    refused: tuple[Refused, ...]
    one_sided: tuple[str, ...]

    def section(self, backend: str | None) -> Section:
        """Return what the kit says of a backend; of its first one for None.

        Raises:
            ConfigError: the kit does not have the backend.
        """
        names = [section.backend for section in self.backends]
        if backend is not None and backend not in names:
            raise ConfigError(f"backend: the kit has {', '.join(names)}, got {backend!r}")
        return self.backends[0 if backend is None else names.index(backend)]

    def as_json(self) -> str:
        """Return the JSON text: a line for whatever fits in one."""
        return "\n".join(_json_lines(asdict(self))) + "\n"

    def as_lines(self) -> str:
        """Return lines of fields between tabs. The first field says what a line is; the kit's README lists them."""
        return "".join("\t".join(" ".join(str(field).split()) for field in row) + "\n" for row in self._rows())

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        yield "kit", self.format, self.processor, self.graphproc
        for section in self.backends:
            yield "backend", section.backend, section.parity
            for output in section.outputs:
                yield "output", section.backend, output.name, output.step
        for case in self.cases:
            yield "case", case.name, len(case.images), case.why
            for place, image in enumerate(case.images):
                yield "image", case.name, place, image.pixels.file, image.png
                for tensor in image.inputs:
                    yield "input", case.name, place, tensor.name, tensor.file
            for backend, tensors in case.values.items():
                for tensor in tensors:
                    shape = "x".join(map(str, tensor.shape)) or "-"
                    yield "value", case.name, backend, tensor.name, tensor.dtype, shape, tensor.sha256, tensor.file or "-"
        for size in self.refused:
            yield "refused", size.height, size.width, ",".join(size.backends), size.message


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a kit.

    Raises:
        ConfigError: the folder has none, it is of another version, or not as this package writes it.
    """
    path = folder / JSON_FILE
    if not path.is_file():
        raise ConfigError(f"{folder}: expected a golden kit, found no {JSON_FILE}. Make one: graphproc golden SOURCE -o DIR")
    found = read_json(path)
    if found.get("format") != FORMAT:
        raise ConfigError(f"{path}: expected a kit of format {FORMAT}, got {found.get('format')!r}. Make the kit again.")
    manifest: Manifest = _read(Manifest, found, str(path))
    for tensor in _tensors(manifest):
        parts = PurePosixPath(tensor.file).parts
        if tensor.file.startswith("/") or ".." in parts or "\\" in tensor.file or ":" in tensor.file:
            raise ConfigError(f"{path}: expected names of files in the kit, got {tensor.file!r}")
    return manifest


def _tensors(manifest: Manifest) -> Iterator[Tensor]:
    for case in manifest.cases:
        for image in case.images:
            yield from (image.pixels, *image.inputs)
        for tensors in case.values.values():
            yield from tensors


def _read(kind: Any, value: Any, where: str) -> Any:
    """Return a value of JSON as the type that it is declared with: a dataclass, a tuple, a mapping, a number or a text.

    Raises:
        ConfigError: it is something else.
    """
    wanted: Any = getattr(kind, "__origin__", kind)
    if kind is Any:
        return value
    if wanted is tuple and isinstance(value, list):
        return tuple(_read(get_args(kind)[0], item, f"{where}[{place}]") for place, item in enumerate(value))
    if isinstance(wanted, type) and issubclass(wanted, Mapping) and isinstance(value, dict):
        return {key: _read(get_args(kind)[1], item, f"{where}.{key}") for key, item in value.items()}
    if wanted in (int, str) and type(value) is wanted:
        return value
    if hasattr(wanted, "__dataclass_fields__") and isinstance(value, dict):
        hints = get_type_hints(wanted)
        if value.keys() == (names := {field.name for field in fields(wanted)}):
            return wanted(**{name: _read(hints[name], value[name], f"{where}: {name}") for name in names})
    raise ConfigError(
        f"{where}: expected {_called(wanted)} as graphproc golden writes it, got {value!r:.60}. Make the kit again."
    )


def _called(kind: Any) -> str:
    return {tuple: "a list", int: "a whole number", str: "a text"}.get(kind, f"an object ({getattr(kind, '__name__', kind)})")


def _json_lines(value: Any, before: str = "", behind: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the lines of a value's JSON; what fits in one line is in one."""
    whole = before + json.dumps(value, ensure_ascii=False) + behind
    if not isinstance(value, (dict, list, tuple)) or not value or (len(whole) + depth <= WIDTH and not _has_lists(value)):
        yield " " * depth + whole
        return
    named = isinstance(value, dict)
    items = (
        [(json.dumps(key) + ": ", item) for key, item in value.items()] if isinstance(value, dict) else [("", v) for v in value]
    )
    yield " " * depth + before + ("{" if named else "[")
    for place, (name, item) in enumerate(items):
        yield from _json_lines(item, name, "," if place < len(items) - 1 else "", depth + 1)
    yield " " * depth + ("}" if named else "]") + behind


def _has_lists(value: Mapping[str, Any] | Sequence[Any]) -> bool:
    """Tell whether a value holds lists of more than numbers, or objects, which have lines of their own."""
    items = list(value.values()) if isinstance(value, Mapping) else list(value)
    return any(isinstance(item, dict) or (isinstance(item, (list, tuple)) and _has_lists(item)) for item in items)
