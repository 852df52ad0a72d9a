"""The figures that have targets, each with the cell where it is worst and whether the target is met."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cells import Cell
from costs import EXPORT, HELP, IMPORT, SESSION
from works import BATCH_SIZE, SIMD

from graphproc.bench.own import CALL, FIXED, FIXED_OTHER, GRAPH, GRAPH_OTHER, OWN
from graphproc.bench.peers import PIL_ARRAY, PILLOW, TORCHVISION_TENSOR

FORMS = (GRAPH, FIXED)
"""The contestants that give the same bits as transformers' torchvision backend, the default of all works."""
PIL_FORMS = (GRAPH_OTHER, FIXED_OTHER)
"""Those that give the same bits as transformers' Pillow backend, the other one of all works."""
LARGE = BATCH_SIZE[0] * BATCH_SIZE[1]
"""The number of pixels from which a graph for any size is compared with one of a fixed size."""

Found = list[tuple[float, str]]
"""Figures, each with the cell that it is from."""


@dataclass(frozen=True)
class Figure:
    """One line of the summary.

    Attributes:
        name: what was measured.
        value: the figure.
        limit: the largest value that it may have; None if it is only reported.
        where: the cell that it is from, or the number of cells that it is a mean of.
        unit: the value's unit; empty for ratios.
    """

    name: str
    value: float
    limit: float | None = None
    where: str = ""
    unit: str = ""

    @property
    def met(self) -> bool | None:
        """Tell whether the target is met; None without a target."""
        return None if self.limit is None else self.value <= self.limit


def figures(cells: Sequence[Cell], costs: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """Return every figure that the results have."""
    sizes = [cell for cell in cells if cell.kind == "sizes"]
    batches = [cell for cell in cells if cell.kind == "batches"]
    return [*_exactness(cells), *_peers(sizes), *_forms(sizes), *_batches(batches), *_costs(costs)]


def geometric_mean(values: Iterable[float]) -> float:
    """Return the geometric mean of positive numbers."""
    logarithms = [math.log(value) for value in values]
    return math.exp(sum(logarithms) / len(logarithms))


def _exactness(cells: Sequence[Cell]) -> Iterator[Figure]:
    """Yield how many contestants of this package and transformers differ from the numpy reference."""
    oracles = ("transformers Pil", (PIL_ARRAY,)), ("transformers Torchvision", (TORCHVISION_TENSOR,))
    for label, names in (("graphproc", OWN), *oracles):
        compared = [
            (contestant.name, cell.label, differs)
            for cell in cells
            for contestant, differs in zip(cell.measured.contestants, cell.measured.differences, strict=True)
            if differs is not None and contestant.name in names
        ]
        if compared:
            wrong = [f"{name} in {cell}" for name, cell, differs in compared if differs.differing]
            where = wrong[0] if wrong else f"of {len(compared)}"
            yield Figure(f"{label}: results that are not the reference's bits", len(wrong), 0, where)


def _peers(cells: Sequence[Cell]) -> Iterator[Figure]:
    """Compare with other libraries: yield geometric means and worst cells."""
    for form in (*FORMS, *PIL_FORMS):
        yield from _mean_and_worst(f"{form} / {PILLOW}, 1 thread", _ratios(cells, form, PILLOW, 1), worst=1.0)
    for form in (*FORMS, *PIL_FORMS):
        yield from _mean_and_worst(f"{form} / {PIL_ARRAY}, 1 thread", _ratios(cells, form, PIL_ARRAY, 1), mean=0.33, worst=0.6)
    yield from _mean_and_worst(f"{CALL} / {TORCHVISION_TENSOR}, 1 thread", _ratios(cells, CALL, TORCHVISION_TENSOR, 1))
    for form in (*FORMS, *PIL_FORMS):
        for threads, limit in ((1, 0.9), (2, 0.7)):
            found = _ratios(cells, form, TORCHVISION_TENSOR, threads)
            yield from _mean_and_worst(f"{form} / {TORCHVISION_TENSOR}, {_threads(threads)}", found, mean=limit)
    for form in (*FORMS, *PIL_FORMS):
        for threads, aim in ((1, None), (2, 1.0)):
            yield from _mean_and_worst(f"{form} / {SIMD}, {_threads(threads)}", _ratios(cells, form, SIMD, threads), mean=aim)


def _forms(cells: Sequence[Cell]) -> Iterator[Figure]:
    """Compare the graph for any size with the one of a fixed size."""
    large = [cell for cell in cells if cell.pixels >= LARGE]
    for dynamic, fixed in (FORMS, PIL_FORMS):
        for threads in (1, 2):
            name = f"{dynamic} / {fixed}, {BATCH_SIZE[0]}x{BATCH_SIZE[1]} and larger, {_threads(threads)}"
            yield from _mean_and_worst(name, _ratios(large, dynamic, fixed, threads), worst=1.25)


def _batches(cells: Sequence[Cell]) -> Iterator[Figure]:
    """Compare a batch of 32 with one image, and two threads with one."""
    for form in FORMS:
        for threads in (1, 2):
            found = _each(cells, lambda cell, t=threads, f=form: cell.between((f, t, 32), (f, t, 1)))  # type: ignore[misc]
            yield from _mean_and_worst(f"{form}, an image of 32 / of 1, {_threads(threads)}", found, worst=0.9)
    for form in FORMS:
        found = _each(cells, lambda cell, f=form: cell.between((f, 2, 32), (f, 1, 32)))  # type: ignore[misc]
        yield from _mean_and_worst(f"{form}, batch of 32, 2 threads / 1 thread", found, worst=0.6)


def _costs(costs: Sequence[Mapping[str, Any]]) -> Iterator[Figure]:
    limits = {IMPORT: 0.3, HELP: 0.5, EXPORT: 2.0, SESSION: 150.0}
    for cost in costs:
        if cost["key"] in limits and (cost["key"] != SESSION or cost["name"].startswith("CLIP")):
            yield Figure(cost["name"], cost["value"], limits[cost["key"]], unit=cost["unit"])


def _threads(threads: int) -> str:
    return "1 thread" if threads == 1 else f"{threads} threads"


def _ratios(cells: Sequence[Cell], name: str, base: str, threads: int) -> Found:
    return _each(cells, lambda cell: cell.ratio(name, base, threads))


def _each(cells: Sequence[Cell], ratio: Callable[[Cell], float | None]) -> Found:
    return [(value, cell.label) for cell in cells if (value := ratio(cell)) is not None]


def _mean_and_worst(name: str, found: Found, mean: float | None = None, worst: float | None = None) -> Iterator[Figure]:
    if found:
        value, where = max(found)
        yield Figure(f"{name}: geometric mean", geometric_mean(v for v, _ in found), mean, f"of {len(found)}")
        yield Figure(f"{name}: worst", value, worst, where)
