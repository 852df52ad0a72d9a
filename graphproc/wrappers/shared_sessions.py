"""Sessions that all processors of a process share.

Nearly all that a first call takes goes into emitting a graph and loading it. So a processor of
settings that another one had, such as one that a task without state makes for each batch, or a copy,
gets the other's session. Sessions run in several threads at a time; what else a processor keeps, its
results among it, is its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from graphproc.runtime import forks
from graphproc.wrappers.lru_dict import LruDict

if TYPE_CHECKING:
    from graphproc.runtime.session import Session

MOST_SESSIONS = 8
"""How many sessions a process keeps beside those of living processors.

Most take a few megabytes; of those that saw images of 12 million pixels, up to 60.
"""


class SharedSessions:
    """Keep the sessions that were used last.

    Threads that want one session at a time wait for the first of them to make it.
    """

    def __init__(self) -> None:
        """Begin without sessions."""
        self._kept: LruDict[Hashable, Session] = LruDict(MOST_SESSIONS)
        self.renew()
        forks.renew_in_children(self)

    def renew(self) -> None:
        """Begin anew in a forked process: what other threads were making is never finished there.

        The sessions that are kept renew themselves.
        """
        self._making: dict[Hashable, threading.Event] = {}
        self._lock = threading.Lock()

    def get_or_make(self, key: Hashable, make: Callable[[], Session]) -> Session:
        """Return the session of a key, made if none is kept.

        If `make` raises, each thread that waits tries for itself.
        """
        made: Session | None = None
        while True:
            with self._lock:
                made = self._kept.get(key)
                if made is not None:
                    return made
                of_others = self._making.get(key)
                if of_others is None:
                    done = self._making[key] = threading.Event()
                    break
            of_others.wait()
        try:
            made = make()
            return made
        finally:
            with self._lock:
                self._making.pop(key, None)
                if made is not None:
                    self._kept[key] = made
            done.set()

    def clear(self) -> None:
        """Forget all sessions; processors keep theirs."""
        with self._lock:
            self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)


shared = SharedSessions()
"""Those of this process."""
