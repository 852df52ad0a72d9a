"""Compute operations of size expressions on tables: vectors of int64, float64 or bool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

Kind = Literal["int", "float", "bool"]

DTYPE: dict[Kind, type[np.generic]] = {"int": np.int64, "float": np.float64, "bool": np.bool_}

COMPUTE: dict[str, Callable[..., Any]] = {
    "trunc": np.trunc,
    "floor": np.floor,
    "ceil": np.ceil,
    "round": np.rint,
    "sqrt": np.sqrt,
    "min": np.minimum,
    "max": np.maximum,
    "float": lambda x: x,
    "to_float32": np.float32,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "where": np.where,
    "take": lambda values, index: values[index],
    "argmin": np.argmin,
    "argmax": np.argmax,
    "smallest": np.min,
    "largest": np.max,
    "any": np.any,
}
"""What differs from Python's operators; results are cast to the kind of the expression."""


def kind_of(values: np.ndarray[Any, Any]) -> Kind:
    """Return the kind of a table's elements: `"bool"`, `"int"` or `"float"`."""
    return next(kind for kind, dtype in DTYPE.items() if values.dtype == dtype)
