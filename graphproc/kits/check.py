"""Compare results of another implementation with a kit: where, and in which step, they first part."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from graphproc.kits.causes import cause
from graphproc.kits.expected import Expected
from graphproc.kits.manifest import Entry, Tensor, read_manifest
from graphproc.kits.results import names, read_results
from graphproc.kits.write import tensor

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Difference:
    """The first step of a case in which results part from the kit.

    Attributes:
        step: the step, or the output of a call.
        words: what the step does; empty for an output.
        expected, found: type and shape, such as `float32[3, 224, 224]`.
        differing: how many elements differ, of how many `elements`; None if they cannot be compared.
        first: the position of the first one, as indices.
        channel: its channel, where the value has an axis of channels.
        expected_value, found_value: the two elements there.
        max_difference: the largest difference of two elements.
        cause: the mistake that gives exactly this, in words; empty if none that is known does.
        not_given: the steps right before it that results have no value of: one of them may be the
            first that parts.
        later: the values behind it that differ as well.
    """

    step: str
    words: str
    expected: str
    found: str
    elements: int
    differing: int | None = None
    first: tuple[int, ...] = ()
    channel: int | None = None
    expected_value: float | None = None
    found_value: float | None = None
    max_difference: float | None = None
    cause: str = ""
    not_given: tuple[str, ...] = ()
    later: tuple[str, ...] = ()


@dataclass(frozen=True)
class CaseReport:
    """What was compared of a case.

    Attributes:
        case: its name.
        why: why it is in the kit.
        compared: the names of the values that were compared.
        whole: whether all its outputs were.
        difference: where they part; None if they do not.
    """

    case: str
    why: str
    compared: tuple[str, ...]
    whole: bool
    difference: Difference | None


@dataclass(frozen=True)
class KitReport:
    """What a comparison found.

    Attributes:
        processor: the kit's class.
        backend: the backend that was compared with.
        parity: what the kit's values are equal to.
        cases: one entry for each case, in the kit's order.
    """

    processor: str
    backend: str
    parity: str
    cases: tuple[CaseReport, ...]

    @property
    def ok(self) -> bool:
        """Tell whether no value that was given differs."""
        return all(case.difference is None for case in self.cases)

    @property
    def whole(self) -> bool:
        """Tell whether all outputs of all cases were given."""
        return all(case.whole for case in self.cases)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {"ok": self.ok, "whole": self.whole, **asdict(self)}


def check_kit(folder: str | os.PathLike[str], results: str | os.PathLike[str], *, backend: str | None = None) -> KitReport:
    """Compare results with a golden kit.

    Args:
        folder: the kit.
        results: what an implementation made of its images: a folder with `CASE/STEP.npy` or
            `CASE.safetensors`, or one .safetensors file. Values may be left out.
        backend: the backend to compare with; None for the kit's first one.

    Raises:
        ConfigError: the kit or a result cannot be read, there are no results, or one has a name that
            the kit does not know.
    """
    kit = Path(folder)
    manifest = read_manifest(kit)
    section = manifest.section(backend)
    expected = Expected(kit, manifest, section.backend)
    given = read_results(Path(results), manifest, section.backend)
    values = names(manifest, section.backend)
    outputs = {output.name: output.step for output in section.outputs}
    words = {step.name: step.words for step in section.steps}
    reports = []
    for entry in manifest.cases:
        arrays: dict[str, list[Array]] = {}
        for name, read in given.get(entry.name, {}).items():
            arrays.setdefault(values[entry.name][name], []).append(read())
        wanted = set(outputs.values()) if len(entry.images) == 1 else {one.name for one in entry.values[section.backend]}
        first = _first(expected, entry, arrays, words)
        reports.append(CaseReport(entry.name, entry.why, tuple(arrays), wanted <= set(arrays), first))
    return KitReport(manifest.processor, section.backend, section.parity, tuple(reports))


def _first(expected: Expected, entry: Entry, arrays: Mapping[str, list[Array]], words: Mapping[str, str]) -> Difference | None:
    """Return the first difference of a case, with the steps before it that are not given, and what differs behind it."""
    first: Difference | None = None
    before: list[str] = []
    later: list[str] = []
    for wanted in entry.values[expected.backend]:
        given = arrays.get(wanted.name, [])
        before = before if given or first is not None else [*before, wanted.name]
        differing = next((found for array in given if (found := _compared(expected, entry, wanted, array)) is not None), None)
        if given and differing is None and first is None:
            before = []
        if differing is not None and first is not None:
            later.append(wanted.name)
        first = differing if first is None else first
    if first is None:
        return None
    return replace(first, words=words.get(first.step, ""), not_given=tuple(before), later=tuple(later))


def _compared(expected: Expected, entry: Entry, wanted: Tensor, array: Array) -> Difference | None:
    """Return how a result differs from its value in the kit; None if no element does."""
    array = np.asarray(array, array.dtype.newbyteorder("="))
    while array.ndim > len(wanted.shape) and array.shape[0] == 1:
        array = array[0]
    if tensor(wanted.name, array, wanted.file) == wanted:
        return None
    want = expected.array(entry, wanted.name)
    texts = f"{wanted.dtype}{list(wanted.shape)}", f"{array.dtype}{list(array.shape)}"
    size = int(np.prod(wanted.shape, dtype=np.int64))
    if (wanted.dtype, wanted.shape) != (array.dtype.name, array.shape):
        return Difference(wanted.name, "", *texts, size, cause=_cause(expected, entry, wanted.name, want, array))
    if want is None:
        return Difference(wanted.name, "", *texts, size)
    differs = ~((want == array) | ((want != want) & (array != array)))  # zeros of either sign are equal, and so are NaNs
    if not differs.any():
        return None
    first = tuple(int(axis[0]) for axis in np.nonzero(differs))
    with np.errstate(invalid="ignore"):
        gap = np.abs(want.astype(np.float64) - array.astype(np.float64))[differs]
    axis = _channel_axis(expected, wanted.name)
    return Difference(
        wanted.name,
        "",
        *texts,
        size,
        int(differs.sum()),
        first,
        None if axis is None or len(entry.images) != 1 else first[axis],
        float(want[first]),
        float(array[first]),
        float(gap.max()),
        _cause(expected, entry, wanted.name, want, array),
    )


def _channel_axis(expected: Expected, name: str) -> int | None:
    """Return the axis of channels in a step's value."""
    for step in expected.program.steps if expected.program is not None else ():
        if step.output.name == name and "C" in step.output.type.layout:
            return step.output.type.layout.index("C")
    return None


def _cause(expected: Expected, entry: Entry, name: str, want: Array | None, found: Array) -> str:
    if want is None:
        return ""
    for backend, tensors in entry.values.items():
        for other in tensors:
            if backend != expected.backend and other.name == name and tensor(name, found, other.file) == other:
                return f"these are the bits of backend {backend}"
    return cause(want, found, expected.made(entry, name))
