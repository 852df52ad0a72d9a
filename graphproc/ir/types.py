"""Define the types of IR values: element type, shape with symbolic sizes, and what each axis means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphproc.errors import ShapeError
from graphproc.sizes import num
from graphproc.sizes.num import Num

DTYPES: Mapping[str, np.dtype[Any]] = {
    "u8": np.dtype(np.uint8),
    "i8": np.dtype(np.int8),
    "u16": np.dtype(np.uint16),
    "i16": np.dtype(np.int16),
    "i32": np.dtype(np.int32),
    "i64": np.dtype(np.int64),
    "f16": np.dtype(np.float16),
    "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64),
    "bool": np.dtype(np.bool_),
}
"""The element types of the IR and their numpy dtypes."""
FLOATS = ("f16", "f32", "f64")
"""The element types that hold fractions."""


def promoted(one: str, other: str) -> str:
    """Return the type that holds the values of two types, as torch promotes types.

    A float and a whole number make that float: `f16` and `i64` make `f16`.
    """
    fractional = [name for name in (one, other) if name in FLOATS]
    if len(fractional) == 1:
        return fractional[0]
    common = np.promote_types(DTYPES[one], DTYPES[other])
    return next(name for name, dtype in DTYPES.items() if dtype == common)


@dataclass(frozen=True, slots=True)
class TensorType:
    """Describe one value of one image: element type, shape and axis names. A batch adds axes in front.

    Attributes:
        dtype: a key of `DTYPES`.
        shape: one `Num` for each axis; symbols are sides of the program's inputs, in pixels.
        layout: one letter for each axis: `H` height, `W` width, `C` channels, `N` tiles, `P`
            patches, `F` features, `Q` queries of a detector, `T` frames. Empty if the axes have no
            such meaning.
    """

    dtype: str
    shape: tuple[Num, ...]
    layout: str = ""

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ShapeError(f"type: expected a dtype of {sorted(DTYPES)}, got {self.dtype!r}")
        if self.layout and (len(self.layout) != len(self.shape) or len(set(self.layout)) != len(self.layout)):
            raise ShapeError(f"type: layout {self.layout!r} does not name the {len(self.shape)} axes once each")

    @property
    def rank(self) -> int:
        """Return the number of axes."""
        return len(self.shape)

    def axis(self, letter: str) -> int:
        """Return the position of an axis, counted from the end (negative).

        So leading batch axes do not matter.

        Raises:
            ShapeError: the value has no such axis.
        """
        if letter not in self.layout:
            raise ShapeError(f"type: expected an axis {letter!r}, got layout {self.layout!r} of {self}")
        return self.layout.index(letter) - len(self.layout)

    def size(self, letter: str) -> Num:
        """Return the length of a named axis."""
        return self.shape[self.axis(letter)]

    @property
    def channels(self) -> int:
        """Return the number of channels, which must be known.

        Raises:
            ShapeError: there is no channel axis, or its length is not known.
        """
        count = self.size("C")
        if not isinstance(count, int):
            raise ShapeError(f"type: expected a known number of channels, got {self}")
        return count

    def with_sizes(self, **sizes: Num) -> TensorType:
        """Return the same type with other lengths of some named axes: `with_sizes(H=224, W=224)`."""
        shape = list(self.shape)
        for letter, size in sizes.items():
            shape[self.axis(letter)] = size
        return replace(self, shape=tuple(shape))

    def with_dtype(self, dtype: str) -> TensorType:
        """Return the same shape with another element type."""
        return replace(self, dtype=dtype)

    def bind(self, values: Mapping[str, int]) -> TensorType:
        """Return the type with its symbols replaced by known numbers."""
        return replace(self, shape=tuple(num.evaluate(s, values) for s in self.shape))

    def __str__(self) -> str:
        text = f"{self.dtype}[{', '.join(str(s) for s in self.shape)}]"
        return f"{text} {self.layout}" if self.layout else text
