"""Pad results to the largest, then stack them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.join import Array, Join, Looped, Role, Shape, join
from graphproc.ir.types import TensorType
from graphproc.sizes import num


@join("pad")
@dataclass(frozen=True, slots=True)
class Pad(Join):
    """Pad results at the end of each axis to the largest length of all, then stacks them.

    Shapes:  of one rank; the result is [images, ...]. In Python, padded images are a list of
             arrays, padded samples one array.
    Dtypes:  any; unchanged, unless `promotes`.
    Example: [1, 2, 3] and [4] become [[1, 2, 3], [4, 0, 0]].

    Attributes:
        fill: the number that padding is filled with. Samples also take a tuple with a number for
            each element of the last axis.
        unpadded: axes, counted from the end, that are not padded and must have one length: (-3,)
            are the channels of images. Axes that a result lacks do nothing.
        promotes: whether bytes become float32 where one sample has fewer images than another, as
            upstream fills up samples with images of floats.
    """

    fill: float | tuple[float, ...] = 0
    unpadded: tuple[int, ...] = ()
    promotes: bool = False

    has_image_axis = True

    @property
    def pads(self) -> bool:
        """Return True."""
        return True

    def as_array(self, role: Role) -> bool:
        """Return whether samples are joined: padded samples are one array."""
        return role == "samples"

    def check(self, type: TensorType, role: Role) -> None:
        """Take any type; several fills only for samples, one for each element of the last axis."""
        if isinstance(self.fill, tuple) and (role != "samples" or type.shape[-1:] != (len(self.fill),)):
            raise self.refuse(f"samples with a last axis of {len(self.fill)} elements, one for each fill", type, role)

    def numpy(self, arrays: Sequence[Array]) -> list[Array]:
        """Put each array into the first corner of a larger one."""
        largest = np.max([array.shape for array in arrays], axis=0)
        padded = self._padded_axes(arrays[0].ndim)
        return [in_corner(a, np.where(padded, largest, a.shape).tolist(), self.fill) for a in arrays]

    def numpy_shape(self, shapes: Sequence[Shape]) -> list[Shape]:
        """Return each shape with the largest length of all along the padded axes."""
        largest = [reduce(num.maximum, lengths) for lengths in zip(*shapes, strict=True)]
        padded = self._padded_axes(len(shapes[0]))
        return [tuple(m if pads else n for m, n, pads in zip(largest, shape, padded, strict=True)) for shape in shapes]

    def numpy_samples(self, samples: Sequence[Array]) -> Array:
        """Return one array of all samples.

        Raises:
            ShapeError: they differ in an axis that is not padded.
        """
        shapes = [sample.shape for sample in samples]
        self.numpy_samples_shape(shapes)  # refuses what cannot be stacked
        return np.stack(self.numpy([sample.astype(self.samples_dtype(sample.dtype, shapes), copy=False) for sample in samples]))

    def samples_dtype(self, dtype: np.dtype[Any], shapes: Sequence[Shape]) -> np.dtype[Any]:
        """Return the type, or float32 for bytes that this join `promotes`."""
        promoted = self.promotes and dtype == np.uint8 and len({shape[:1] for shape in shapes}) > 1
        return np.dtype(np.float32) if promoted else dtype

    def numpy_samples_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return the shape of one array of all samples.

        Raises:
            ShapeError: they differ in an axis that is not padded.
        """
        padded = self.numpy_shape(shapes)
        if any(shape != padded[0] for shape in padded):
            found = " and ".join(str(list(shape)) for shape in sorted(set(padded)))
            raise ShapeError(f"expected samples with equal numbers of channels, got {found}. Convert the images to RGB.")
        return len(padded), *padded[0]

    def empty_shape(self, shape: Sequence[int]) -> list[int]:
        """Return 0 for the padded axes, and the others' lengths."""
        return [0 if pads else length for pads, length in zip(self._padded_axes(len(shape)), shape, strict=True)]

    def _padded_axes(self, rank: int) -> list[bool]:
        """Return for each axis whether it is padded."""
        return [axis - rank not in self.unpadded for axis in range(rank)]

    def batch(self, g: Builder, x: Value, type: TensorType, count: Value) -> Value:
        """Return the value: results of one shape need no padding."""
        return x

    def loop(self, g: Builder, found: Looped) -> Value:
        """Pad each result of the sequence in a second loop, which stacks them."""
        rank, padded = found.type.rank, self._padded_axes(found.type.rank)
        all_padded = all(pads or isinstance(length, int) for pads, length in zip(padded, found.type.shape, strict=True))

        def body(index: Value) -> tuple[Sequence[Value], Sequence[Value]]:
            x = g.SequenceAt(found.values, index)
            missing = g.Sub(found.largest, g.Shape(x))
            missing = missing if all_padded else g.Mul(missing, g.vector(*map(int, padded)))
            return [], [pad_end(g, x, g.vector(*[0] * rank, missing), self.fill)]

        with g.scope(found.name):
            _, (value,) = g.loop(found.count, [], body, "pad")
        return value

    def shape(self, sizes: Sequence[int | str], names: Sequence[str], batch: int | str) -> list[int | str]:
        """Add an axis in front."""
        return [batch, *sizes]

    def split(self, array: Array, position: int) -> Array:
        """Return the image's element of the first axis, with its padding."""
        one: Array = array[position]
        return one


def in_corner(array: Array, shape: Sequence[int], fill: float | tuple[float, ...]) -> Array:
    """Return an array of a shape, filled with a number, with `array` in its first corner."""
    if tuple(shape) == array.shape:
        return array
    padded = np.empty(tuple(shape), dtype=array.dtype)
    padded[...] = fill
    padded[tuple(slice(length) for length in array.shape)] = array
    return padded


def pad_end(g: Builder, x: Value, pads: Value, fill: float | tuple[float, ...]) -> Value:
    """Emit padding in the value's dtype; CUDA pads integers as float64."""
    dtype = g.dtype(x)
    wide = dtype if g.target != "cuda" or dtype in ("f32", "f64", "bool") else "f64"  # CUDA's Pad has no integers
    return g.cast(g.Pad(g.cast(x, wide), pads, g.constant(fill, wide)), dtype)
