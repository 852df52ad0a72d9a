"""Round to bfloat16, the upper half of a float32's bits; the numbers are held in float32."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def rounded(x: Any) -> Array:
    """Round float32 numbers to bfloat16, ties to the even one.

    torch rounds the result of each operation in this way.
    """
    x = np.asarray(x, dtype=np.float32)
    bits = x.view(np.uint32).astype(np.uint64)
    upper = bits + 0x7FFF + (bits >> 16 & 1) & 0xFFFF0000
    found: Array = np.where(np.isnan(x), x, upper.astype(np.uint32).view(np.float32))
    return found
