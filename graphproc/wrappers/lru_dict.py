"""A dictionary of bounded size."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class LruDict(OrderedDict[K, V]):
    """A dictionary that drops its least recently used entry when it is full; adding and `get` use an entry.

    Attributes:
        limit: how many entries it holds.
    """

    def __init__(self, limit: int) -> None:
        """Make an empty one."""
        super().__init__()
        self.limit = limit

    def get(self, key: K, default: Any = None) -> Any:
        """The entry, which is the most recently used one from now on."""
        try:
            value = self[key]
            self.move_to_end(key)
        except KeyError:  # another thread may drop it in between
            return default
        return value

    def get_or_make(self, key: K, make: Callable[[], V]) -> V:
        """The entry; made, and kept from now on, if there is none."""
        found: V | None = self.get(key)
        if found is None:
            found = self[key] = make()
        return found

    def __setitem__(self, key: K, value: V) -> None:
        """Set an entry; a new one is the most recently used one."""
        super().__setitem__(key, value)
        if len(self) > self.limit:
            self.popitem(last=False)
