"""Check and change one axis of a value; axes are counted from the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphproc.errors import ShapeError
from graphproc.ir.op import Op
from graphproc.ir.types import TensorType
from graphproc.sizes import num
from graphproc.sizes.num import Num

SIDES = (-2, -1)
"""The axes of an image's height and width."""


def require_axis(op: Op, x: TensorType, axis: int) -> None:
    """Raise ShapeError unless `axis` counts one of the value's axes from the end: -1 is the last."""
    if not -x.rank <= axis < 0:
        raise ShapeError(f"{op.name}: expected an axis from {-x.rank} to -1, got {axis} for {x}")


def require_axes(op: Op, x: TensorType, axes: Sequence[int], *settings: Sequence[object]) -> None:
    """Raise ShapeError unless each of `axes` is another axis of the value, and each setting has an item for each of them."""
    for axis in axes:
        require_axis(op, x, axis)
    if len(set(axes)) != len(axes) or any(len(setting) != len(axes) for setting in settings):
        given = " and ".join(str(list(setting)) for setting in settings)
        raise ShapeError(f"{op.name}: expected different axes and an item for each, got the axes {list(axes)} and {given}")


def with_length(x: TensorType, axis: int, length: Num) -> TensorType:
    """Return the same type with another length of one axis."""
    shape = list(x.shape)
    shape[axis] = length
    return replace(x, shape=tuple(shape))


def require_inside(op: Op, start: Num, length: Num, size: Num) -> None:
    """Raise ShapeError if elements from `start` on are known to leave their axis of length `size`."""
    if num.high(start) < 0 or num.high(length) < 0 or (type(size) is int and num.low(start) + num.low(length) > size):
        raise ShapeError(f"{op.name}: {length} elements from {start} on are not all inside an axis of {size}")


def known_stretch(op: Op, start: Num, length: Num, size: int) -> slice:
    """Return the slice of `length` elements from `start` on.

    Raises:
        ShapeError: the elements are not all inside the axis of length `size`.
    """
    first, count = num.known(start), num.known(length)
    require_inside(op, first, count, size)
    return slice(first, first + count)
