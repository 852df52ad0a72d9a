"""Keep the memory of large results for the next ones.

The system clears pages of memory when they are first written, which takes as long as filling them.
C libraries give large blocks back at once, so every large result would pay for that.
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
"""From how many bytes on a result's memory is kept. C libraries keep smaller blocks themselves."""


class Memory:
    """Hold one block of memory for each name.

    A block is given again when the array that was last given of it is gone.
    """

    def __init__(self) -> None:
        """Begin without blocks."""
        self._blocks: dict[str, tuple[Array, weakref.ref[Array]]] = {}
        self._lock = threading.Lock()
        forks.renew_in_children(self)

    def renew(self) -> None:
        """Begin anew in a forked process: nobody holds the lock there."""
        self._lock = threading.Lock()

    def array(self, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return an array without values.

        It lies in the memory of the last array of that name, if that has the same size in bytes and
        nobody holds it or a view of it.

        Args:
            name: what the array is for.
            shape: its shape.
            dtype: its element type.

        Raises:
            MemoryError: there is not enough memory.
        """
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if size < KEPT_FROM:
            return np.empty(shape, dtype)
        with self._lock:
            block, given = self._blocks.get(name, (None, None))
            if block is None or block.size != size or (given is not None and given() is not None):
                self._blocks.pop(name, None)
                block = np.empty(size, np.uint8)
            # Views hold this array, because its memory is not its own. So it is gone when all of them are.
            array = np.frombuffer(block.data, dtype)
            self._blocks[name] = block, weakref.ref(array)
            return array.reshape(shape)
