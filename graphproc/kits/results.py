"""Read what another implementation made of a kit's images: .npy and .safetensors files."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from graphproc.errors import ConfigError
from graphproc.kits.manifest import Manifest

Array = np.ndarray[Any, Any]
Results = Mapping[str, Mapping[str, Callable[[], Array]]]
"""For each case, functions that read its tensors, by the names of steps or outputs."""

SAFETENSORS = ".safetensors"
MAX_HEADER = 100_000_000
"""The longest header of a .safetensors file that is read, in bytes, as in the safetensors library."""
DTYPES: Mapping[str, str] = {
    "BOOL": "?",
    **{f"{kind}{8 * width}": f"<{code}{width}" for kind, code in (("U", "u"), ("I", "i")) for width in (1, 2, 4, 8)},
    **{f"F{8 * width}": f"<f{width}" for width in (2, 4, 8)},
}
"""numpy's types by the names of .safetensors files."""


def read_results(path: Path, manifest: Manifest, backend: str) -> Results:
    """Find the tensors of a folder or a .safetensors file; they are read when they are asked for.

    Raises:
        ConfigError: there are none, a name is that of no case or step, or one is there twice.
    """
    found: dict[str, dict[str, Callable[[], Array]]] = {}
    known = names(manifest, backend)
    for where, case, name, read in _tensors(path, known):
        if case not in known:
            raise ConfigError(f"{where}: expected the name of a case, got {case!r}. The kit has {', '.join(known)}.")
        if name not in known[case]:
            raise ConfigError(f"{where}: expected a step or an output of {case}, got {name!r}. It has {', '.join(known[case])}.")
        if name in found.setdefault(case, {}):
            raise ConfigError(f"{where}: {case} has {name} in another file as well. Leave one out.")
        found[case][name] = read
    if not found:
        raise ConfigError(f"{path}: expected results, CASE/STEP.npy or CASE{SAFETENSORS}, found none")
    return found


def names(manifest: Manifest, backend: str) -> dict[str, dict[str, str]]:
    """Return for each case the names that a result may have, each with the name of its value in the kit."""
    outputs = {output.name: output.step for output in manifest.section(backend).outputs}
    found = {}
    for case in manifest.cases:
        own = {tensor.name: tensor.name for tensor in case.values[backend]}
        found[case.name] = {name: step for name, step in outputs.items() if step in own} | own
    return found


def _tensors(path: Path, cases: Mapping[str, Any]) -> Iterator[tuple[str, str, str, Callable[[], Array]]]:
    """Yield where a tensor is, its case, its name, and a function that reads it."""
    try:
        files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.suffix in (".npy", SAFETENSORS))
        if not path.exists():
            raise ConfigError(f"{path}: expected a folder or a {SAFETENSORS} file with results, found nothing")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from None
    for file in files:
        if file.suffix == ".npy":
            case = file.parent.relative_to(path).as_posix() if path.is_dir() else ""
            yield str(file), case, file.stem, partial(read_npy, file)
        elif file.suffix == SAFETENSORS:
            for name, read in read_safetensors(file):
                whole = f"{file.stem}/{name}" if file.stem in cases else name
                yield f"{file}: {name}", *_parted(whole), read
        else:
            raise ConfigError(f"{path}: expected a folder, or a {SAFETENSORS} file")


def _parted(whole: str) -> tuple[str, str]:
    case, _, name = whole.rpartition("/")
    return case, name


def read_npy(file: Path) -> Array:
    """Return the array of an .npy file. Nothing in it is run.

    Raises:
        ConfigError: the file is damaged, or holds objects.
    """
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            version = np.lib.format.read_magic(opened)
            read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}[version]
            shape, _, dtype = read(opened)
            if dtype.hasobject or opened.tell() + math.prod(shape) * dtype.itemsize != size:  # before memory is taken for it
                raise ValueError(f"{size} bytes for {dtype}{list(shape)}")
        return np.asarray(np.load(file, allow_pickle=False))
    except (OSError, ValueError, KeyError, EOFError, SyntaxError, TypeError, MemoryError) as error:
        raise ConfigError(f"{file}: expected an .npy file with numbers, got something else ({error})") from None


def read_safetensors(file: Path) -> Iterator[tuple[str, Callable[[], Array]]]:
    """Yield the name of each tensor in a .safetensors file, and a function that reads it.

    Raises:
        ConfigError: the file is damaged, or has a type that numpy lacks.

    Source: the format's description in the safetensors library: eight bytes with the length of the
    header, the header in JSON, the tensors.
    """
    try:
        content = np.memmap(file, np.uint8, "r")
        length = int(content[:8].view("<u8")[0])
        if length > min(MAX_HEADER, len(content) - 8):
            raise ValueError(f"a header of {length} bytes")
        header = json.loads(content[8 : 8 + length].tobytes())
        body = content[8 + length :]
        entries = [(name, entry) for name, entry in header.items() if name != "__metadata__"]
        readers = [(name, _reader(body, entry)) for name, entry in entries]
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{file}: expected a {SAFETENSORS} file of numbers, got something else ({error})") from None
    yield from readers


def _reader(body: Array, entry: Mapping[str, Any]) -> Callable[[], Array]:
    """Return a function that reads the tensor that an entry of the header describes."""
    start, end = map(int, entry["data_offsets"])
    dtype, shape = np.dtype(DTYPES[entry["dtype"]]), [int(length) for length in entry["shape"]]
    if not 0 <= start <= end <= len(body) or min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != end - start:
        raise ValueError(f"{dtype}{shape} in bytes {start} to {end} of {len(body)}")
    return lambda: np.frombuffer(body[start:end].tobytes(), dtype).reshape(shape)


def is_inside(folder: Path, file: str) -> bool:
    """Tell whether a file's path stays in a folder, links followed."""
    root = os.path.realpath(folder)
    return os.path.commonpath([root, os.path.realpath(folder / file)]) == root
