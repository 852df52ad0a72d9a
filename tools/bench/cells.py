"""Cells of the table: measured, written as JSON, and read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pillow_simd import Child, pillow_simd
from runtime_resize import RUNTIME_RESIZE, runtime_resize
from works import NAMES, SIMD, Place, Sides, image, processor

from graphproc.wrappers.bench import Measurement, measure
from graphproc.wrappers.engines import Difference, Engine, Work, engines


@dataclass(frozen=True)
class Cell:
    """One work on one image size, all engines, threads and batches in one interleaved measurement.

    Attributes:
        work: a key of `works.WORKS`.
        size: (height, width) of the images.
        kind: `sizes` or `batches`.
        measured: the times.
        absent: a line for each engine that was left out.
    """

    work: str
    size: Sides
    kind: str
    measured: Measurement
    absent: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The cell in a few words."""
        return f"{self.work} {self.size[0]}x{self.size[1]}"

    @property
    def pixels(self) -> int:
        """Of one image."""
        return self.size[0] * self.size[1]

    def index(self, name: str, threads: int = 1, batch: int = 1) -> int | None:
        """Which engine it is, or None where it was not measured."""
        return self.measured.index(name, threads, batch)

    def milliseconds(self, name: str, threads: int = 1, batch: int = 1) -> float | None:
        """The median time per image."""
        index = self.index(name, threads, batch)
        return None if index is None else self.measured.median(index) * 1e3

    def ratio(self, name: str, base: str, threads: int = 1, batch: int = 1) -> float | None:
        """The median of paired ratios, per image, of engines with as many threads; None where one was not measured."""
        return self.between((name, threads, batch), (base, threads, batch))

    def between(self, one: tuple[str, int, int], base: tuple[str, int, int]) -> float | None:
        """The same of any two engines, each by name, threads and batch."""
        found = self.index(*one), self.index(*base)
        return None if found[0] is None or found[1] is None else self.measured.ratio(found[0], found[1])

    def as_dict(self) -> dict[str, Any]:
        """The cell as plain data; times in microseconds, null in the rounds that an engine sat out."""
        entries = []
        for index, (engine, differs) in enumerate(zip(self.measured.engines, self.measured.differences, strict=True)):
            times = [None if np.isnan(s) else round(float(s) * 1e6, 1) for s in self.measured.seconds[:, index]]
            entries.append(
                {
                    "name": engine.name,
                    "threads": engine.threads,
                    "batch": engine.batch,
                    "note": engine.note,
                    "milliseconds": round(self.measured.median(index) * 1e3, 4),
                    "runs": self.measured.runs(index),
                    "difference": None if differs is None else asdict(differs),
                    "microseconds": times,
                }
            )
        return {"work": self.work, "size": list(self.size), "kind": self.kind, "absent": list(self.absent), "engines": entries}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Cell:
        """The cell that `as_dict` wrote."""
        found, differences, columns = [], [], []
        for entry in data["engines"]:
            found.append(Engine(entry["name"], _gone, entry["threads"], entry["batch"], note=entry["note"]))
            differences.append(None if entry["difference"] is None else Difference(**entry["difference"]))
            columns.append([np.nan if value is None else value / 1e6 for value in entry["microseconds"]])
        measured = Measurement(tuple(found), np.array(columns).T, tuple(differences))
        height, width = data["size"]
        return cls(data["work"], (height, width), data["kind"], measured, tuple(data["absent"]))


def _gone() -> None:
    raise RuntimeError("this engine was read from a file")


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
        place: which.
        threads: the numbers of threads.
        seconds: how long all turns should take together.
        runs: how often every engine runs; None is as often as `seconds` allow.
        simd: an interpreter that has Pillow-SIMD.
        cpu: whether engines of one thread are timed by the processor's clock.
    """
    made, pixels = processor(place.work), image(place.size)
    found: list[Engine] = []
    absent: list[str] = []
    children: list[Child] = []
    try:
        for batch in place.batches:
            work = Work(made, pixels, batch)
            some, left_out = engines(work, threads, place.engines)
            found += some
            absent += [line for line in left_out if line not in absent]
            if RUNTIME_RESIZE in place.engines:
                found += runtime_resize(work, threads)
            if SIMD in place.engines and simd is not None:
                children.append(Child(simd, work))
                found.append(pillow_simd(children[-1], SIMD, work))
        found.sort(key=lambda engine: NAMES.index(engine.name))
        measured = measure(found, seconds=seconds, runs=runs, cpu=cpu)
    finally:
        for child in children:
            child.close()
    return Cell(place.work, place.size, place.kind, measured, (*absent, *measured.failed))
