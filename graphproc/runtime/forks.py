"""What holds locks and threads begins anew in a forked process, where the threads that held and ran them are not."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from typing import Any, Protocol

_known: weakref.WeakSet[Any] = weakref.WeakSet()
_left: list[Any] = []


class Renewed(Protocol):
    """Has state that a forked process cannot use."""

    def renew(self) -> None:
        """Begin anew in a forked process, before anything else runs there."""


def call_in_children(function: Callable[[], None]) -> None:
    """Have a function called in every process that is forked from this one, before anything else runs there."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=function)


def renew_in_children(thing: Renewed) -> None:
    """Have a thing renewed in every process that is forked from this one, as long as it is there."""
    _known.add(thing)


def leave(thing: Any) -> None:
    """Keep an object of the parent for good: its end would wait for threads that a forked process does not have."""
    _left.append(thing)


def _renew() -> None:
    for thing in list(_known):
        thing.renew()


call_in_children(_renew)
