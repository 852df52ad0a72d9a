"""Make tables of times: a processor on an image beside other libraries, and the machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from graphproc.bench.contestants import NAMES, contestants
from graphproc.bench.measure import Measurement, measure
from graphproc.bench.own import GRAPH, OWN
from graphproc.bench.task import Difference, Task
from graphproc.errors import ConfigError
from graphproc.runtime import native
from graphproc.version import __version__
from graphproc.wrappers.processor import BaseImageProcessor

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Timing:
    """Describe one line of a result.

    Attributes:
        contestant: its name.
        runs: how often it was timed.
        milliseconds: the median time per image.
        ratio: the median of the paired ratios of its time per image to that of the graph for any
            size: 2.0 takes twice as long.
        exact: whether its outputs are the numpy reference's bits; None if there is nothing to
            compare.
        difference: how its outputs differ, in numbers.
        note: what is special about the contestant.
    """

    contestant: str
    runs: int
    milliseconds: float
    ratio: float
    exact: bool | None
    difference: Difference | None
    note: str


@dataclass(frozen=True, slots=True)
class Result:
    """Hold what was measured on one image with one number of threads.

    Attributes:
        processor: the processor class.
        image: a name of the image.
        height, width: its sides in pixels.
        batch: how many copies of the image a run preprocesses.
        threads: how many threads a contestant has if it can have several.
        timings: a line for each contestant.
        absent: a line with the reason for each contestant left out.
    """

    processor: str
    image: str
    height: int
    width: int
    batch: int
    threads: int
    timings: tuple[Timing, ...]
    absent: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Return whether all contestants of this package gave the numpy reference's bits."""
        return all(t.exact for t in self.timings if t.contestant in OWN)

    def as_dict(self) -> dict[str, Any]:
        """Return the result as plain data."""
        return {"ok": self.ok, **asdict(self)}


def bench(
    processor: BaseImageProcessor,
    image: Array,
    label: str = "image",
    *,
    threads: Sequence[int] = (1,),
    batch: int = 1,
    runs: int | None = None,
    seconds: float = 5.0,
    names: Iterable[str] = NAMES,
) -> list[Result]:
    """Time a processor's contestants on an image.

    Args:
        processor: the processor, with its settings.
        image: uint8 [height, width, 3].
        label: the name of the image in the result.
        threads: the numbers of threads to try.
        batch: how many copies of the image a run preprocesses.
        runs: how often each contestant is timed; None for as often as `seconds` allow.
        seconds: how long the timed runs should take.
        names: the contestants to time, besides the graph for any size.

    Returns:
        One result for each number of threads.

    Raises:
        ConfigError: a number is less than 1, or the class takes samples and `batch` is not 1.
        ProgramError: the settings do not allow the image's size.
    """
    for key, values in (("threads", threads), ("runs", [] if runs is None else [runs])):
        if bad := [value for value in values if value < 1]:
            raise ConfigError(f"{key}: expected at least 1, got {bad[0]}")
    task = Task(processor, image, batch)
    task.program.check(task.sizes)
    found, absent = contestants(task, threads, [GRAPH, *names])
    measured = measure(found, seconds=seconds, runs=runs)
    absent += measured.failed
    height, width = image.shape[:2]
    return [
        Result(processor.spec.name, label, height, width, batch, number, _timings(measured, number), tuple(absent))
        for number in dict.fromkeys(threads)
    ]


def _timings(measured: Measurement, threads: int) -> tuple[Timing, ...]:
    """Return the lines for one number of threads."""
    base = measured.index(GRAPH, threads)
    assert base is not None
    found = []
    for index, contestant in enumerate(measured.contestants):
        if contestant.threads in (None, threads):
            differs = measured.differences[index]
            exact = None if differs is None else not differs.differing
            milliseconds, ratio = measured.median(index) * 1e3, measured.ratio(index, base)
            found.append(Timing(contestant.name, measured.runs(index), milliseconds, ratio, exact, differs, contestant.note))
    return tuple(found)


PACKAGES = (
    "numpy",
    "onnx",
    "onnxruntime",
    "pillow",
    "transformers",
    "torch",
    "torchvision",
    "onnxruntime-extensions",
)
"""The packages with versions that may change a figure."""


def machine() -> dict[str, Any]:
    """Describe the machine: the processor, its cores, the system, the kernels in use, the versions of packages."""
    versions = {"graphproc": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else os.cpu_count()
    kernels = native.instruction_set() or f"none: {native.reason()}"
    return {"cpu": _cpu(), "cores": cores, "system": platform.platform(), "kernels": kernels, "versions": versions}


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
