"""Memory of large results, kept for the next ones.

The system clears the pages of memory that it gives when they are first written, which takes as long as filling them. C
libraries give large blocks back at once, so every large result would pay for that.
"""

from __future__ import annotations

import math
import threading
import weakref
from typing import Any

import numpy as np

from graphproc.runtime import forks

Array = np.ndarray[Any, Any]

KEPT_FROM = 32 << 20
"""Bytes of a result from which on its memory is kept: below, C libraries keep it themselves."""


class Memory:
    """A block of memory for each name, and whether the array that was last given of it is still there."""

    def __init__(self) -> None:
        self._blocks: dict[str, tuple[Array, weakref.ref[Array]]] = {}
        self._lock = threading.Lock()
        forks.renew_in_children(self)

    def renew(self) -> None:
        """Begin anew in a forked process: nobody holds the lock there."""
        self._lock = threading.Lock()

    def array(self, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
        """An array without values: in the last one's memory where that has the size and nobody holds it, or a view of it.

        Args:
            name: what the array is for.
            shape: its shape.
            dtype: its element type.

        Raises:
            MemoryError: there is not so much.
        """
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if size < KEPT_FROM:
            return np.empty(shape, dtype)
        with self._lock:
            block, given = self._blocks.get(name, (None, None))
            if block is None or block.size != size or (given is not None and given() is not None):
                self._blocks.pop(name, None)
                block = np.empty(size, np.uint8)
            # Every view of an array that lives in foreign memory holds that array, not the memory.
            array = np.frombuffer(block.data, dtype)
            self._blocks[name] = block, weakref.ref(array)
            return array.reshape(shape)
