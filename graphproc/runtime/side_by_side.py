"""Run sessions side by side: on the images of a call, or on the parts of a batch."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from graphproc.runtime import workers

if TYPE_CHECKING:
    from graphproc.runtime.session import Session

R = TypeVar("R")


class SideBySide:
    """Start runs on workers, which have a session each; with one thread, run them at once.

    Operators of one image are too short to share: two threads inside each save a quarter of the
    time, two images side by side save half of it. Leaving the context cancels runs that have not
    begun and waits for the others, so that nothing goes on behind the caller's back.

    Attributes:
        threads: how many runs there are at a time.
    """

    def __init__(self, threads: int) -> None:
        """Begin without runs."""
        self.threads = threads
        self._futures: list[Future[Any]] = []

    def __enter__(self) -> SideBySide:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        workers.stop(self._futures)

    def start(self, session: Session, run: Callable[[Session], R]) -> Callable[[], R]:
        """Start a run.

        Args:
            session: what runs; a worker gets a copy of it for itself (`Session.of_worker`).
            run: called with the session, or the worker's.

        Returns:
            A function that waits for the result and returns it, or raises what the run raised.
        """
        if self.threads == 1:
            result = run(session)
            return lambda: result
        future = workers.pool(self.threads).submit(lambda: run(session.of_worker()))
        self._futures.append(future)
        return future.result
