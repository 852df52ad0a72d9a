"""Compare two results: keys, containers, dtypes, shapes and bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

Array = np.ndarray[Any, Any]


def difference(found: Any, expected: Any, bound: float = 0.0, where: str = "") -> str:
    """Return in words what is not equal, or farther apart than a bound; empty if nothing is.

    Args:
        found: our result.
        expected: theirs.
        bound: the largest difference of floats.
        where: the path to the value, for the text.
    """
    if isinstance(expected, Mapping) or hasattr(expected, "keys"):
        if not hasattr(found, "keys"):
            return f"{where or 'result'}: {kind(found)} for {kind(expected)}"
        if set(found) != set(expected):
            return f"{where or 'result'}: keys {sorted(found)} for {sorted(expected)}"
        return _first(difference(found[key], expected[key], bound, f"{where}/{key}" if where else str(key)) for key in expected)
    if isinstance(expected, torch.Size):  # torch's own class of tuples
        expected = tuple(expected)
    if type(found) is not type(expected):
        return f"{where}: {kind(found)} for {kind(expected)}"
    if isinstance(expected, (list, tuple)):
        if len(found) != len(expected):
            return f"{where}: {len(found)} elements for {len(expected)}"
        pairs = enumerate(zip(found, expected, strict=True))
        return _first(difference(one, other, bound, f"{where}[{index}]") for index, (one, other) in pairs)
    if isinstance(expected, (np.ndarray, torch.Tensor)):
        return _arrays(found, expected, bound, where)
    if isinstance(expected, (float, np.floating)):
        return _arrays(np.asarray(found), np.asarray(expected), bound, where)
    return "" if found == expected else f"{where}: {found!r:.60} for {expected!r:.60}"


def _first(words: Any) -> str:
    return next((text for text in words if text), "")


def kind(value: Any) -> str:
    """Return a value's type in words, with its content."""
    if isinstance(value, (list, tuple)):
        return f"{type(value).__name__} of {kind(value[0]) if value else 'nothing'}"
    if isinstance(value, (np.ndarray, torch.Tensor)):
        word = "array" if isinstance(value, np.ndarray) else "tensor"
        return f"{word} {str(value.dtype).removeprefix('torch.')}{list(value.shape)}"
    return type(value).__name__


def _arrays(found: Any, expected: Any, bound: float, where: str) -> str:
    if found.dtype != expected.dtype or tuple(found.shape) != tuple(expected.shape):
        return f"{where}: {kind(found)} for {kind(expected)}"
    have, want = numpy_of(found), numpy_of(expected)
    if want.dtype == object:
        return difference(list(have.flat), list(want.flat), bound, where)
    if have.tobytes() == want.tobytes():
        return ""
    same = (have == want) | ((have != have) & (want != want))
    if same.all():
        if want.dtype.kind == "f" and (np.signbit(have) != np.signbit(want))[want == 0].any() and not bound:
            return f"{where}: signs of zeros"
        return ""
    if want.dtype.kind not in "biuf":
        return f"{where}: other elements"
    with np.errstate(all="ignore"):
        gaps = np.abs(have.astype(np.float64) - want.astype(np.float64))
    largest = float(np.where(same, 0, np.where(np.isnan(gaps), np.inf, gaps)).max())
    if largest <= bound and want.dtype.kind == "f":
        return ""
    return f"{where}: {int((~same).sum())} of {want.size} elements differ, by at most {largest:.3g}"


def numpy_of(value: Any) -> Array:
    """Make an array of a tensor, or of anything numpy takes; bfloat16, which numpy lacks, becomes float32."""
    if isinstance(value, torch.Tensor):
        value = value.detach()
        return np.asarray((value.float() if value.dtype == torch.bfloat16 else value).numpy())
    return np.asarray(value)
