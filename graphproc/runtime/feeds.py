"""Check what a session is given against its graph's inputs, before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphproc.errors import ImageError

Array = np.ndarray[Any, Any]

DTYPES = {
    "tensor(uint8)": np.uint8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(bool)": np.bool_,
}
"""The element types that preprocessing has, by ONNX Runtime's names.

Arrays of other types are left to ONNX Runtime.
"""


@dataclass(frozen=True, slots=True)
class Port:
    """Describe an input or output of a graph.

    Attributes:
        name: its name.
        dims: its dimensions: ints, names of free ones, or None for a free one without a name.
        dtype: its numpy element type, or None if it is not in `DTYPES`.
        sequence: whether it is a sequence of such arrays.
    """

    name: str
    dims: list[Any]
    dtype: Any
    sequence: bool

    @classmethod
    def of(cls, value: Any) -> Port:
        """Describe a value by what ONNX Runtime says of it."""
        kind = value.type
        sequence = kind.startswith("seq(")
        return cls(value.name, list(value.shape or []), DTYPES.get(kind[4:-1] if sequence else kind), sequence)

    def __str__(self) -> str:
        dtype = "" if self.dtype is None else f"{np.dtype(self.dtype)} "
        shape = "[" + ", ".join("?" if d is None else str(d) for d in self.dims) + "]"
        return f"{self.name} {'sequence of ' if self.sequence else ''}{dtype}{shape}"


def read(ports: Sequence[Port], given: Any, *, one_length: Collection[str]) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the arrays for a graph's inputs, and the lengths of the free dimensions by name.

    Args:
        ports: the graph's inputs.
        given: an array for each, by name; for a sequence a list of arrays.
        one_length: the inputs in which free dimensions of one name have one length. These are the
            inputs of this package's graphs; in other graphs names may mean nothing.

    Raises:
        ImageError: an input is missing, unknown or not an array, or its dtype or shape is not the
            graph's.
    """
    if not isinstance(given, Mapping):
        names = ", ".join(f"{port.name!r}: array" for port in ports)
        raise ImageError(f"run: expected {{{names}}}, got {type(given).__name__}. Call the session to give arrays in order.")
    if given.keys() != {port.name for port in ports}:
        raise ImageError(
            f"graph inputs: expected {', '.join(port.name for port in ports)}, got {', '.join(map(str, given)) or 'none'}"
        )
    sizes: dict[str, int] = {}
    found: dict[str, Any] = {}
    for port in ports:
        if port.sequence:
            found[port.name] = _several(port, given[port.name])
        else:
            array = found[port.name] = _one(port, given[port.name])
            _add_sizes(port, array.shape, sizes, port.name in one_length)
    return found, sizes


def _several(port: Port, value: Any) -> list[Array]:
    if not isinstance(value, (list, tuple)) or not value:
        raise ImageError(f"{port.name}: expected a list of at least one array, got {_kind(value)}")
    return [np.ascontiguousarray(_array(port, f"{port.name}[{index}]", one)) for index, one in enumerate(value)]


def _one(port: Port, value: Any) -> Array:
    array = _array(port, port.name, value)
    if array.ndim != len(port.dims):
        raise ImageError(f"{port.name}: expected {len(port.dims)} axes {port.dims}, got the shape {list(array.shape)}")
    return array


def _array(port: Port, label: str, value: Any) -> Array:
    """Return a value as an array of the port's dtype; it may be another library's array.

    Raises:
        ImageError: it is not an array, or has another dtype.
    """
    array: Array | None = value if isinstance(value, np.ndarray) else None
    if array is None:
        try:
            array = np.asarray(value) if hasattr(value, "__array__") else None
        except Exception as error:  # e.g. a tensor on a device, or one with a gradient
            raise ImageError(f"{label}: expected an array, got {_kind(value)} that is none ({error})") from error
    if array is None:
        raise ImageError(
            f"{label}: expected an array, got {_kind(value)}. A session takes the graph's own inputs ({port}); "
            "processors read files and PIL images."
        )
    if port.dtype is not None and array.dtype != port.dtype:
        raise ImageError(f"{label}: expected {np.dtype(port.dtype)}, got {array.dtype}. Convert the array.")
    return array


def _kind(value: Any) -> str:
    return f"an empty {type(value).__name__}" if isinstance(value, (list, tuple)) and not value else type(value).__name__


def _add_sizes(port: Port, shape: Sequence[int], sizes: dict[str, int], one_length: bool) -> None:
    """Add the lengths of an array's free dimensions to `sizes`.

    Raises:
        ImageError: a dimension has another length than the graph says, or than the inputs before.
    """
    for axis, (dim, length) in enumerate(zip(port.dims, shape, strict=True)):
        wanted = sizes.setdefault(dim, length) if isinstance(dim, str) else dim
        if wanted is not None and wanted != length and (one_length or not isinstance(dim, str)):
            named = f"{dim} {wanted}, as of the inputs before" if isinstance(dim, str) else f"{wanted}"
            raise ImageError(f"{port.name}: expected axis {axis} of {port.dims} to be {named}, got the shape {list(shape)}")
