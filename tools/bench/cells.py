"""Cells of the table: measure them, write them as JSON, and read them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import elsewhere
import files
import numpy as np
from elsewhere import Child
from runtime_resize import RUNTIME_RESIZE, runtime_resize
from works import ALL, KERNELS, KERNELS_OTHER, Place, Sides, image, processor

from graphproc.bench.contestants import MAKERS, contestants
from graphproc.bench.measure import Measurement, measure
from graphproc.bench.own import kernels
from graphproc.bench.task import Contestant, Difference, Maker, Task


@dataclass(frozen=True)
class Cell:
    """One work on one image size, with all contestants, numbers of threads and batches, measured in turns.

    Attributes:
        work: a key of `works.WORKS`.
        size: (height, width) of the images.
        kind: `sizes`, `batches` or `files`.
        measured: the times.
        absent: a line for each contestant that was left out.
    """

    work: str
    size: Sides
    kind: str
    measured: Measurement
    absent: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Return the cell in a few words."""
        return f"{self.work} {self.size[0]}x{self.size[1]}"

    @property
    def pixels(self) -> int:
        """Return the number of pixels of one image."""
        return self.size[0] * self.size[1]

    def index(self, name: str, threads: int = 1, batch: int = 1) -> int | None:
        """Return the position of a contestant, or None if it was not measured."""
        return self.measured.index(name, threads, batch)

    def milliseconds(self, name: str, threads: int = 1, batch: int = 1) -> float | None:
        """Return the median time for an image, or None if it was not measured."""
        index = self.index(name, threads, batch)
        return None if index is None else self.measured.median(index) * 1e3

    def exact(self, name: str, threads: int = 1, batch: int = 1) -> bool:
        """Tell whether a contestant gave the numpy reference's bits."""
        index = self.index(name, threads, batch)
        differs = None if index is None else self.measured.differences[index]
        return differs is not None and not differs.differing

    def ratio(self, name: str, base: str, threads: int = 1, batch: int = 1) -> float | None:
        """Return the median of paired ratios of times for an image; None if one was not measured."""
        return self.between((name, threads, batch), (base, threads, batch))

    def between(self, one: tuple[str, int, int], base: tuple[str, int, int]) -> float | None:
        """Return the same of any two contestants, each by name, threads and batch."""
        found = self.index(*one), self.index(*base)
        return None if found[0] is None or found[1] is None else self.measured.ratio(found[0], found[1])

    def as_dict(self) -> dict[str, Any]:
        """Return the cell as plain data: times in microseconds, null in rounds that a contestant left out."""
        entries = []
        for index, (contestant, differs) in enumerate(zip(self.measured.contestants, self.measured.differences, strict=True)):
            times = [None if np.isnan(s) else round(float(s) * 1e6, 1) for s in self.measured.seconds[:, index]]
            entries.append(
                {
                    "name": contestant.name,
                    "threads": contestant.threads,
                    "batch": contestant.batch,
                    "note": contestant.note,
                    "milliseconds": round(self.measured.median(index) * 1e3, 4),
                    "runs": self.measured.runs(index),
                    "difference": None if differs is None else asdict(differs),
                    "microseconds": times,
                }
            )
        return {
            "work": self.work,
            "size": list(self.size),
            "kind": self.kind,
            "absent": list(self.absent),
            "contestants": entries,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Cell:
        """Return the cell that `as_dict` wrote."""
        found, differences, columns = [], [], []
        for entry in data["contestants"]:
            found.append(Contestant(entry["name"], _gone, entry["threads"], entry["batch"], note=entry["note"]))
            differences.append(None if entry["difference"] is None else Difference(**entry["difference"]))
            columns.append([np.nan if value is None else value / 1e6 for value in entry["microseconds"]])
        measured = Measurement(tuple(found), np.array(columns).T, tuple(differences))
        height, width = data["size"]
        return cls(data["work"], (height, width), data["kind"], measured, tuple(data["absent"]))


def _gone() -> None:
    raise RuntimeError("this contestant was read from a file")


def makers(peers: Path | None, children: list[Child]) -> dict[str, Maker]:
    """Return the maker of each contestant; `children` gets the processes that `peers` has environments for."""
    sets = [(names, partial(kernels, names=names, other=names is KERNELS_OTHER)) for names in (KERNELS, KERNELS_OTHER)]
    return {
        **MAKERS,
        **{name: maker for names, maker in sets for name in names.values()},
        RUNTIME_RESIZE: runtime_resize,
        **elsewhere.makers(peers, children),
        **files.MAKERS,
    }


def run(
    place: Place,
    threads: Sequence[int],
    seconds: float,
    runs: int | None = None,
    peers: Path | None = None,
    cpu: bool = False,
) -> Cell:
    """Measure a cell.

    Args:
        place: the cell to measure.
        threads: the numbers of threads.
        seconds: how long all turns should take together.
        runs: how often every contestant runs; None for as often as `seconds` allow.
        peers: the folder of the environments of elsewhere.py.
        cpu: whether contestants with one thread are timed in CPU time, not by the wall clock.
    """
    made, pixels = processor(place.work), image(place.size)
    found: list[Contestant] = []
    absent: list[str] = []
    children: list[Child] = []
    try:
        for batch in place.batches:
            task = Task(made, pixels, batch)
            some, left_out = contestants(task, threads, place.contestants, makers(peers, children))
            found += some
            absent += [line for line in left_out if line not in absent]
        found.sort(key=lambda contestant: ALL.index(contestant.name))
        measured = measure(found, seconds=seconds, runs=runs, cpu=cpu)
    finally:
        for child in children:
            child.close()
    return Cell(place.work, place.size, place.kind, measured, (*absent, *measured.failed))
