"""The ratios of kernels, whole calls and batches to everything else: geometric means, and the cells where they are worst."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cells import Cell
from elsewhere import LIBRARIES
from files import CALL_FILES, DECODING, THEIR_DECODING, THEIR_FILES
from summary import Found, count, each, geometric_mean
from works import BYTES, FLOATS, KERNELS, KERNELS_OTHER, TILES, USUAL

from graphproc.bench.floor import FLOOR
from graphproc.bench.own import CALL, GRAPH, GRAPH_OTHER
from graphproc.bench.peers import PIL_ARRAY, PILLOW, TORCHVISION_ARRAY, TORCHVISION_TENSOR

GROUPS = (BYTES, TILES, FLOATS)
"""The works that a mean is of."""


@dataclass(frozen=True)
class Ratio:
    """How long one contestant takes as a share of another's time; 0.5 is twice as fast.

    Attributes:
        works: the works that it is of, in words.
        name: the two contestants.
        mean: the geometric mean of the cells.
        worst: the largest ratio.
        where: the cell of the largest ratio.
        cells: how many cells there are.
    """

    works: str
    name: str
    mean: float
    worst: float
    where: str
    cells: int


def ratios(cells: Sequence[Cell]) -> list[Ratio]:
    """Return every ratio that the results have."""
    found: list[Ratio] = []
    for works in GROUPS:
        mine = [cell for cell in cells if cell.work in works]
        sizes, batches, files = ([cell for cell in mine if cell.kind == kind] for kind in ("sizes", "batches", "files"))
        lines = [*_kernels(sizes), *_calls(sizes), *_batches(batches), *_files(files)]
        label = ", ".join(dict.fromkeys(cell.work for cell in mine))
        for name, values in lines:
            if values:
                worst, where = max(values)
                found.append(Ratio(label, name, geometric_mean(value for value, _ in values), worst, where, len(values)))
    return found


def _kernels(cells: Sequence[Cell]) -> Iterator[tuple[str, Found]]:
    """Compare graphs with kernels with everything else, and other instruction sets with the usual one."""
    for names, graph in ((KERNELS, GRAPH), (KERNELS_OTHER, GRAPH_OTHER)):
        for mine in (names[instructions] for instructions in USUAL):
            for base in (PIL_ARRAY, TORCHVISION_TENSOR, PILLOW, graph, *LIBRARIES, FLOOR):
                yield f"{mine} / {base}, 1 thread", each(cells, (mine, 1, 1), (base, 1, 1))
            yield f"{mine} / {TORCHVISION_TENSOR}, 2 threads", each(cells, (mine, 2, 1), (TORCHVISION_TENSOR, 2, 1))
            yield f"{mine}, 2 threads / 1 thread", each(cells, (mine, 2, 1), (mine, 1, 1))
            for other in names.values():
                if other != mine:
                    yield f"{other} / {mine}, 1 thread", each(cells, (other, 1, 1), (mine, 1, 1))


def _calls(cells: Sequence[Cell]) -> Iterator[tuple[str, Found]]:
    """Compare whole calls with an array."""
    for threads in (1, 2):
        for base in (TORCHVISION_ARRAY, TORCHVISION_TENSOR, PIL_ARRAY):
            yield f"{CALL} / {base}, {count(threads, 'thread')}", each(cells, (CALL, threads, 1), (base, threads, 1))


def _batches(cells: Sequence[Cell]) -> Iterator[tuple[str, Found]]:
    """Compare a batch of 32 with one image, and two threads with one."""
    names = (*(names[instructions] for names in (KERNELS, KERNELS_OTHER) for instructions in USUAL), CALL)
    for name in names:
        for threads in (1, 2):
            found = each(cells, (name, threads, 32), (name, threads, 1))
            yield f"{name}, an image of 32 / of 1, {count(threads, 'thread')}", found
        yield f"{name}, batch of 32, 2 threads / 1 thread", each(cells, (name, 2, 32), (name, 1, 32))
        for threads in (1, 2):
            found = each(cells, (name, threads, 32), (TORCHVISION_TENSOR, threads, 32))
            yield f"{name} / {TORCHVISION_TENSOR}, batch of 32, {count(threads, 'thread')}", found


def _files(cells: Sequence[Cell]) -> Iterator[tuple[str, Found]]:
    """Compare whole calls with files, and say how much of them is decoding."""
    numbers = sorted({contestant.batch for cell in cells for contestant in cell.measured.contestants})
    for number, threads in [(number, threads) for number in numbers for threads in (1, 2)]:
        for name, base in ((CALL_FILES, THEIR_FILES), (DECODING, CALL_FILES), (THEIR_DECODING, THEIR_FILES)):
            found = each(cells, (name, threads, number), (base, threads, number))
            yield f"{name} / {base}, {count(number, 'file')}, {count(threads, 'thread')}", found
