"""Time contestants: compare their outputs, run them in turns, take medians of paired ratios.

Contestants take turns in one process, in a new order each round. Ratios are taken within a round.
So a clock that drifts, or another program that runs for a while, affects all of them alike.
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

LEAST_RUNS = 5
"""How many runs a contestant gets at least, however slow it is."""
LEAST_RUNS_IF_LATE = 3
"""How many runs it gets at least if everything takes twice as long as planned."""
LONG_RUN = 0.3
"""Seconds. A run that takes longer is its own warm-up."""
MOST_RUNS = 200
"""How many runs a contestant gets at most, however fast it is."""
SHORT_RUN = 0.01
"""Seconds. A shorter run comes right after an untimed one, which wakes its caches and threads."""
LONGEST_REST = 0.1
"""Seconds to wait at most until threads rest after a run; ONNX Runtime's spin for 50 ms."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """Hold the times of some contestants.

    Attributes:
        contestants: what was timed.
        seconds: float64 [rounds, contestants], the time of each run; NaN in rounds that a slow
            contestant skipped.
        differences: for each contestant, how its outputs differ; None if there is nothing to
            compare.
        failed: a line for each contestant of another library that failed in its first run.
    """

    contestants: tuple[Contestant, ...]
    seconds: Array
    differences: tuple[Difference | None, ...]
    failed: tuple[str, ...] = ()

    def index(self, name: str, threads: int | None = None, batch: int | None = None) -> int | None:
        """Return the position of a contestant, or None if it was not timed.

        A contestant that always has one thread is found for any number of threads.
        """
        for index, contestant in enumerate(self.contestants):
            if contestant.name == name and contestant.threads in (None, threads) and batch in (None, contestant.batch):
                return index
        return None

    def runs(self, index: int) -> int:
        """Return how often a contestant was timed."""
        return int(np.isfinite(self.seconds[:, index]).sum())

    def per_image(self, index: int) -> Array:
        """Return the seconds of each run, divided by its number of images."""
        return self.seconds[:, index] / self.contestants[index].batch

    def median(self, index: int) -> float:
        """Return the median of the seconds per image."""
        return float(np.nanmedian(self.per_image(index)))

    def ratio(self, index: int, base: int) -> float:
        """Return the median ratio of two contestants' times per image, in rounds with both."""
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
        seconds: how long all turns should take together; slow contestants then skip most rounds.
            After twice that time it ends.
        runs: how many rounds every contestant runs, however long they take; None for as many as
            `seconds` allow.
        seed: the seed of the order within rounds.
        cpu: whether to measure processor time, which other programs on a busy machine do not
            lengthen. It is used only for contestants with one thread, because it does not show that
            two threads wait for each other.

    Raises:
        ConfigError: no contestant runs.
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
        warm.append(estimate < SHORT_RUN and contestant.timed is None)
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
                few = np.isfinite(times).sum(axis=0) < LEAST_RUNS_IF_LATE
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
    """Run a contestant before it is timed.

    Returns:
        About how many seconds a turn takes, and how the outputs differ.
    """
    with contestant.around():
        start = time.perf_counter()
        result = contestant.call()
        first = time.perf_counter() - start
        differs = None if contestant.compare is None else contestant.compare(result)
        del result
        for _ in range(contestant.warm_up - 1):
            contestant.call()
    if first > LONG_RUN and contestant.warm_up == 1 and contestant.timed is None:
        return first, differs
    start = time.perf_counter()
    _once(contestant)
    return time.perf_counter() - start, differs


def _once(contestant: Contestant, cpu: bool = False) -> float:
    """Return the seconds of one run."""
    clock = time.process_time if cpu and (contestant.threads or 1) == 1 else time.perf_counter
    with contestant.around():
        if contestant.timed is not None:
            return contestant.timed(clock)
        start = clock()
        result = contestant.call()
        end = clock()
        del result  # what it takes to free it is not part of the run
    return end - start


def _rest(contestant: Contestant) -> float:
    """Wait until a contestant's threads stop spinning, which would slow the next contestant.

    Returns:
        How many seconds that took.
    """
    if (contestant.threads or 1) < 2:
        return 0.0
    start = time.perf_counter()
    while time.perf_counter() - start < LONGEST_REST:
        used = time.process_time()
        time.sleep(0.005)
        if time.process_time() - used < 0.0005:
            break
    return time.perf_counter() - start


def schedule(costs: Sequence[float], seconds: float) -> tuple[list[int], int]:
    """Decide how many rounds there are, and in which of them each contestant runs.

    A contestant with the stride 4 runs in every fourth round. Strides are powers of two, so that
    the rounds of a slow contestant are also rounds of every faster one.

    Args:
        costs: the seconds of one turn of each contestant.
        seconds: how long all turns should take together.

    Returns:
        The strides, and the number of rounds.
    """
    turns = [int(min(MOST_RUNS, max(LEAST_RUNS, seconds / len(costs) / max(cost, 1e-9)))) for cost in costs]
    strides = []
    for wanted in turns:
        stride = 1
        while -(-max(turns) // (2 * stride)) >= wanted:
            stride *= 2
        strides.append(stride)
    return strides, max(turns)
