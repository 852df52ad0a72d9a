"""Timing in turns: what is run how often, and that figures are medians of ratios within rounds."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import graphproc as gp
from graphproc.errors import ConfigError, ProgramError
from graphproc.runtime.session import Session
from graphproc.wrappers import bench as library
from graphproc.wrappers.bench import FEW, LEAST, MOST, Measurement, bench, machine, measure, schedule
from graphproc.wrappers.engines import CALL, FIXED, GRAPH, NUMPY, PILLOW, Engine
from graphproc.wrappers.examples import photograph

SMALL = gp.CLIPImageProcessor(size=40, crop_size=32)
PHOTO = photograph()[:50, :70]


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

    def engine(self, name: str, seconds: Callable[[], float], **options: Any) -> Engine:
        def call() -> str:
            self.log.append(name)
            self.now += seconds()
            return name

        return Engine(name, call, **options)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    clock = Clock()
    for name in ("perf_counter", "process_time", "sleep"):
        monkeypatch.setattr(library.time, name, getattr(clock, name))
    yield clock
    monkeypatch.undo()


def test_engines_take_turns_and_ratios_are_within_rounds(clock: Clock) -> None:
    speed = 1.0

    def slower() -> float:
        nonlocal speed
        speed *= 1.5  # a clock that drifts far more than the engines differ
        return 0.5 * speed

    found = measure([clock.engine("a", slower), clock.engine("b", lambda: 2 * 0.5 * speed)], runs=40)
    assert (found.runs(0), found.runs(1)) == (40, 40)
    assert found.ratio(1, 0) in (2.0, pytest.approx(4 / 3))  # b after a, or b before it
    assert found.median(1) / found.median(0) == pytest.approx(found.ratio(1, 0), rel=0.6)
    turns = [tuple(clock.log[-80:][i : i + 2]) for i in range(0, 80, 2)]
    assert set(turns) == {("a", "b"), ("b", "a")}


def test_the_figures_of_steady_engines(clock: Clock) -> None:
    found = measure([clock.engine("a", lambda: 0.5), clock.engine("b", lambda: 2.0, batch=8)], runs=3)
    assert (found.median(0), found.median(1)) == (0.5, 0.25)
    assert (found.ratio(1, 0), found.ratio(0, 1), found.ratio(0, 0)) == (0.5, 2.0, 1.0)


def test_slow_engines_sit_out_rounds_and_pairs_remain(clock: Clock) -> None:
    found = measure([clock.engine("fast", lambda: 0.02), clock.engine("slow", lambda: 0.9)], seconds=10.0)
    assert found.runs(0) == MOST
    assert LEAST <= found.runs(1) <= 2 * LEAST
    assert np.isfinite(found.seconds[np.isfinite(found.seconds[:, 1]), 0]).all()
    assert found.ratio(1, 0) == pytest.approx(45.0)


@pytest.mark.parametrize(
    ("costs", "strides", "rounds"),
    [
        ([0.1, 0.1], [1, 1], 50),
        ([0.1, 0.2], [1, 2], 50),
        ([0.1, 0.25], [1, 2], 50),
        ([0.001, 5.0], [1, 32], MOST),
        ([5.0, 5.0], [1, 1], LEAST),
        ([0.0], [1], MOST),
    ],
)
def test_schedule(costs: list[float], strides: list[int], rounds: int) -> None:
    assert schedule(costs, 10.0) == (strides, rounds)


def test_it_ends_when_everything_takes_longer_than_it_seemed(clock: Clock) -> None:
    first = iter([0.001] * 3)
    found = measure([clock.engine("a", lambda: next(first, 1.0)), clock.engine("b", lambda: 0.1)], seconds=4.0)
    assert found.runs(1) == FEW
    assert FEW <= found.runs(0) <= 8 + FEW  # twice 4 seconds of rounds as they were planned, then those that `b` still lacked
    assert np.isfinite(found.seconds[np.isfinite(found.seconds[:, 1]), 0]).all()
    assert np.isfinite(found.seconds).any(axis=1).all()


def test_what_an_engine_costs_is_its_whole_turn(clock: Clock) -> None:
    long_for_what_it_says = clock.engine("a", lambda: 0.01, timed=lambda _: spend(1.0))

    def spend(seconds: float) -> float:
        clock.now += seconds
        return 1e-6

    assert measure([long_for_what_it_says], seconds=20.0).runs(0) == 20


def test_what_comes_before_a_run_is_not_timed(clock: Clock) -> None:
    def prepare() -> None:
        clock.log.append("prepare")
        clock.now += 100.0

    found = measure([clock.engine("a", lambda: 0.5, prepare=prepare)], runs=2)
    assert found.median(0) == 0.5
    assert clock.log == ["prepare", "a"] * 3  # a slow engine's first run is all that warms it up


def test_short_runs_follow_an_untimed_one(clock: Clock) -> None:
    times = iter([0.001, 0.001] + [0.009, 0.002] * 3)
    found = measure([clock.engine("a", lambda: next(times))], runs=3)
    assert found.median(0) == pytest.approx(0.002)


def test_an_engine_may_say_its_time_itself_and_how_long_it_learns(clock: Clock) -> None:
    said = clock.engine("said", lambda: 0.5, timed=lambda clock: 0.125)
    learns = clock.engine("learns", lambda: 0.5, warm_up=4)
    found = measure([said, learns], runs=2)
    assert (found.median(0), found.median(1)) == (0.125, 0.5)
    assert clock.log.count("said") == 1
    assert clock.log.count("learns") == 4 + 1 + 2


@pytest.mark.parametrize(("threads", "seconds"), [(None, 0.25), (1, 0.25), (2, 0.5)])
def test_the_processor_s_time_of_engines_with_one_thread(clock: Clock, threads: int | None, seconds: float) -> None:
    def half_of_the_time() -> float:
        clock.used += 0.25
        return 0.5

    found = measure([clock.engine("a", half_of_the_time, threads=threads)], runs=2, cpu=True)
    assert found.median(0) == pytest.approx(seconds)


@pytest.mark.parametrize(("threads", "idle"), [(None, False), (1, False), (2, True)])
def test_threads_come_to_rest_before_the_next_engine(clock: Clock, threads: int | None, idle: bool) -> None:
    left = []

    def several() -> float:
        clock.spinning = 0.05
        return 0.5

    def other() -> float:
        left.append(clock.spinning)
        clock.spinning = 0.0
        return 0.5

    measure([clock.engine("several", several, threads=threads), clock.engine("other", other)], runs=5)
    assert (max(left) == pytest.approx(0.0, abs=1e-9)) is idle


def test_threads_that_never_rest_do_not_stop_it(clock: Clock) -> None:
    def forever() -> float:
        clock.spinning = 1e9
        return 0.5

    measure([clock.engine("a", forever, threads=2)], runs=2)
    assert clock.now < 10


def test_garbage_is_collected_again_afterwards(clock: Clock) -> None:
    seen = []

    def broken() -> float:
        seen.append(gc.isenabled())
        if len(seen) > 2:
            raise ZeroDivisionError
        return 0.5

    with pytest.raises(ZeroDivisionError):
        measure([clock.engine(GRAPH, broken)], runs=5)
    assert seen == [True, False, False]
    assert gc.isenabled()


def test_a_peer_that_fails_is_left_out_and_an_own_engine_is_not(clock: Clock) -> None:
    def fails() -> float:
        raise ValueError("no\nsuch size")

    found = measure([clock.engine("good", lambda: 0.5), clock.engine("bad", fails)], runs=1)
    assert [engine.name for engine in found.engines] == ["good"]
    assert found.failed == ("bad: it failed, ValueError: no such size",)
    with pytest.raises(ConfigError, match="at least one engine that runs, got none"):
        measure([clock.engine("bad", fails)])
    with pytest.raises(ValueError, match="such size"):
        measure([clock.engine("good", lambda: 0.5), clock.engine(FIXED, fails)])


def test_finding_an_engine() -> None:
    made = (Engine("a", int, 1), Engine("a", int, 2), Engine("b", int), Engine("b", int, batch=8))
    found = Measurement(made, np.ones((1, 4)), (None,) * 4)
    assert [found.index("a", 1), found.index("a", 2), found.index("b", 2), found.index("b", 2, 8)] == [0, 1, 2, 3]
    assert found.index("a", 3) is found.index("c", 1) is None


# ---- a processor on an image


def test_bench_gives_a_result_for_each_number_of_threads() -> None:
    results = bench(SMALL, PHOTO, "cat", threads=(1, 2), runs=2, names=[FIXED, CALL, NUMPY, PILLOW])
    assert [result.threads for result in results] == [1, 2]
    for result in results:
        assert (result.processor, result.image, result.height, result.width) == ("CLIPImageProcessor", "cat", 50, 70)
        assert [t.engine for t in result.timings] == [GRAPH, FIXED, CALL, NUMPY, PILLOW]
        assert [t.exact for t in result.timings] == [True] * 4 + [None]
        assert result.timings[0].ratio == 1.0
        assert all(t.runs == 2 and t.milliseconds > 0 and t.ratio > 0 for t in result.timings)
        assert result.ok
        assert result.as_dict()["timings"][0]["difference"] == {"differing": 0, "elements": 3072, "max_difference": 0.0}
    numpy = [next(t for t in result.timings if t.engine == NUMPY).milliseconds for result in results]
    assert numpy[0] == numpy[1], "an engine of one thread is measured once"


def test_a_batch_is_compared_and_divided_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "_once", lambda engine, cpu=False: 0.5)
    (result,) = bench(SMALL, PHOTO, batch=4, runs=1, names=[NUMPY])
    assert (result.batch, result.ok) == (4, True)
    assert [t.milliseconds for t in result.timings] == [125.0, 125.0]
    assert [t.difference.elements for t in result.timings if t.difference] == [4 * 3072] * 2


def test_a_graph_with_other_results_is_not_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Session.run

    def wrong(session: Session, inputs: Any, *further: Any) -> Any:
        return {name: value + np.float32(1000) for name, value in right(session, inputs, *further).items()}

    monkeypatch.setattr(Session, "run", wrong)
    (result,) = bench(SMALL, PHOTO, runs=1, names=[NUMPY])
    assert [t.exact for t in result.timings] == [False, True]
    assert not result.ok
    found = result.timings[0].difference
    assert found is not None
    assert (found.differing, found.elements) == (3072, 3072)
    assert found.max_difference == pytest.approx(1000, rel=1e-6)


@pytest.mark.parametrize("bad", [{"threads": (0,)}, {"runs": 0}, {"batch": 0}])
def test_numbers_below_one_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(bad))}: expected at least 1"):
        bench(SMALL, PHOTO, **bad)


def test_an_image_that_the_settings_do_not_allow() -> None:
    with pytest.raises(ProgramError, match="200 times"):
        bench(gp.Qwen2VLImageProcessor(), np.zeros((2, 500, 3), np.uint8), runs=1)


def test_the_machine_is_named() -> None:
    found = machine()
    assert found["cores"] >= 1
    assert found["cpu"]
    assert found["versions"]["graphproc"] == gp.__version__
    assert {"python", "numpy", "onnxruntime"} <= set(found["versions"])
