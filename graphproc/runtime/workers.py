"""Keep the worker threads of this process, and prefetch items on them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import Any, TypeVar

from graphproc.runtime import forks

T = TypeVar("T")
R = TypeVar("R")

PREFETCHED = 2
"""How many items for each thread are computed before they are asked for."""

_here = threading.local()
_pools: dict[int, ThreadPoolExecutor] = {}
_lock = threading.Lock()


def _begin() -> None:
    """Begin anew in a forked process.

    The parent's threads do not run there, and never release the lock.
    """
    global _lock
    forks.leave(dict(_pools))
    _pools.clear()
    _lock = threading.Lock()
    _here.index = 0


forks.call_in_children(_begin)


def pool(threads: int) -> ThreadPoolExecutor:
    """Return the pool of that many workers; the process has one pool for each number.

    Its threads start when there is work.
    """
    found = _pools.get(threads)
    if found is None:
        with _lock:
            if threads not in _pools:
                indices = count()
                _pools[threads] = ThreadPoolExecutor(
                    threads, thread_name_prefix="graphproc", initializer=lambda: setattr(_here, "index", next(indices))
                )
            found = _pools[threads]
    return found


def worker_index() -> int:
    """Return the calling worker's number in its pool, from 0; in any other thread 0."""
    found: int = getattr(_here, "index", 0)
    return found


def prefetch(
    function: Callable[[T], R], items: Sequence[T], threads: int, late: Callable[[T], bool] = lambda item: False
) -> Generator[R, None, None]:
    """Yield a function's results for items, in order, while workers compute the next ones.

    Args:
        function: computes a result; its error is raised when its item's turn comes.
        items: its arguments.
        threads: how many workers. With 1, each item is computed when it is asked for, in the
            calling thread.
        late: tells which items are computed in the calling thread in any case.
    """
    if threads == 1:
        yield from map(function, items)
        return
    workers = pool(threads)
    waiting: deque[tuple[T, Future[R] | None]] = deque()
    try:
        for item in items:
            waiting.append((item, None if late(item) else workers.submit(function, item)))
            if len(waiting) > PREFETCHED * threads:
                yield _result(function, *waiting.popleft())
        while waiting:
            yield _result(function, *waiting.popleft())
    finally:
        stop([future for _, future in waiting if future is not None])


def _result(function: Callable[[T], R], item: T, future: Future[R] | None) -> R:
    return function(item) if future is None else future.result()


def stop(futures: Sequence[Future[Any]]) -> None:
    """Cancel work that has not begun and wait for the rest.

    So nothing goes on behind the caller's back.
    """
    for future in futures:
        future.cancel()
    for future in futures:
        if not future.cancelled():
            future.exception()
