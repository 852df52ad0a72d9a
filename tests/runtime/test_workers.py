"""Worker threads: order, errors, how far ahead they go."""

from __future__ import annotations

import threading
import time

import pytest

from graphproc.runtime import workers


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [0, 1, 2, 20])
def test_results_are_in_order(threads: int, count: int) -> None:
    def slow(x: int) -> int:
        time.sleep(0.001 * (x % 3))
        return -x

    assert list(workers.prefetch(slow, range(count), threads)) == [-x for x in range(count)]


def test_workers_do_what_is_not_late() -> None:
    def thread(x: int) -> str:
        return threading.current_thread().name

    found = list(workers.prefetch(thread, range(6), 2, lambda x: x % 2 == 0))
    assert found[::2] == [threading.current_thread().name] * 3
    assert all(name.startswith("graphproc") for name in found[1::2])
    assert set(workers.prefetch(thread, range(6), 1)) == {threading.current_thread().name}


def test_only_a_few_items_are_made_ahead() -> None:
    started: list[int] = []
    arrays = workers.prefetch(lambda x: started.append(x), range(50), 2)
    next(arrays)
    time.sleep(0.05)
    assert len(started) <= workers.PREFETCHED * 2 + 1
    arrays.close()
    before = len(started)
    time.sleep(0.02)
    assert len(started) == before


def test_an_error_comes_at_its_item_and_leaves_nothing_running() -> None:
    done: list[int] = []

    def work(x: int) -> int:
        if x == 3:
            raise ValueError("three")
        time.sleep(0.002)
        done.append(x)
        return x

    results = workers.prefetch(work, range(30), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
    before = len(done)
    time.sleep(0.02)
    assert len(done) == before < 29


def test_workers_have_numbers_of_their_own() -> None:
    barrier = threading.Barrier(3)

    def number() -> int:
        barrier.wait(10)
        return workers.worker_index()

    assert sorted(f.result() for f in [workers.pool(3).submit(number) for _ in range(3)]) == [0, 1, 2]
    assert workers.worker_index() == 0
    assert workers.pool(3) is workers.pool(3)
