"""Runs side by side: which session runs where, and that nothing is left running."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from graphproc.runtime.side_by_side import SideBySide


class Sessions:
    """Stands for a session: its copies say which thread they were made for."""

    def of_worker(self) -> str:
        return threading.current_thread().name


def test_one_thread_runs_the_session_itself_at_once() -> None:
    session: Any = Sessions()
    done: list[Any] = []
    with SideBySide(1) as runs:
        wait = runs.start(session, lambda own: done.append(own) or threading.current_thread())  # type: ignore[func-returns-value]
        assert done == [session]
        assert wait() is threading.current_thread()


def test_workers_run_sessions_of_their_own() -> None:
    session: Any = Sessions()
    both = threading.Barrier(2)

    def run(own: Any) -> Any:
        both.wait(10)
        return own, threading.current_thread().name

    with SideBySide(2) as runs:
        waits = [runs.start(session, run) for _ in range(2)]
        found = [wait() for wait in waits]
    assert len(set(found)) == 2
    assert all(own == thread and thread.startswith("graphproc") for own, thread in found)


def test_an_error_comes_where_it_is_waited_for_and_leaves_nothing_running() -> None:
    session: Any = Sessions()
    done: list[int] = []

    def run(number: int) -> None:
        if number == 0:
            raise ValueError("none")
        time.sleep(0.005)
        done.append(number)

    def all_of_them() -> None:
        with SideBySide(2) as runs:
            for wait in [runs.start(session, lambda _, number=number: run(number)) for number in range(30)]:  # type: ignore[misc]
                wait()

    with pytest.raises(ValueError, match="none"):
        all_of_them()
    before = len(done)
    time.sleep(0.03)
    assert len(done) == before < 29
