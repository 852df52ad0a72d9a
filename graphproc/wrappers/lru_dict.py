"""A dictionary of bounded size."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class LruDict(OrderedDict[K, V]):
    """A dictionary that drops its least recently used entry when it is full. Adding an entry and `get` use it.

    Attributes:
        limit: how many entries it holds.
    """

    def __init__(self, limit: int) -> None:
        """Make an empty dictionary for `limit` entries."""
        super().__init__()
        self.limit = limit

    def get(self, key: K, default: Any = None) -> Any:
        """Return the entry, and count it as the most recently used one."""
        try:
            value = self[key]
            self.move_to_end(key)
        except KeyError:  # another thread may drop it in between
            return default
        return value

    def get_or_make(self, key: K, make: Callable[[], V]) -> V:
        """Return the entry; if there is none, make it and keep it."""
        found: V | None = self.get(key)
        if found is None:
            found = self[key] = make()
        return found

    def __setitem__(self, key: K, value: V) -> None:
        """Set an entry. A new one counts as the most recently used one."""
        super().__setitem__(key, value)
        if len(self) > self.limit:
            self.popitem(last=False)
