"""Round to floats narrower than float32, float16 and bfloat16; the numbers are held in float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from graphproc.numerics import bfloat16

Array = np.ndarray[Any, Any]
NARROW = ("f16", "bf16")


def rounded(x: Any, kind: str) -> Array:
    """Round float32 numbers to a narrower type; they are held in float32."""
    if kind == "bf16":
        return bfloat16.rounded(x)
    with np.errstate(over="ignore"):
        return np.asarray(x.astype(np.float16).astype(np.float32) if kind == "f16" else x)
