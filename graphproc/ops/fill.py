"""Fill with one value: check which values a type can hold."""

from __future__ import annotations

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.op import Op
from graphproc.ir.types import DTYPES


def require_fits(op: Op, value: float, dtype: str) -> None:
    """Raise ShapeError if a value is not exactly a value of a dtype of whole numbers or bools.

    Every value fits a float dtype.
    """
    if dtype not in DTYPES:
        raise ShapeError(f"{op.name}: expected a dtype of {sorted(DTYPES)}, got {dtype!r}")
    target = DTYPES[dtype]
    if target.kind == "f":
        return
    low, high = (0, 1) if target.kind == "b" else (np.iinfo(target).min, np.iinfo(target).max)
    if not (low <= value <= high and value == int(value)):
        raise ShapeError(f"{op.name}: {dtype} cannot hold {value!r}")
