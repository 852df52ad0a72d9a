"""Renew what holds locks and threads in a forked process.

A forked process lacks the parent's threads, so locks that they held would never be released. Some
locks cannot be renewed: Python's locks of modules that are being imported, and ONNX Runtime's while
it makes a session. A fork waits until no other thread imports a module or is in such a part
(`unforked`).
"""

from __future__ import annotations

# These two take locks before a fork, for which an import may wait. What was registered last is called first: imported here, they
# are called after `_before`.
import concurrent.futures.thread  # noqa: F401
import logging  # noqa: F401
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import _bootstrap
from typing import Any, Protocol

LONGEST = 30
"""How many seconds a fork waits at most.

Without a limit it could wait for ever: another library may have taken a lock before the fork that
the other threads wait for.
"""

IMPORTS_EVERY = 0.002
"""How many seconds pass until a waiting fork looks again whether a module is being imported."""

_known: weakref.WeakSet[Any] = weakref.WeakSet()
_left: list[Any] = []
_changed = threading.Condition()
_within: dict[int, int] = {}
"""How many parts that no fork may interrupt each thread is in, one inside another."""


class Renewed(Protocol):
    """Have state that a forked process cannot use."""

    def renew(self) -> None:
        """Begin anew in a forked process. This is called before anything else runs there."""


@contextmanager
def unforked() -> Iterator[None]:
    """Make forks of other threads wait while this part runs.

    Such a part imports modules or makes sessions.
    """
    thread = threading.get_ident()
    with _changed:
        _within[thread] = _within.get(thread, 0) + 1
    try:
        yield
    finally:
        with _changed:
            _within[thread] -= 1
            if not _within[thread]:
                del _within[thread]
            _changed.notify_all()


def _before() -> None:
    _changed.acquire()
    end = time.monotonic() + LONGEST
    while (_within.keys() - {threading.get_ident()} or _importing()) and time.monotonic() < end:
        _changed.wait(IMPORTS_EVERY)


def _importing() -> bool:
    """Tell whether another thread imports a module, in whichever library.

    Python has no public way to ask; where the private one is missing, the answer is no.
    """
    locks = getattr(_bootstrap, "_module_locks", {})
    owners = {getattr(lock(), "owner", None) for lock in [*locks.values()]}
    return bool(owners - {None, threading.get_ident()})


def call_in_children(function: Callable[[], None]) -> None:
    """Call a function in every process that is forked from this one.

    It is called before anything else runs there.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=function)


def renew_in_children(thing: Renewed) -> None:
    """Renew an object in every process that is forked from this one, as long as the object exists."""
    _known.add(thing)


def leave(thing: Any) -> None:
    """Keep an object of the parent for good.

    Its destructor would wait for threads that a forked process lacks.
    """
    _left.append(thing)


def _renew() -> None:
    for thing in list(_known):
        thing.renew()


call_in_children(_renew)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_changed.release, after_in_child=_changed.release)
