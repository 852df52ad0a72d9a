"""Timing contestants side by side: outputs compared first, then runs in turns, then medians of paired ratios.

Contestants take turns in one process, in a new order each round, and ratios are taken within a round, so that a clock that
drifts or a neighbour that comes and goes meets all of them alike.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphproc.bench.own import OWN
from graphproc.bench.task import Contestant, Difference
from graphproc.errors import ConfigError

Array = np.ndarray[Any, Any]

LEAST = 5
"""How many runs a contestant should have at least, however slow it is."""
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
    """The times of some contestants.

    Attributes:
        contestants: what was timed.
        seconds: [rounds, contestants], of one run each; NaN in the rounds that a slow contestant sat out.
        differences: for each contestant, how its outputs differ; None where there is nothing to compare.
        failed: a line for each contestant of others that failed in its first run.
    """

    contestants: tuple[Contestant, ...]
    seconds: Array
    differences: tuple[Difference | None, ...]
    failed: tuple[str, ...] = ()

    def index(self, name: str, threads: int | None = None, batch: int | None = None) -> int | None:
        """The contestant of that name, threads and batch; None if there is none. Those of one thread have any number."""
        for index, contestant in enumerate(self.contestants):
            if contestant.name == name and contestant.threads in (None, threads) and batch in (None, contestant.batch):
                return index
        return None

    def runs(self, index: int) -> int:
        """How often a contestant was timed."""
        return int(np.isfinite(self.seconds[:, index]).sum())

    def per_image(self, index: int) -> Array:
        """Seconds of each run, divided by its images."""
        return self.seconds[:, index] / self.contestants[index].batch

    def median(self, index: int) -> float:
        """The median seconds per image."""
        return float(np.nanmedian(self.per_image(index)))

    def ratio(self, index: int, base: int) -> float:
        """The median, over the rounds that have both, of one contestant's time per image divided by another's."""
        return float(np.nanmedian(self.per_image(index) / self.per_image(base)))


def measure(
    contestants: Sequence[Contestant],
    *,
    seconds: float = 3.0,
    runs: int | None = None,
    seed: int = 0,
    cpu: bool = False,
) -> Measurement:
    """Compare the outputs of some contestants, then time them in turns.

    Args:
        contestants: what to time.
        seconds: how long all turns should take together; slow contestants then sit out most rounds. It ends at twice that.
        runs: how many rounds, of every contestant, whatever they take; None is as many as `seconds` allow.
        seed: of the order within rounds.
        cpu: whether to take the processor's time instead of the clock's, which other programs on a busy machine do not
            lengthen; of contestants with one thread only, because two that wait for each other do not show in it.

    Raises:
        ConfigError: there is no contestant that runs.
    """
    ready, failed = [], []
    differences: list[Difference | None] = []
    warm, costs = [], []
    for contestant in contestants:
        try:
            estimate, differs = _warm_up(contestant)
        except Exception as error:  # other libraries raise whatever they like on settings or images that they do not take
            if contestant.name in OWN:
                raise
            failed.append(f"{contestant.name}: it failed, {type(error).__name__}: {' '.join(str(error).split())[:200]}")
            continue
        ready.append(contestant)
        differences.append(differs)
        warm.append(estimate < SHORT and contestant.timed is None)
        costs.append(estimate * (2 if warm[-1] else 1) + _rest(contestant))
    if not ready:
        raise ConfigError(f"bench: expected at least one contestant that runs, got none. {'; '.join(failed)}".strip())
    contestants = ready
    strides, rounds = ([1] * len(contestants), runs) if runs is not None else schedule(costs, seconds)
    times = np.full((rounds, len(contestants)), np.nan)
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
            for index in order.permutation(len(contestants)):
                if turn % strides[index] == 0:
                    if warm[index]:
                        _once(contestants[index], cpu)
                    times[turn, index] = _once(contestants[index], cpu)
                    _rest(contestants[index])
    finally:
        if collecting:
            gc.enable()
    times = times[np.isfinite(times).any(axis=1)]
    return Measurement(tuple(contestants), times, tuple(differences), tuple(dict.fromkeys(failed)))


def _warm_up(contestant: Contestant) -> tuple[float, Difference | None]:
    """Run a contestant before it is timed: how many seconds a turn takes, about, and how its outputs differ."""
    if contestant.prepare is not None:
        contestant.prepare()
    start = time.perf_counter()
    result = contestant.call()
    first = time.perf_counter() - start
    differs = None if contestant.compare is None else contestant.compare(result)
    del result
    for _ in range(contestant.warm_up - 1):
        contestant.call()
    if first > SLOW and contestant.warm_up == 1 and contestant.timed is None:
        return first, differs
    start = time.perf_counter()
    _once(contestant)
    return time.perf_counter() - start, differs


def _once(contestant: Contestant, cpu: bool = False) -> float:
    """The seconds of one run."""
    clock = time.process_time if cpu and (contestant.threads or 1) == 1 else time.perf_counter
    if contestant.prepare is not None:
        contestant.prepare()
    if contestant.timed is not None:
        return contestant.timed(clock)
    start = clock()
    result = contestant.call()
    end = clock()
    del result  # what it takes to free it is not part of the run
    return end - start


def _rest(contestant: Contestant) -> float:
    """Wait until the threads of a contestant have stopped to spin, which would slow the next one; the seconds that took."""
    if (contestant.threads or 1) < 2:
        return 0.0
    start = time.perf_counter()
    while time.perf_counter() - start < RESTED:
        used = time.process_time()
        time.sleep(0.005)
        if time.process_time() - used < 0.0005:
            break
    return time.perf_counter() - start


def schedule(costs: Sequence[float], seconds: float) -> tuple[list[int], int]:
    """Plan the rounds: the step between those that a contestant takes part in (4 is every fourth), and their number.

    Steps are powers of two, so that the rounds of a slow contestant are also rounds of every faster one.

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
