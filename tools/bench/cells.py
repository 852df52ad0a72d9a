"""Cells of the table: measure them, write them as JSON, and read them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pillow_simd import Child, pillow_simd
from runtime_resize import RUNTIME_RESIZE, runtime_resize
from works import NAMES, SIMD, Place, Sides, image, processor

from graphproc.bench.contestants import contestants
from graphproc.bench.measure import Measurement, measure
from graphproc.bench.task import Contestant, Difference, Task


@dataclass(frozen=True)
class Cell:
    """One work on one image size, with all contestants, numbers of threads and batches, measured in turns.

    Attributes:
        work: a key of `works.WORKS`.
        size: (height, width) of the images.
        kind: `sizes` or `batches`.
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


def run(
    place: Place,
    threads: Sequence[int],
    seconds: float,
    runs: int | None = None,
    simd: str | None = None,
    cpu: bool = False,
) -> Cell:
    """Measure a cell.

    Args:
        place: the cell to measure.
        threads: the numbers of threads.
        seconds: how long all turns should take together.
        runs: how often every contestant runs; None for as often as `seconds` allow.
        simd: a Python interpreter that has Pillow-SIMD.
        cpu: whether contestants with one thread are timed in CPU time, not by the wall clock.
    """
    made, pixels = processor(place.work), image(place.size)
    found: list[Contestant] = []
    absent: list[str] = []
    children: list[Child] = []
    try:
        for batch in place.batches:
            task = Task(made, pixels, batch)
            some, left_out = contestants(task, threads, place.contestants)
            found += some
            absent += [line for line in left_out if line not in absent]
            if RUNTIME_RESIZE in place.contestants:
                found += runtime_resize(task, threads)
            if SIMD in place.contestants and simd is not None:
                children.append(Child(simd, task))
                found.append(pillow_simd(children[-1], SIMD, task))
        found.sort(key=lambda contestant: NAMES.index(contestant.name))
        measured = measure(found, seconds=seconds, runs=runs, cpu=cpu)
    finally:
        for child in children:
            child.close()
    return Cell(place.work, place.size, place.kind, measured, (*absent, *measured.failed))
