"""Fill what lies around a value with its own elements.

`reflect` mirrors without the elements at the edge (..., c, b, a, b, c, ...), `symmetric` with them
(..., b, a, a, b, ...). `edge` repeats these elements alone (..., a, a, a, b, ...). A canvas several
times as long as the value is mirrored back and forth.
"""

from __future__ import annotations

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array
from graphproc.sizes import num
from graphproc.sizes.num import Num


def along(x: Array, axis: int, before: int, length: int, mode: str) -> Array:
    """Return the value on a canvas of `length` elements along an axis, after `before` of them."""
    return x.take(sources(before, length, x.shape[axis], mode), axis=axis)


def emit_along(g: Builder, x: Value, axis: int, before: Num, length: Num, size: Num, mode: str) -> Value:
    """Emit a Gather of each border of an axis of `size` elements, which counts from the front, and a Concat.

    Gather goes element by element, so it reads as few as possible.
    """
    borders = [(before, before), (-size, length - before - size)]
    first, last = ([g.Gather(x, _emit_sources(g, b, n, size, mode), axis=axis)] if n != 0 else [] for b, n in borders)
    return g.Concat(*first, x, *last, axis=axis) if first or last else x


def sources(before: int, length: int, size: int, mode: str) -> Array:
    """Return which element of an axis of `size` elements each of `length` elements shows.

    The first of them lies `before` elements in front of the value.
    """
    offsets = np.arange(length) - before
    if mode == "edge":
        return np.clip(offsets, 0, size - 1)
    period = num.known(_period(size, mode))
    offsets %= period
    return np.minimum(offsets, period - int(mode == "symmetric") - offsets)


def _emit_sources(g: Builder, before: Num, length: Num, size: Num, mode: str) -> Value:
    if isinstance(before, int) and isinstance(length, int) and isinstance(size, int):
        return g.constant(sources(before, length, size, mode), "i64")
    offsets = g.range(length, "i64")
    if before != 0:
        offsets = g.Sub(offsets, g.num(before))
    if mode == "edge":
        return g.Min(g.Max(offsets, g.constant([0], "i64")), g.num(size - 1))
    period = _period(size, mode)
    offsets = g.Mod(offsets, g.num(period))
    return g.Min(offsets, g.Sub(g.num(period - int(mode == "symmetric")), offsets))


def _period(size: Num, mode: str) -> Num:
    """Return after how many elements the canvas repeats.

    One element cannot be mirrored without its edge, so it repeats.
    """
    return 2 * size if mode == "symmetric" else num.maximum(2 * size - 2, 1)
