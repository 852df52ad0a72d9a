"""The ONNX rule of resize: two banded passes over the needed region, in the order that Pillow takes.

An image is handled as a matrix whose rows are the axis being resampled, because gathering whole rows and transposing
matrices are the only cheap data movements. `[H, W*C]` serves the vertical pass as it is; its transpose, read as
`[W, C*H]`, serves the horizontal one. Both orders end in planes, one a channel:

    vertical first:    [H, W*C] -> [h, W*C] -> T = [W, C*h] -> [w, C*h] -> T = [C*h, w]
    horizontal first:  T = [W, C*H] -> [w, C*H] -> T = [C*H, w] = [C, H, w] -> [C, h, w]

On CPUs both passes go through the image in pieces, and several images come one after the other (`planes.py`). Elsewhere every
node takes whole images; leading batch axes are one axis, in front of everything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.numerics.filters import NEAREST
from graphproc.ops.byte_map import ByteMap
from graphproc.ops.resize import planes
from graphproc.ops.resize.bands import Axis, Band
from graphproc.ops.resize.forms import ENLARGING
from graphproc.ops.resize.pieces import column_pieces, row_pieces
from graphproc.ops.resize.products import Bands, product, with_bands
from graphproc.sizes.num import Bool

_SWAP = (0, 2, 1)


@dataclass(frozen=True, slots=True)
class Work:
    """A resize as it is emitted.

    Attributes:
        channels: C.
        axes: vertical and horizontal.
        filter: the filter's name.
        arithmetic: whose.
        vertical_first: which pass comes first.
        map: what the bytes of the result become, where that is part of the resize.
    """

    channels: int
    axes: tuple[Axis, Axis]
    filter: str
    arithmetic: str
    vertical_first: Bool
    map: ByteMap | None = None


def emit_resize(g: Builder, x: Value, lead: int, work: Work) -> Value:
    """Emit a resize with a window.

    Args:
        g: the emitter's handle.
        x: pixels `[lead axes..., H, W, C]`.
        lead: the number of leading axes.
        work: what is wanted.

    Returns:
        `[lead axes..., C, window height, window width]`: bytes, or float32 where there is a map.
    """
    vertical, horizontal = work.axes
    # Reshape finds the length of one leading axis by itself; more must be told.
    leading = (g.Shape(x, start=0, end=lead),) if lead > 1 else (-1,) * lead
    result = g.vector(*leading, work.channels, vertical.count, horizontal.count)
    if g.target != "cpu" or work.filter == NEAREST:
        y = g.Reshape(_whole(g, x, work), result)
        return y if work.map is None else work.map.apply(g, y)
    if lead > 1:
        x = g.Reshape(x, g.vector(-1, vertical.n_in, horizontal.n_in, work.channels))
    y = _by_planes(g, x, lead, work)
    # What a node before the last one of a loop's body writes, the last one need not copy; so images with a map are whole.
    return y if work.map is not None and lead <= 1 else g.Reshape(y, result)


def _by_planes(g: Builder, x: Value, lead: int, work: Work) -> Value:
    """Images one after the other: planes of bytes in pieces, `[images..., channels * pieces, rows, columns]`, or mapped ones.

    The last operation of a map is done for all of an image: it puts the pieces together.
    """
    vertical, horizontal = work.axes
    inner, last = (None, None) if work.map is None else work.map.parts()
    whole = g.vector(work.channels, vertical.count, horizontal.count)
    work = replace(work, axes=(replace(vertical, piece=row_pieces(vertical.count, horizontal.count)), _in_one(horizontal)))
    rows = column_pieces(vertical.count)
    if isinstance(vertical.count, int):
        g.note("pieces", f"{work.axes[0].piece} of {vertical.count} rows at once; {rows} if the vertical pass is first")
    else:
        g.note("pieces", "as many rows as divide the height and suit the cache", "decided in the graph for each image")
    constants, finish = ([], lambda y: y) if inner is None else inner.of_planes(g)

    def each(both: Callable[[Value], Value]) -> Value:
        def image(x: Value) -> Value:
            return both(x) if last is None else last.apply(g, g.Reshape(both(x), whole))

        return image(x) if lead == 0 else g.scan((x,), image, rank=3)

    def passes(bands: Bands) -> Value:
        settings = bands, work.channels, work.filter
        return g.cond(
            _noted(g, work, _vertical_first(work, bands)),
            lambda: each(planes.vertical_first(g, *settings, rows, finish, constants)),
            lambda: each(planes.horizontal_first(g, *settings, finish, constants)),
            names=("vertical_first", "horizontal_first"),
        )

    return with_bands(g, work.axes, work.filter, work.arithmetic, passes)


def _vertical_first(work: Work, bands: Bands) -> Bool:
    """Which pass comes first, as far as the bands' forms tell: Pillow takes the vertical one only where it shrinks."""
    return work.vertical_first if not all(band.form is ENLARGING for band in bands) else False


def _noted(g: Builder, work: Work, first: Bool) -> Bool:
    """The same, noted: whether the vertical pass comes first."""
    if work.filter == NEAREST:
        g.note("order", "either", "pixels are picked, not computed")
    elif isinstance(first, bool):
        reason = f"as {work.arithmetic} does for this size" if first == work.vertical_first else "both sides enlarge"
        g.note("order", f"{'vertical' if first else 'horizontal'} pass first", reason)
    else:
        g.note("order", "decided in the graph for each image", f"as {work.arithmetic} does")
    return first


def _in_one(axis: Axis) -> Axis:
    """An axis whose outputs are one piece."""
    return replace(axis, piece=axis.count)


def _whole(g: Builder, x: Value, work: Work) -> Value:
    """All images at once, `[images, ..., columns]`."""
    vertical, horizontal = (_in_one(axis) for axis in work.axes)
    height, channels = vertical.count, work.channels
    pixels = g.Reshape(x, g.vector(-1, vertical.n_in, horizontal.n_in * channels))
    # Picking pixels is no arithmetic, so it has no order; picking rows first moves the least.
    first = True if work.filter == NEAREST else work.vertical_first

    def passes(bands: Bands) -> Value:
        rows, columns = bands
        low = g.vector(rows.begin, columns.begin * channels)
        high = g.vector(rows.begin + rows.extent, (columns.begin + columns.extent) * channels)
        read = (rows.begin, columns.begin, rows.extent, columns.extent)
        everything = read == (0, 0, vertical.n_in, horizontal.n_in)
        region = pixels if everything else g.Slice(pixels, low, high, g.vector(1, 2))

        def vertical_first() -> Value:
            y = g.Transpose(_pass(g, rows, region, "vertical", work.filter), perm=_SWAP)
            y = g.Reshape(y, g.vector(0, columns.extent, channels * height))
            return g.Transpose(_pass(g, columns, y, "horizontal", work.filter), perm=_SWAP)

        def horizontal_first() -> Value:
            turned = g.Reshape(g.Transpose(region, perm=_SWAP), g.vector(0, columns.extent, channels * rows.extent))
            y = g.Transpose(_pass(g, columns, turned, "horizontal", work.filter), perm=_SWAP)
            y = g.Reshape(y, g.vector(-1, rows.extent, horizontal.count))
            return _pass(g, rows, y, "vertical", work.filter)

        return g.cond(_noted(g, work, first), vertical_first, horizontal_first, names=("vertical_first", "horizontal_first"))

    return with_bands(g, (vertical, horizontal), work.filter, work.arithmetic, passes)


def _pass(g: Builder, band: Band, x: Value, name: str, filter: str) -> Value:
    """From `[images, rows, columns]` to `[images, count, columns]`."""
    with g.scope(name):
        first = g.vector(0)
        weights = None if band.weights is None else g.Squeeze(band.weights, first)
        y = product(g, band, x, g.Squeeze(band.rows, first), weights, filter)
        y = g.Reshape(y, g.vector(0, band.blocks * band.length, -1))
        return y if band.full else g.Slice(y, g.vector(0), g.num(band.axis.count), g.vector(1))
