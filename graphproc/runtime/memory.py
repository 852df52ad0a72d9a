"""Memory of large results, kept for the next ones.

The system clears the pages of memory that it gives when they are first written, which takes as long as filling them. C
libraries give large blocks back at once, so every large result would pay for that.
"""

from __future__ import annotations

import math
import sys
import threading
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

KEPT_FROM = 32 << 20
"""Bytes of a result from which on its memory is kept: below, C libraries keep it themselves."""


class Memory:
    """Arrays by name, of each the last one."""

    def __init__(self) -> None:
        self._kept: dict[str, Array] = {}
        self._lock = threading.Lock()

    def array(self, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
        """An array without values: the last one of this name and shape where nobody holds it any more, else a new one.

        Raises:
            MemoryError: there is not so much.
        """
        if math.prod(shape) * np.dtype(dtype).itemsize < KEPT_FROM:
            return np.empty(shape, dtype)
        with self._lock:
            kept = self._kept.get(name)
            alone = 3  # what the table holds, the line above, and the argument of getrefcount; a view holds its array too
            if kept is None or (kept.shape, kept.dtype) != (shape, dtype) or sys.getrefcount(kept) > alone:
                self._kept.pop(name, None)
                kept = self._kept[name] = np.empty(shape, dtype)
            return kept
