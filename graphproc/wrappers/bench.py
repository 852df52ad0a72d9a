"""Timing engines side by side: outputs compared first, then runs in turns, then medians of paired ratios.

Engines take turns in one process, in a new order each round, and ratios are taken within a round, so that a clock that
drifts or a neighbour that comes and goes meets all of them alike.
"""

from __future__ import annotations

import gc
import os
import platform
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from graphproc.errors import ConfigError
from graphproc.version import __version__
from graphproc.wrappers.engines import GRAPH, NAMES, OWN, Difference, Engine, Work, engines
from graphproc.wrappers.processor import BaseImageProcessor

Array = np.ndarray[Any, Any]

LEAST = 5
"""How many runs an engine should have at least, however slow it is."""
FEW = 3
"""How many it has at least where everything takes twice as long as it should."""
SLOW = 0.3
"""Seconds: a run that takes more warms up enough by itself."""
MOST = 200
"""How many it has at most, however fast."""
SHORT = 0.01
"""Seconds: a run that takes less has another, untimed one right before it, so that its caches and threads are awake."""
RESTED = 0.1
"""Seconds after a run with several threads in which the threads have to come to rest. ONNX Runtime's spin for 50 ms."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """The times of some engines.

    Attributes:
        engines: what was timed.
        seconds: [rounds, engines], of one run each; NaN in the rounds that a slow engine sat out.
        differences: for each engine, how its outputs differ; None where there is nothing to compare.
        failed: a line for each engine of others that failed in its first run.
    """

    engines: tuple[Engine, ...]
    seconds: Array
    differences: tuple[Difference | None, ...]
    failed: tuple[str, ...] = ()

    def index(self, name: str, threads: int | None = None, batch: int | None = None) -> int | None:
        """Which engine has the name, so many threads (engines of one thread have any number) and the batch; None if none."""
        for index, engine in enumerate(self.engines):
            if engine.name == name and engine.threads in (None, threads) and batch in (None, engine.batch):
                return index
        return None

    def runs(self, index: int) -> int:
        """How often an engine was timed."""
        return int(np.isfinite(self.seconds[:, index]).sum())

    def per_image(self, index: int) -> Array:
        """Seconds of each run, divided by its images."""
        return self.seconds[:, index] / self.engines[index].batch

    def median(self, index: int) -> float:
        """The median seconds per image."""
        return float(np.nanmedian(self.per_image(index)))

    def ratio(self, index: int, base: int) -> float:
        """The median, over the rounds that have both, of one engine's time per image divided by another's."""
        return float(np.nanmedian(self.per_image(index) / self.per_image(base)))


def measure(
    engines: Sequence[Engine],
    *,
    seconds: float = 3.0,
    runs: int | None = None,
    seed: int = 0,
    cpu: bool = False,
) -> Measurement:
    """Compare the outputs of some engines, then time them in turns.

    Args:
        engines: what to time.
        seconds: how long all turns should take together; slow engines then sit out most rounds. It ends at twice that.
        runs: how many rounds, of every engine, whatever they take; None is as many as `seconds` allow.
        seed: of the order within rounds.
        cpu: whether to take the processor's time instead of the clock's, which other programs on a busy machine do not
            lengthen; of engines with one thread only, because two that wait for each other do not show in it.

    Raises:
        ConfigError: there is no engine that runs.
    """
    ready, failed = [], []
    differences: list[Difference | None] = []
    warm, costs = [], []
    for engine in engines:
        try:
            estimate, differs = _warm_up(engine)
        except Exception as error:  # other libraries raise whatever they like on settings or images that they do not take
            if engine.name in OWN:
                raise
            failed.append(f"{engine.name}: it failed, {type(error).__name__}: {' '.join(str(error).split())[:200]}")
            continue
        ready.append(engine)
        differences.append(differs)
        warm.append(estimate < SHORT and engine.timed is None)
        costs.append(estimate * (2 if warm[-1] else 1) + _rest(engine))
    if not ready:
        raise ConfigError(f"bench: expected at least one engine that runs, got none. {'; '.join(failed)}".strip())
    engines = ready
    strides, rounds = ([1] * len(engines), runs) if runs is not None else schedule(costs, seconds)
    times = np.full((rounds, len(engines)), np.nan)
    order = np.random.default_rng(seed)
    start = time.perf_counter()
    collecting = gc.isenabled()
    gc.disable()
    try:
        for turn in range(rounds):
            if runs is None and time.perf_counter() - start > 2 * seconds:
                few = np.isfinite(times).sum(axis=0) < FEW
                if not few.any():
                    break
                if turn % min(np.array(strides)[few]):
                    continue  # a round without those that are still needed
            for index in order.permutation(len(engines)):
                if turn % strides[index] == 0:
                    if warm[index]:
                        _once(engines[index], cpu)
                    times[turn, index] = _once(engines[index], cpu)
                    _rest(engines[index])
    finally:
        if collecting:
            gc.enable()
    times = times[np.isfinite(times).any(axis=1)]
    return Measurement(tuple(engines), times, tuple(differences), tuple(dict.fromkeys(failed)))


def _warm_up(engine: Engine) -> tuple[float, Difference | None]:
    """Run an engine before it is timed: how many seconds a turn takes, about, and how its outputs differ."""
    if engine.prepare is not None:
        engine.prepare()
    start = time.perf_counter()
    result = engine.call()
    first = time.perf_counter() - start
    differs = None if engine.compare is None else engine.compare(result)
    del result
    for _ in range(engine.warm_up - 1):
        engine.call()
    if first > SLOW and engine.warm_up == 1 and engine.timed is None:
        return first, differs
    start = time.perf_counter()
    _once(engine)
    return time.perf_counter() - start, differs


def _once(engine: Engine, cpu: bool = False) -> float:
    """The seconds of one run."""
    clock = time.process_time if cpu and (engine.threads or 1) == 1 else time.perf_counter
    if engine.prepare is not None:
        engine.prepare()
    if engine.timed is not None:
        return engine.timed(clock)
    start = clock()
    result = engine.call()
    end = clock()
    del result  # what it takes to free it is not part of the run
    return end - start


def _rest(engine: Engine) -> float:
    """Wait until the threads of an engine have stopped to spin, which would slow the next one; the seconds that took."""
    if (engine.threads or 1) < 2:
        return 0.0
    start = time.perf_counter()
    while time.perf_counter() - start < RESTED:
        used = time.process_time()
        time.sleep(0.005)
        if time.process_time() - used < 0.0005:
            break
    return time.perf_counter() - start


def schedule(costs: Sequence[float], seconds: float) -> tuple[list[int], int]:
    """For each engine, in every how manieth round it takes part, and how many rounds there are.

    A power of two each, so that the rounds of one engine are among those of any other that has as many.

    Args:
        costs: seconds that a turn of each takes.
        seconds: what all turns together should take.
    """
    turns = [int(min(MOST, max(LEAST, seconds / len(costs) / max(cost, 1e-9)))) for cost in costs]
    strides = []
    for wanted in turns:
        stride = 1
        while -(-max(turns) // (2 * stride)) >= wanted:
            stride *= 2
        strides.append(stride)
    return strides, max(turns)


@dataclass(frozen=True, slots=True)
class Timing:
    """One line of a result.

    Attributes:
        engine: its name.
        runs: how often it was timed.
        milliseconds: the median time per image.
        ratio: the median of the paired ratios to the graph for any size, per image: 2.0 takes twice as long.
        exact: whether its outputs are the numpy reference's bits; None where there is nothing to compare.
        difference: in numbers.
        note: what is special about the engine.
    """

    engine: str
    runs: int
    milliseconds: float
    ratio: float
    exact: bool | None
    difference: Difference | None
    note: str


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured on one image with one number of threads.

    Attributes:
        processor: the processor class.
        image: which image.
        height, width: its sides in pixels.
        batch: how many such images a run preprocessed.
        threads: how many threads the engines had that can have several.
        timings: a line for each engine.
        absent: a line for each engine that is left out, with the reason.
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
        """Whether this package's engines gave the numpy reference's bits."""
        return all(t.exact for t in self.timings if t.engine in OWN)

    def as_dict(self) -> dict[str, Any]:
        """The result as plain data."""
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
    """Time a processor's engines and its peers on an image.

    Args:
        processor: settings.
        image: uint8 [height, width, 3].
        label: what the result calls the image.
        threads: the numbers of threads to try.
        batch: how many such images a run preprocesses.
        runs: how often each engine is timed; None is as often as `seconds` allow.
        seconds: how long the timed runs should take.
        names: the engines to time; the graph for any size is always one.

    Returns:
        One result for each number of threads.

    Raises:
        ConfigError: a number is less than 1, or the class takes samples and `batch` is not 1.
        ProgramError: the settings do not allow the image's size.
    """
    for key, values in (("threads", threads), ("runs", [] if runs is None else [runs])):
        if bad := [value for value in values if value < 1]:
            raise ConfigError(f"{key}: expected at least 1, got {bad[0]}")
    work = Work(processor, image, batch)
    work.program.check(work.sizes)
    found, absent = engines(work, threads, [GRAPH, *names])
    measured = measure(found, seconds=seconds, runs=runs)
    absent += measured.failed
    height, width = image.shape[:2]
    return [
        Result(processor.row.name, label, height, width, batch, number, _timings(measured, number), tuple(absent))
        for number in dict.fromkeys(threads)
    ]


def _timings(measured: Measurement, threads: int) -> tuple[Timing, ...]:
    """The lines for one number of threads."""
    base = measured.index(GRAPH, threads)
    assert base is not None
    found = []
    for index, engine in enumerate(measured.engines):
        if engine.threads in (None, threads):
            differs = measured.differences[index]
            exact = None if differs is None else not differs.differing
            milliseconds, ratio = measured.median(index) * 1e3, measured.ratio(index, base)
            found.append(Timing(engine.name, measured.runs(index), milliseconds, ratio, exact, differs, engine.note))
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
"""What a figure depends on beside this package."""


def machine() -> dict[str, Any]:
    """What the figures were measured on: the processor, its cores, the system, and the versions of the packages."""
    versions = {"graphproc": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else os.cpu_count()
    return {"cpu": _cpu(), "cores": cores, "system": platform.platform(), "versions": versions}


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
