"""Read what a post-processing method is called with: a model's outputs and sizes, in every form that transformers takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphproc.errors import ConfigError, ImageError
from graphproc.ir.types import DTYPES
from graphproc.postprocessing.method import Method
from graphproc.wrappers.precision import FLOATS, WHOLE, promoted

Array = np.ndarray[Any, Any]
ROWS = ("queries", "keypoints", "prompts")
"""The axes that may have length 0, where nothing was found."""
_KINDS = {"float16": "f16", "bfloat16": "bf16", "float32": "f32", "float64": "f64"}


@dataclass(frozen=True)
class Given:
    """Hold a model's outputs.

    Attributes:
        fields: an array for each image, by name; narrower floats are held as float32, float64
            stays.
        kind: the type of the floats among them: the one that torch would give the product of all.
        tensors: whether any of them was a torch tensor.
    """

    fields: Mapping[str, list[Array]]
    kind: str
    tensors: bool

    @property
    def count(self) -> int:
        """Return how many images there are."""
        return len(next(iter(self.fields.values())))

    @property
    def empty(self) -> bool:
        """Tell whether an axis has length 0."""
        return any(0 in array.shape for arrays in self.fields.values() for array in arrays)

    @property
    def unusual(self) -> bool:
        """Tell whether an axis has length 0 or an element is NaN: runtimes handle these differently."""
        arrays = [array for arrays in self.fields.values() for array in arrays]
        return self.empty or any(array.dtype.kind == "f" and bool(np.isnan(array.max())) for array in arrays)


def kind_of(value: Any) -> str:
    """Return the type of an array's or a tensor's floats; `WHOLE` for anything else."""
    return _KINDS.get(str(getattr(value, "dtype", "")).removeprefix("torch."), WHOLE)


def to_array(value: Any) -> Array:
    """Make an array of an array, a tensor, or nested lists of these and of numbers; types that numpy lacks become float32."""
    if hasattr(value, "detach"):  # a torch tensor
        value = value.detach().cpu()
        return np.asarray((value.float() if kind_of(value) in ("f16", "bf16") else value).numpy())
    if isinstance(value, (list, tuple)) and any(hasattr(item, "dtype") or isinstance(item, (list, tuple)) for item in value):
        return np.asarray([to_array(item) for item in value])
    return np.asarray(value)


def read(method: Method, outputs: Any, options: Mapping[str, Any]) -> Given:
    """Read the inputs of a method from a model's outputs and the call's options.

    Raises:
        ImageError: an output is missing, or its shape is not the declared one.
    """
    fields: dict[str, list[Array]] = {}
    kind, tensors = WHOLE, False
    given = {name: named(outputs, name) for name, declared in method.inputs.items() if not declared.call}
    if method.prepare is not None and all(value is not None for name, value in given.items() if not method.inputs[name].optional):
        given |= method.prepare(given, options)
    for name, declared in method.inputs.items():
        value = given.get(name)
        if declared.replaced_by in fields:
            continue
        if value is None:
            if declared.optional:
                continue
            raise ImageError(f"{method.name}: expected model outputs with {name!r}, got {_names(outputs)}")
        fields[name] = []
        for item in value:
            if not declared.call:
                kind, tensors = promoted(kind, kind_of(item)), tensors or hasattr(item, "detach")
            array = to_array(item)
            if array.dtype != np.float64 or declared.dtype != "f32":
                array = array.astype(DTYPES[declared.dtype])
            if array.ndim != len(declared.shape):
                raise ImageError(_expected(method, name, array))
            fields[name].append(array)
    counts = {name: len(array) for name, array in fields.items()}
    if len(set(counts.values())) > 1:
        raise ImageError(f"{method.name}: expected outputs of one batch, got {counts}")
    found = Given(fields, kind if kind in FLOATS else "f32", tensors)
    for index in range(found.count):
        _check_lengths(method, {name: arrays[index] for name, arrays in fields.items()})
    return found


def _expected(method: Method, name: str, array: Array) -> str:
    wanted = ", ".join(map(str, method.inputs[name].shape))
    return f"{method.name}: expected {name} [{wanted}] of each image, got the shape {list(array.shape)}"


def _check_lengths(method: Method, fields: Mapping[str, Array]) -> None:
    """Raise ImageError unless axes of one name have one length in all fields, and other axes their declared length."""
    known: dict[str, tuple[int, str]] = {}
    for name, array in fields.items():
        for want, have in zip(method.inputs[name].shape, array.shape, strict=True):
            if (isinstance(want, int) and have != want) or (not have and want not in ROWS):
                raise ImageError(_expected(method, name, array))
            if isinstance(want, str) and known.setdefault(want, (have, name))[0] != have:
                length, other = known[want]
                raise ImageError(f"{method.name}: expected {length} {want} in {name}, the number in {other}, got {have}")


def with_a_row(array: Array) -> Array:
    """Extend each axis of length 0 to length 1, filled with NaN for floats, else with 0.

    NaN is never chosen, so the added row has no effect.
    """
    if 0 not in array.shape:
        return array
    return np.full([max(length, 1) for length in array.shape], np.nan if array.dtype.kind == "f" else 0, dtype=array.dtype)


def named(outputs: Any, name: str) -> Any:
    """Return one of a model's outputs by name; None if it does not have it."""
    return outputs.get(name) if isinstance(outputs, Mapping) else getattr(outputs, name, None)


def _names(outputs: Any) -> str:
    names = outputs if isinstance(outputs, Mapping) else getattr(outputs, "__dict__", {})
    return ", ".join(map(str, names)) or type(outputs).__name__


@dataclass(frozen=True)
class Sizes:
    """Hold the sizes of a call.

    Attributes:
        rows: (height, width) of each image, or of both images of each pair, by keyword; int64, or
            float64 if some are not whole numbers.
        kind: the type that the numbers have in torch.
    """

    rows: Mapping[str, Array]
    kind: str

    @property
    def fractional(self) -> list[str]:
        """Return the keywords of sizes that are not all whole numbers."""
        return [keyword for keyword, rows in self.rows.items() if rows.dtype == np.float64]


def read_sizes(method: Method, options: Mapping[str, Any], count: int) -> Sizes:
    """Read the sizes that were given.

    Raises:
        ConfigError: the method needs sizes and got none.
        ImageError: they are not a positive (height, width) for each image.
    """
    found, kind = {}, WHOLE
    for keyword in method.size_arguments:
        given = options.get(keyword)
        if given is None:
            if method.needs_sizes:
                raise ConfigError(f"{method.name}: expected {keyword}, (height, width) in pixels for each image, got none")
            continue
        shape = (count, 2, 2) if method.pairs else (count, 2)
        try:
            rows = to_array(given)
        except (TypeError, ValueError):  # rows of several lengths
            rows = np.empty(0)
        if rows.shape != shape or rows.dtype.kind not in "iuf" or not rows.min() > 0 or not np.isfinite(rows).all():
            owner = "two images of each pair" if method.pairs else "each image"
            raise ImageError(f"{keyword}: expected (height, width) of {owner}, {list(shape)}, got {given!r:.80}")
        fractional = rows.dtype.kind == "f" and not np.array_equal(rows, np.round(rows))
        found[keyword] = rows.astype(np.float64 if fractional else np.int64)
        kind = promoted(kind, _kind_of_sizes(method, given, rows))
    return Sizes(found, kind)


def check_masks(method: Method, given: Given, sizes: Sizes) -> None:
    """Raise ImageError if there are no masks and transformers, which resizes the masks of all queries, would fail."""
    if method.resizes_all == "always" or (method.resizes_all == "to sizes" and sizes.rows):
        for name, arrays in given.fields.items():
            if arrays and 0 in arrays[0].shape:
                raise ImageError(f"{method.name}: expected at least one query, got {name} {list(arrays[0].shape)} of each image")


def _kind_of_sizes(method: Method, given: Any, rows: Array) -> str:
    """Return the type of sizes: an array's own; float32 for floats in lists; else as in transformers."""
    if not isinstance(given, (list, tuple)):
        return kind_of(given)
    return "f32" if rows.dtype.kind == "f" or method.float_sizes else WHOLE
