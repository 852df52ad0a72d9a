"""Say how two results of post-processing differ, and whether last places of a model's outputs explain it.

Two scores, or a score and a threshold, may be so close that rounding decides. Then transformers itself decides
otherwise for outputs that differ in their last places, and its results for these are as right as those for the outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
import torch
import transformers

import graphproc as gp

LAST_PLACES = {"float32": 2.0**-23, "float64": 2.0**-52, "float16": 2.0**-10, "bfloat16": 2.0**-7}
"""The last place of numbers from 1 to 2, in each type."""
SMALLEST = {"float32": 2.0**-149, "float64": 2.0**-1074, "float16": 2.0**-24, "bfloat16": 2.0**-133}
"""The smallest number of each type: the last place of all below the normal ones, however small."""
PLACES = 4
"""How many last places of a result's largest number two results may differ by: two for a function such as a sigmoid,
which each library rounds on its own, and two for the operations around it."""
ROUNDED = 1.000001e-6
"""How much Python's floats, the scores of segments, may differ: they are rounded to six places, up or down at halves."""
MAP, SCORES = "segmentation", "segmentation_scores"
"""The keys of semantic segmentation's result for an image if scores are asked for."""


def difference(found: Any, expected: Any, others: Sequence[Any] = (), at: str = "") -> str:
    """Return in words how two results differ; empty if they do not.

    Args:
        found: our result.
        expected: transformers' result.
        others: transformers' results for outputs with other last places. A number may differ as much as these
            do, and an element of a map may have its value in one of these.
        at: the path to the results, for the text.
    """
    if hasattr(expected, "keys"):
        if not hasattr(found, "keys") or list(found.keys()) != list(expected.keys()):
            return f"{at}: keys {list(getattr(found, 'keys', list)())}, expected {list(expected.keys())}"
        if isinstance(found, gp.BatchFeature) != isinstance(expected, transformers.BatchFeature):
            return f"{at}: {type(found).__name__}, expected {type(expected).__name__}"
        alike = [one for one in others if hasattr(one, "keys") and list(one.keys()) == list(expected.keys())]
        return first(difference(found[key], expected[key], [one[key] for one in alike], f"{at}/{key}") for key in expected)
    if isinstance(expected, (list, tuple)):
        if type(found) is not type(expected) or len(found) != len(expected):
            return (
                f"{at}: {type(found).__name__} of {len(found) if hasattr(found, '__len__') else '-'}, "
                f"expected {type(expected).__name__} of {len(expected)}"
            )
        alike = [one for one in others if type(one) is type(expected) and len(one) == len(expected)]
        pairs = enumerate(zip(found, expected, strict=True))
        return first(difference(a, b, [one[i] for one in alike], f"{at}/{i}") for i, (a, b) in pairs)
    if type(found) is int and isinstance(expected, (np.integer, torch.Tensor)) and not expected.ndim:
        expected = int(expected)  # transformers leaves numbers of run lengths in arrays without axes
    if isinstance(expected, (torch.Tensor, np.ndarray)):
        return arrays(found, expected, others, at)
    if isinstance(expected, float):
        if not isinstance(found, float):
            return f"{at}: {found!r}, expected {expected!r}"
        if abs(found - expected) <= ROUNDED:
            return ""
        return arrays(np.float64(found), np.float64(expected), [np.float64(one) for one in others], at)
    if hasattr(expected, "getbands"):
        return arrays(np.asarray(found), np.asarray(expected), [np.asarray(one) for one in others], at)
    same = type(found) is type(expected) and (found == expected or found in others)
    return "" if same else f"{at}: {found!r}, expected {expected!r}"


def first(found: Iterator[str]) -> str:
    """Return the first text that is not empty, else an empty one."""
    return next((one for one in found if one), "")


def arrays(found: Any, expected: Any, others: Sequence[Any], at: str) -> str:
    """Return in words how two tensors differ."""
    if type(found) is not type(expected):
        return f"{at}: {type(found).__name__}, expected {type(expected).__name__}"
    if str(found.dtype) != str(expected.dtype):
        return f"{at}: {found.dtype}, expected {expected.dtype}"
    if tuple(found.shape) != tuple(expected.shape):
        return f"{at}: shape {list(found.shape)}, expected {list(expected.shape)}"
    a, b = as_float64(found), as_float64(expected)
    alike = [as_float64(one) for one in others if type(one) is type(expected) and one.shape == expected.shape]
    bad = ~((a == b) | (np.isnan(a) & np.isnan(b)))
    kind = str(expected.dtype).removeprefix("torch.")
    largest = np.abs(b[np.isfinite(b)]).max(initial=0)
    labels = kind not in LAST_PLACES or (np.all(b == np.round(b)) and largest < 1 / LAST_PLACES[kind])  # else none has a fraction
    if not labels:
        limit = PLACES * max(LAST_PLACES[kind] * largest, SMALLEST[kind])
        low, high = (choose(np.stack([b, *alike]), axis=0) for choose in (np.min, np.max))
        with np.errstate(invalid="ignore"):
            bad &= ~((a >= low - limit) & (a <= high + limit))
    for other in alike:
        bad &= a != other
    if not bad.any():
        return ""
    where = tuple(int(i) for i in np.argwhere(bad)[0]) if bad.ndim else ()
    return f"{at}: {bad.sum()} of {bad.size} differ, first at {where}: {a[where]!r}, expected {b[where]!r}"


def as_float64(x: Any) -> np.ndarray[Any, Any]:
    """Return the elements of a tensor or an array as float64; whole numbers stay as they are."""
    return np.asarray(x.double() if isinstance(x, torch.Tensor) else x, dtype=np.float64)


def explained(found: Any, every: Sequence[Any]) -> bool:
    """Tell whether each image's result can be made of some results' parts; images do not influence one another."""
    if isinstance(found, list) and found:
        images = list(zip(*(one for one in every if isinstance(one, list) and len(one) == len(found)), strict=True))
        return bool(images) and all(explained_image(own, of_image) for own, of_image in zip(found, images, strict=True))
    return explained_image(found, every)


def explained_image(found: Any, every: Sequence[Any]) -> bool:
    """Tell whether a result has the form of one of some results, and each element is that of any of them."""
    return not all(difference(found, one, every) for one in every)


def relabelled(expected: Any, found: Any) -> Any:
    """Return transformers' maps and scores with our maps in place of theirs, if ours name the largest of our scores."""
    if not isinstance(expected, list) or not isinstance(found, list) or len(found) != len(expected):
        return expected
    changed = []
    for one, own in zip(deepcopy(expected), found, strict=True):
        largest = own[SCORES].double().argmax(0)
        alike = own[MAP].dtype == one[MAP].dtype and own[MAP].shape == one[MAP].shape == largest.shape
        if alike and bool((own[MAP] == largest).all()):
            one[MAP] = own[MAP]
        changed.append(one)
    return changed


def has_places(value: Any) -> bool:
    """Tell whether a model's output is a tensor of floats."""
    return isinstance(value, torch.Tensor) and value.is_floating_point()


def shaken(value: torch.Tensor, rng: np.random.Generator, together: bool) -> torch.Tensor:
    """Change floats by some last places, each by itself, or with `together` equal ones alike.

    A function that another library rounds otherwise leaves equal numbers equal; sums and products may make
    them differ.
    """
    values, place = np.unique(value.double().numpy(), return_inverse=True)
    steps = rng.integers(-PLACES, PLACES + 1, len(values) if together else tuple(value.shape))
    steps = np.asarray(steps[place].reshape(value.shape) if together else steps)
    kind = str(value.dtype).removeprefix("torch.")
    return (value.double() * (1 + torch.from_numpy(steps * LAST_PLACES[kind]))).to(value.dtype)


@contextmanager
def shaken_logarithm(rng: np.random.Generator) -> Iterator[None]:
    """Change the last place of `np.log`, in which libraries differ; VitPose divides by it where peaks are flat."""
    honest = np.log

    def log(x: Any, *args: Any, **kwargs: Any) -> Any:
        found = honest(x, *args, **kwargs)
        if getattr(found, "dtype", None) != np.float32 or not np.ndim(found):
            return found
        return (found * (1 + rng.integers(-1, 2, found.shape) * LAST_PLACES["float32"])).astype(np.float32)

    np.log = log  # type: ignore[assignment]
    try:
        yield
    finally:
        np.log = honest  # type: ignore[assignment]
