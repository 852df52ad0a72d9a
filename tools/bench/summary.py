"""The figures that have targets, each with the cell where it is worst and whether the target is met."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cells import Cell
from costs import EXPORT, HELP, IMPORT, SESSION
from elsewhere import LIBRARIES, SIMD
from files import CALL_FILES
from works import BATCH_SIZE, BYTES, FLOATS, KERNELS, KERNELS_OTHER

from graphproc.bench.own import FIXED, FIXED_OTHER, GRAPH, GRAPH_OTHER, OWN
from graphproc.bench.peers import PIL_ARRAY, PILLOW, TORCHVISION_TENSOR
from graphproc.bench.task import Difference

FORMS = (GRAPH, FIXED)
"""The contestants that give the same bits as transformers' torchvision backend, the default of all works."""
PIL_FORMS = (GRAPH_OTHER, FIXED_OTHER)
"""Those that give the same bits as transformers' Pillow backend, the other one of all works."""
MINE = (*OWN, *KERNELS.values(), *KERNELS_OTHER.values(), CALL_FILES)
"""The contestants that have to give the numpy reference's bits."""
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
    sizes = [cell for cell in cells if cell.kind == "sizes" and cell.work in BYTES]
    batches = [cell for cell in cells if cell.kind == "batches"]
    return [*_exactness(cells), *_others(cells), *_peers(sizes), *_forms(sizes), *_batches(batches), *_costs(costs)]


def geometric_mean(values: Iterable[float]) -> float:
    """Return the geometric mean of positive numbers."""
    logarithms = [math.log(value) for value in values]
    return math.exp(sum(logarithms) / len(logarithms))


def _exactness(cells: Sequence[Cell]) -> Iterator[Figure]:
    """Yield how many contestants of this package and transformers differ from the numpy reference."""
    bits = [cell for cell in cells if cell.work not in FLOATS]  # floats are torch's bits on some processors, else within a bound
    oracles = ("transformers Pil", (PIL_ARRAY,), bits), ("transformers Torchvision", (TORCHVISION_TENSOR,), bits)
    for label, names, of in (("graphproc", MINE, cells), *oracles):
        compared = list(_compared(of, names))
        if compared:
            wrong = [f"{name} in {cell}" for name, cell, differs in compared if differs.differing]
            where = wrong[0] if wrong else f"of {len(compared)}"
            yield Figure(f"{label}: results that are not the reference's bits", len(wrong), 0, where)


def _compared(cells: Sequence[Cell], names: Sequence[str]) -> Iterator[tuple[str, str, Difference]]:
    """Yield what was compared: a contestant, its cell, and how it differs."""
    for cell in cells:
        for contestant, differs in zip(cell.measured.contestants, cell.measured.differences, strict=True):
            if differs is not None and contestant.name in names:
                yield contestant.name, cell.label, differs


def _others(cells: Sequence[Cell]) -> Iterator[Figure]:
    """Yield the share of bytes of other libraries' resizes that are not Pillow's."""
    for name in (PILLOW, *LIBRARIES):
        compared = [differs for _, _, differs in _compared(cells, (name,))]
        if compared:
            differing, elements = sum(d.differing for d in compared), sum(d.elements for d in compared)
            where = f"{differing} of {elements}"
            yield Figure(f"{name}: % of bytes that are not Pillow's", 100 * differing / elements, None, where)


def _peers(cells: Sequence[Cell]) -> Iterator[Figure]:
    """Compare with other libraries: yield geometric means and worst cells."""
    for form in (*FORMS, *PIL_FORMS):
        yield from _mean_and_worst(f"{form} / {PILLOW}, 1 thread", _ratios(cells, form, PILLOW, 1), worst=1.0)
    for form in (*FORMS, *PIL_FORMS):
        yield from _mean_and_worst(f"{form} / {PIL_ARRAY}, 1 thread", _ratios(cells, form, PIL_ARRAY, 1), mean=0.33, worst=0.6)
    for form in (*FORMS, *PIL_FORMS):
        for threads, limit in ((1, 0.9), (2, 0.7)):
            found = _ratios(cells, form, TORCHVISION_TENSOR, threads)
            yield from _mean_and_worst(f"{form} / {TORCHVISION_TENSOR}, {count(threads, 'thread')}", found, mean=limit)
    for form in (*FORMS, *PIL_FORMS):
        for threads, aim in ((1, None), (2, 1.0)):
            found = _ratios(cells, form, SIMD, threads)
            yield from _mean_and_worst(f"{form} / {SIMD}, {count(threads, 'thread')}", found, mean=aim)


def _forms(cells: Sequence[Cell]) -> Iterator[Figure]:
    """Compare the graph for any size with the one of a fixed size."""
    large = [cell for cell in cells if cell.pixels >= LARGE]
    for dynamic, fixed in (FORMS, PIL_FORMS):
        for threads in (1, 2):
            name = f"{dynamic} / {fixed}, {BATCH_SIZE[0]}x{BATCH_SIZE[1]} and larger, {count(threads, 'thread')}"
            yield from _mean_and_worst(name, _ratios(large, dynamic, fixed, threads), worst=1.25)


def _batches(cells: Sequence[Cell]) -> Iterator[Figure]:
    """Compare a batch of 32 with one image, and two threads with one."""
    for form in FORMS:
        for threads in (1, 2):
            found = each(cells, (form, threads, 32), (form, threads, 1))
            yield from _mean_and_worst(f"{form}, an image of 32 / of 1, {count(threads, 'thread')}", found, worst=0.9)
    for form in FORMS:
        found = each(cells, (form, 2, 32), (form, 1, 32))
        yield from _mean_and_worst(f"{form}, batch of 32, 2 threads / 1 thread", found, worst=0.6)


def _costs(costs: Sequence[Mapping[str, Any]]) -> Iterator[Figure]:
    limits = {IMPORT: 0.3, HELP: 0.5, EXPORT: 2.0, SESSION: 150.0}
    for cost in costs:
        if cost["key"] in limits and (cost["key"] != SESSION or cost["name"].startswith("CLIP")):
            yield Figure(cost["name"], cost["value"], limits[cost["key"]], unit=cost["unit"])


def count(number: int, thing: str) -> str:
    """Return a number of things in words."""
    return f"{number} {thing}{'s' * (number != 1)}"


def each(cells: Sequence[Cell], one: tuple[str, int, int], base: tuple[str, int, int]) -> Found:
    """Return the ratio of two contestants, each by name, threads and batch, in every cell that has both."""
    return [(value, cell.label) for cell in cells if (value := cell.between(one, base)) is not None]


def _ratios(cells: Sequence[Cell], name: str, base: str, threads: int) -> Found:
    return each(cells, (name, threads, 1), (base, threads, 1))


def _mean_and_worst(name: str, found: Found, mean: float | None = None, worst: float | None = None) -> Iterator[Figure]:
    if found:
        value, where = max(found)
        yield Figure(f"{name}: geometric mean", geometric_mean(v for v, _ in found), mean, f"of {len(found)}")
        yield Figure(f"{name}: worst", value, worst, where)
