"""A dictionary of bounded size."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(OrderedDict[K, V]):
    """A dictionary that drops an entry when it is full: the one that was longest neither added nor got with `get`.

    Attributes:
        limit: how many entries it holds.
    """

    def __init__(self, limit: int) -> None:
        """Make an empty one."""
        super().__init__()
        self.limit = limit

    def get(self, key: K, default: Any = None) -> Any:
        """The entry, which is the most recent one from now on."""
        try:
            value = self[key]
            self.move_to_end(key)
        except KeyError:  # another thread may drop it in between
            return default
        return value

    def __setitem__(self, key: K, value: V) -> None:
        """Set an entry; a new one is the most recent one."""
        super().__setitem__(key, value)
        if len(self) > self.limit:
            self.popitem(last=False)
