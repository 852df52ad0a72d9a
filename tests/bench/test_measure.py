"""Timing in turns: what is run how often, and that figures are medians of ratios within rounds."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from graphproc.bench import measure as library
from graphproc.bench.measure import LEAST_RUNS, LEAST_RUNS_IF_LATE, MOST_RUNS, Measurement, measure, schedule
from graphproc.bench.own import FIXED, GRAPH
from graphproc.bench.task import Contestant
from graphproc.errors import ConfigError


class Clock:
    """Time that passes only when it is told to; all threads come to rest after `spinning` seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.used = 0.0
        self.spinning = 0.0
        self.log: list[str] = []

    def perf_counter(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.used

    def sleep(self, seconds: float) -> None:
        spun = min(seconds, self.spinning)
        self.spinning -= spun
        self.used += spun
        self.now += seconds

    def contestant(self, name: str, seconds: Callable[[], float], **options: Any) -> Contestant:
        def call() -> str:
            self.log.append(name)
            self.now += seconds()
            return name

        return Contestant(name, call, **options)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    for name in ("perf_counter", "process_time", "sleep"):
        monkeypatch.setattr(library.time, name, getattr(clock, name))
    yield clock
    monkeypatch.undo()


def test_contestants_take_turns_and_ratios_are_within_rounds(clock: Clock) -> None:
    speed = 1.0

    def slower() -> float:
        nonlocal speed
        speed *= 1.5  # a clock that drifts far more than the contestants differ
        return 0.5 * speed

    found = measure([clock.contestant("a", slower), clock.contestant("b", lambda: 2 * 0.5 * speed)], runs=40)
    assert (found.runs(0), found.runs(1)) == (40, 40)
    assert found.ratio(1, 0) in (2.0, pytest.approx(4 / 3))  # b after a, or b before it
    assert found.median(1) / found.median(0) == pytest.approx(found.ratio(1, 0), rel=0.6)
    turns = [tuple(clock.log[-80:][i : i + 2]) for i in range(0, 80, 2)]
    assert set(turns) == {("a", "b"), ("b", "a")}


def test_the_figures_of_steady_contestants(clock: Clock) -> None:
    found = measure([clock.contestant("a", lambda: 0.5), clock.contestant("b", lambda: 2.0, batch=8)], runs=3)
    assert (found.median(0), found.median(1)) == (0.5, 0.25)
    assert (found.ratio(1, 0), found.ratio(0, 1), found.ratio(0, 0)) == (0.5, 2.0, 1.0)


def test_slow_contestants_sit_out_rounds_and_pairs_remain(clock: Clock) -> None:
    found = measure([clock.contestant("fast", lambda: 0.02), clock.contestant("slow", lambda: 0.9)], seconds=10.0)
    assert found.runs(0) == MOST_RUNS
    assert LEAST_RUNS <= found.runs(1) <= 2 * LEAST_RUNS
    assert np.isfinite(found.seconds[np.isfinite(found.seconds[:, 1]), 0]).all()
    assert found.ratio(1, 0) == pytest.approx(45.0)


@pytest.mark.parametrize(
    ("costs", "strides", "rounds"),
    [
        ([0.1, 0.1], [1, 1], 50),
        ([0.1, 0.2], [1, 2], 50),
        ([0.1, 0.25], [1, 2], 50),
        ([0.001, 5.0], [1, 32], MOST_RUNS),
        ([5.0, 5.0], [1, 1], LEAST_RUNS),
        ([0.0], [1], MOST_RUNS),
    ],
)
def test_schedule(costs: list[float], strides: list[int], rounds: int) -> None:
    assert schedule(costs, 10.0) == (strides, rounds)


def test_it_ends_when_everything_takes_longer_than_it_seemed(clock: Clock) -> None:
    first = iter([0.001] * 3)
    found = measure([clock.contestant("a", lambda: next(first, 1.0)), clock.contestant("b", lambda: 0.1)], seconds=4.0)
    assert found.runs(1) == LEAST_RUNS_IF_LATE
    # 8 runs are twice 4 seconds of rounds as they were planned; the rest are those that `b` still lacked.
    assert LEAST_RUNS_IF_LATE <= found.runs(0) <= 8 + LEAST_RUNS_IF_LATE
    assert np.isfinite(found.seconds[np.isfinite(found.seconds[:, 1]), 0]).all()
    assert np.isfinite(found.seconds).any(axis=1).all()


def test_what_an_contestant_costs_is_its_whole_turn(clock: Clock) -> None:
    long_for_what_it_says = clock.contestant("a", lambda: 0.01, timed=lambda _: spend(1.0))

    def spend(seconds: float) -> float:
        clock.now += seconds
        return 1e-6

    assert measure([long_for_what_it_says], seconds=20.0).runs(0) == 20


def test_what_comes_before_and_after_a_run_is_not_timed(clock: Clock) -> None:
    @contextmanager
    def around() -> Iterator[None]:
        clock.log.append("before")
        clock.now += 100.0
        yield
        clock.now += 100.0
        clock.log.append("after")

    found = measure([clock.contestant("a", lambda: 0.5, around=around)], runs=2)
    assert found.median(0) == 0.5
    assert clock.log == ["before", "a", "after"] * 3  # a slow contestant's first run is all that warms it up


def test_short_runs_follow_an_untimed_one(clock: Clock) -> None:
    times = iter([0.001, 0.001] + [0.009, 0.002] * 3)
    found = measure([clock.contestant("a", lambda: next(times))], runs=3)
    assert found.median(0) == pytest.approx(0.002)


def test_an_contestant_may_say_its_time_itself_and_how_long_it_learns(clock: Clock) -> None:
    said = clock.contestant("said", lambda: 0.5, timed=lambda clock: 0.125)
    learns = clock.contestant("learns", lambda: 0.5, warm_up=4)
    found = measure([said, learns], runs=2)
    assert (found.median(0), found.median(1)) == (0.125, 0.5)
    assert clock.log.count("said") == 1
    assert clock.log.count("learns") == 4 + 1 + 2


@pytest.mark.parametrize(("threads", "seconds"), [(None, 0.25), (1, 0.25), (2, 0.5)])
def test_the_processor_s_time_of_contestants_with_one_thread(clock: Clock, threads: int | None, seconds: float) -> None:
    def half_of_the_time() -> float:
        clock.used += 0.25
        return 0.5

    found = measure([clock.contestant("a", half_of_the_time, threads=threads)], runs=2, cpu=True)
    assert found.median(0) == pytest.approx(seconds)


@pytest.mark.parametrize(("threads", "idle"), [(None, False), (1, False), (2, True)])
def test_threads_come_to_rest_before_the_next_contestant(clock: Clock, threads: int | None, idle: bool) -> None:
    left = []

    def several() -> float:
        clock.spinning = 0.05
        return 0.5

    def other() -> float:
        left.append(clock.spinning)
        clock.spinning = 0.0
        return 0.5

    measure([clock.contestant("several", several, threads=threads), clock.contestant("other", other)], runs=5)
    assert (max(left) == pytest.approx(0.0, abs=1e-9)) is idle


def test_threads_that_never_rest_do_not_stop_it(clock: Clock) -> None:
    def forever() -> float:
        clock.spinning = 1e9
        return 0.5

    measure([clock.contestant("a", forever, threads=2)], runs=2)
    assert clock.now < 10


def test_garbage_is_collected_again_afterwards(clock: Clock) -> None:
    seen = []

    def broken() -> float:
        seen.append(gc.isenabled())
        if len(seen) > 2:
            raise ZeroDivisionError
        return 0.5

    with pytest.raises(ZeroDivisionError):
        measure([clock.contestant(GRAPH, broken)], runs=5)
    assert seen == [True, False, False]
    assert gc.isenabled()


def test_a_peer_that_fails_is_left_out_and_an_own_contestant_is_not(clock: Clock) -> None:
    def fails() -> float:
        raise ValueError("no\nsuch size")

    found = measure([clock.contestant("good", lambda: 0.5), clock.contestant("bad", fails)], runs=1)
    assert [contestant.name for contestant in found.contestants] == ["good"]
    assert found.failed == ("bad: it failed, ValueError: no such size",)
    with pytest.raises(ConfigError, match="at least one contestant that runs, got none"):
        measure([clock.contestant("bad", fails)])
    with pytest.raises(ValueError, match="such size"):
        measure([clock.contestant("good", lambda: 0.5), clock.contestant(FIXED, fails)])


def test_finding_an_contestant() -> None:
    made = (Contestant("a", int, 1), Contestant("a", int, 2), Contestant("b", int), Contestant("b", int, batch=8))
    found = Measurement(made, np.ones((1, 4)), (None,) * 4)
    assert [found.index("a", 1), found.index("a", 2), found.index("b", 2), found.index("b", 2, 8)] == [0, 1, 2, 3]
    assert found.index("a", 3) is found.index("c", 1) is None
