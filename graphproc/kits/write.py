"""Write a kit: images, and what each step makes of them, as far as they fit into a number of bytes."""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from graphproc.errors import ConfigError
from graphproc.files import require_new, write_folder
from graphproc.ir.program import Program
from graphproc.ir.text import program_text
from graphproc.kits import readme
from graphproc.kits.cases import Array, Case, cases, program_of, values
from graphproc.kits.manifest import (
    FORMAT,
    JSON_FILE,
    LINES_FILE,
    Entry,
    Manifest,
    OutputEntry,
    Picture,
    Refused,
    Section,
    StepEntry,
    Tensor,
)
from graphproc.kits.pixels import png
from graphproc.kits.sizes import choose
from graphproc.version import __version__
from graphproc.wrappers.processor import BaseImageProcessor

MEGABYTE = 1_000_000
MAX_SIZE = 2.0
"""How large a kit may be unless a call says otherwise, in megabytes."""


@dataclass(frozen=True)
class Kit:
    """A kit that was written.

    Attributes:
        folder: where it is.
        manifest: what is in it.
        bytes: the size of all its files.
        left_out: backends of the class that the kit does not have, and why.
    """

    folder: Path
    manifest: Manifest
    bytes: int
    left_out: Mapping[str, str]


def write_kit(
    processor: BaseImageProcessor,
    folder: str | os.PathLike[str],
    *,
    backends: Sequence[str] | None = None,
    max_size: float = MAX_SIZE,
    progress: Callable[[Iterable[Case], int], Iterable[Case]] = lambda items, total: items,
) -> Kit:
    """Write a golden kit: images, and what each step of the processor makes of them.

    Programs in other languages read it, and `check` compares what they make of the images. The same
    settings give the same bytes.

    Args:
        processor: the processor.
        folder: the folder to write, new or empty.
        backends: the backends, the default one first; None for the processor's own, and the other
            one that its class has, if that takes the settings.
        max_size: how large the kit may be, in megabytes. Values that do not fit are there as digests
            alone.
        progress: wraps the cases to show progress; it gets the cases and their number.

    Raises:
        ConfigError: the settings are no program, the folder is not empty, or the images and digests
            alone are larger than `max_size`.
        ProgramError: the processor takes no small image.
    """
    if not 0 < max_size < math.inf:
        raise ConfigError(f"max_size: expected megabytes, such as {MAX_SIZE:g}, got {max_size}")
    require_new(folder)  # before any work
    max_bytes = int(max_size * MEGABYTE)
    processors, left_out = _processors(processor, backends)
    programs = {backend: program_of(one) for backend, one in processors.items()}
    sizes = choose(list(programs.values()))
    files: dict[str, bytes] = {}
    found: dict[str, bytes] = {}
    entries = []
    every = cases(processor, sizes)
    for case in progress(every, len(every)):
        pictures = tuple(_picture(case, place, files) for place in range(len(case.images)))
        described: dict[str, tuple[Tensor, ...]] = {}
        for backend, one in processors.items():
            arrays = {f"values/{backend}/{case.name}/{name}.npy": (name, array) for name, array in values(one, case).items()}
            described[backend] = tuple(tensor(name, array, file) for file, (name, array) in arrays.items())
            found |= {file: npy(array) for file, (_, array) in arrays.items() if array.nbytes <= max_bytes}
        entries.append(Entry(case.name, case.why, pictures, described))
    manifest = Manifest(
        FORMAT,
        __version__,
        processor.spec.name,
        json.loads(json.dumps(processor.to_dict())),  # lists for tuples, as files have them
        tuple(_section(backend, program) for backend, program in programs.items()),
        tuple(entries),
        tuple(Refused(s.height, s.width, tuple(list(programs)[p] for p in s.programs), s.message) for s in sizes.refused),
        sizes.one_sided,
    )
    files[readme.FILE] = readme.text(manifest).encode()
    files |= {name: found[name] for name in _that_fit(manifest, files, found, max_bytes)}
    manifest = _with_files(manifest, files)
    files |= {JSON_FILE: manifest.as_json().encode(), LINES_FILE: manifest.as_lines().encode()}
    return Kit(write_folder(folder, files), manifest, sum(map(len, files.values())), left_out)


def _processors(processor: BaseImageProcessor, backends: Sequence[str] | None) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the processor with each backend, its own first, and why others are left out."""
    wanted = (
        [processor.backend, *(b for b in processor.spec.backends if b != processor.backend)] if backends is None else backends
    )
    found, left_out = {}, {}
    for backend in wanted:
        try:
            made = type(processor).from_dict(processor.to_dict(), backend=backend)
            program_of(made)
        except ConfigError as error:
            if backends is not None or backend == processor.backend:
                raise
            left_out[backend] = str(error)
            continue
        found[backend] = made
    return found, left_out


def npy(array: Array) -> bytes:
    """Return an array as an .npy file, little-endian, in C order."""
    file = io.BytesIO()
    np.lib.format.write_array(file, little_endian(array), version=(1, 0), allow_pickle=False)
    return file.getvalue()


def little_endian(array: Array) -> Array:
    """Return an array in C order, with its bytes in little-endian order."""
    return np.asarray(array, array.dtype.newbyteorder("<"), order="C")


def tensor(name: str, array: Array, file: str = "") -> Tensor:
    """Describe an array."""
    return Tensor(name, array.dtype.name, array.shape, sha256(little_endian(array).tobytes()).hexdigest(), file)


def _picture(case: Case, place: int, files: dict[str, bytes]) -> Picture:
    """Describe an image of a case and its extra inputs, and add their files."""
    stem = f"images/{case.name}" + ("" if case.single else f".{place}")
    files[f"{stem}.png"] = png(case.images[place])
    given = {f"{stem}.npy": ("image", case.images[place])}
    given |= {f"{stem}.{name}.npy": (name, arrays[place]) for name, arrays in case.inputs.items()}
    files |= {file: npy(array) for file, (_, array) in given.items()}
    pixels, *inputs = (tensor(name, array, file) for file, (name, array) in given.items())
    return Picture(pixels, f"{stem}.png", tuple(inputs))


def _section(backend: str, program: Program) -> Section:
    lines = {
        line.split(" = ")[0].strip(): line.split(" = ", 1)[1] for line in program_text(program).splitlines() if " = " in line
    }
    steps = tuple(
        StepEntry(step.output.name, lines[step.output.name], _first_sentence(step.op), step.inputs) for step in program.steps
    )
    outputs = tuple(OutputEntry(o.name, o.value, o.image_join.name) for o in program.outputs)
    return Section(backend, str(program.parity), str(program), steps, outputs)


def _first_sentence(op: Any) -> str:
    """Return what an op does, in words."""
    return " ".join((op.__doc__ or op.name).split("\n\n")[0].split()).partition(", e.g. ")[0].rstrip(".")


def _that_fit(manifest: Manifest, files: Mapping[str, bytes], found: Mapping[str, bytes], max_bytes: int) -> list[str]:
    """Return the files of values that fit.

    First come whole cases, the smallest first and one pixel last, so that one at least can be followed
    step by step; then single values.

    Raises:
        ConfigError: nothing fits.
    """
    owner = _owners(manifest)
    named = _with_files(manifest, set(owner.values()))
    left = max_bytes - sum(map(len, files.values())) - len(named.as_json().encode()) - len(named.as_lines().encode())
    if left < 0:
        least = math.ceil((max_bytes - left) / MEGABYTE * 100) / 100
        raise ConfigError(f"max_size: expected at least {least:.2f} MB for images and digests, got {max_bytes / MEGABYTE:g}")
    sizes = {file: len(found[file]) for file in dict.fromkeys(owner.values()) if file in found}
    whole: list[tuple[bool, int, list[str]]] = []
    for case in manifest.cases:
        for tensors in case.values.values():
            batch = [owner[one.file] for one in tensors]
            if all(file in sizes for file in batch):
                whole.append((case.images[0].pixels.shape[:2] == (1, 1), sum(sizes[file] for file in batch), batch))
    kept: list[str] = []
    for batch in (*(batch for _, _, batch in sorted(whole)), *([file] for file in sorted(sizes, key=sizes.__getitem__))):
        new = [file for file in dict.fromkeys(batch) if file not in kept]
        if sum(map(sizes.__getitem__, new)) <= left:
            left -= sum(map(sizes.__getitem__, new))
            kept += new
    return kept


def _owners(manifest: Manifest) -> dict[str, str]:
    """Return for each file of a value the first file with the same elements, so that none is there twice."""
    first: dict[tuple[Any, ...], str] = {}
    return {
        t.file: first.setdefault((t.dtype, t.shape, t.sha256), t.file)
        for case in manifest.cases
        for tensors in case.values.values()
        for t in tensors
    }


def _with_files(manifest: Manifest, files: Collection[str]) -> Manifest:
    """Return the manifest with the names of files that are there."""
    owner = _owners(manifest)

    def named(t: Tensor) -> Tensor:
        return replace(t, file=owner[t.file] if owner[t.file] in files else "")

    return replace(
        manifest,
        cases=tuple(replace(case, values={b: tuple(map(named, ts)) for b, ts in case.values.items()}) for case in manifest.cases),
    )
