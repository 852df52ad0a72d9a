"""Emit a resize: two banded axis steps over the needed region, in the order that Pillow takes.

An image is handled as a matrix, with the axis being resampled as its rows, because gathering whole
rows and transposing matrices are the only cheap data movements. `[H, W*C]` serves the vertical axis
step as it is; its transpose, read as `[W, C*H]`, serves the horizontal one. Both orders end in
one matrix for each channel:

    vertical first:    [H, W*C] -> [h, W*C] -> T = [W, C*h] -> [w, C*h] -> T = [C*h, w]
    horizontal first:  T = [W, C*H] -> [w, C*H] -> T = [C*H, w] = [C, H, w] -> [C, h, w]

On CPUs both axis steps go through the image in strips, and several images are processed one after
another (`strip_loops.py`). On other targets every node takes whole images, and leading batch axes are
one axis in front.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.numerics.filters import NEAREST
from graphproc.ops.byte_map import ByteMap
from graphproc.ops.resize.bands import Axis, Band, Bands
from graphproc.ops.resize.form_branches import with_bands
from graphproc.ops.resize.forms import ENLARGING
from graphproc.ops.resize.products import product
from graphproc.ops.resize.result_strips import strip_rows, strip_rows_from_columns
from graphproc.ops.resize.strip_loops import emit_horizontal_first, emit_vertical_first
from graphproc.sizes.num import Bool

_SWAP = (0, 2, 1)


@dataclass(frozen=True, slots=True)
class Resizing:
    """Describe a resize to emit.

    Attributes:
        channels: C.
        axes: vertical and horizontal.
        filter: the filter's name.
        arithmetic: `pillow` or `torch_bytes`.
        vertical_first: whether the vertical axis comes first.
        map: the map of the result's bytes, if it is part of the resize.
    """

    channels: int
    axes: tuple[Axis, Axis]
    filter: str
    arithmetic: str
    vertical_first: Bool
    map: ByteMap | None = None


def emit_resize(g: Builder, x: Value, lead: int, resizing: Resizing) -> Value:
    """Emit a resize with a window.

    Args:
        g: the emitter's handle.
        x: pixels `[lead axes..., H, W, C]`.
        lead: the number of leading axes.
        resizing: what to emit.

    Returns:
        `[lead axes..., C, window height, window width]`: bytes, or float32 if there is a map.
    """
    vertical, horizontal = resizing.axes
    # Reshape finds the length of one leading axis by itself; more must be given.
    leading = (g.Shape(x, start=0, end=lead),) if lead > 1 else (-1,) * lead
    result = g.vector(*leading, resizing.channels, vertical.count, horizontal.count)
    if g.target != "cpu" or resizing.filter == NEAREST:
        y = g.Reshape(_at_once(g, x, resizing), result)
        return y if resizing.map is None else resizing.map.apply(g, y)
    if lead > 1:
        x = g.Reshape(x, g.vector(-1, vertical.n_in, horizontal.n_in, resizing.channels))
    y = _by_strips(g, x, lead, resizing)
    # Images with a map have their shape already: a Reshape before the last node of a loop's body copies nothing.
    return y if resizing.map is not None and lead <= 1 else g.Reshape(y, result)


def _by_strips(g: Builder, x: Value, lead: int, resizing: Resizing) -> Value:
    """Emit images one after another.

    Without a map, the result is bytes in strips, `[images..., channels * strips, rows, columns]`.
    With a map, its last operation is done for all of an image at once: it puts the strips together.
    """
    vertical, horizontal = resizing.axes
    inner, last = (None, None) if resizing.map is None else resizing.map.parts()
    whole = g.vector(resizing.channels, vertical.count, horizontal.count)
    in_strips = replace(vertical, strip_length=strip_rows(vertical.count, horizontal.count))
    resizing = replace(resizing, axes=(in_strips, _as_one_strip(horizontal)))
    rows = strip_rows_from_columns(vertical.count)
    if isinstance(vertical.count, int):
        g.note("strips", f"{in_strips.strip_length} of {vertical.count} rows at once; {rows} if the vertical axis is first")
    else:
        g.note("strips", "rows that divide the height and fit the cache", "decided in the graph for each image")
    constants, finish = ([], lambda y: y) if inner is None else inner.of_planes(g)

    def each(both: Callable[[Value], Value]) -> Value:
        def image(x: Value) -> Value:
            return both(x) if last is None else last.apply(g, g.Reshape(both(x), whole))

        return image(x) if lead == 0 else g.scan((x,), image, rank=3)

    def steps(bands: Bands) -> Value:
        settings = bands, resizing.channels, resizing.filter
        return g.cond(
            _noted(g, resizing, _order(resizing, bands)),
            lambda: each(emit_vertical_first(g, *settings, rows, finish, constants)),
            lambda: each(emit_horizontal_first(g, *settings, finish, constants)),
            names=("vertical_first", "horizontal_first"),
        )

    return with_bands(g, resizing.axes, resizing.filter, resizing.arithmetic, steps)


def _order(resizing: Resizing, bands: Bands) -> Bool:
    """Return whether the vertical axis comes first, as far as the bands' forms show it.

    Pillow takes the vertical axis first only if it shrinks.
    """
    return resizing.vertical_first if not all(band.form == ENLARGING for band in bands) else False


def _noted(g: Builder, resizing: Resizing, first: Bool) -> Bool:
    """Record whether the vertical axis comes first, and return this."""
    if resizing.filter == NEAREST:
        g.note("order", "either", "pixels are picked, not computed")
    elif isinstance(first, bool):
        reason = f"as {resizing.arithmetic} does for this size" if first == resizing.vertical_first else "both sides enlarge"
        g.note("order", f"{'vertical' if first else 'horizontal'} axis first", reason)
    else:
        g.note("order", "decided in the graph for each image", f"as {resizing.arithmetic} does")
    return first


def _as_one_strip(axis: Axis) -> Axis:
    """Return an axis with all outputs in one strip."""
    return replace(axis, strip_length=axis.count)


def _at_once(g: Builder, x: Value, resizing: Resizing) -> Value:
    """Emit all images at once, `[images, ..., columns]`."""
    vertical, horizontal = (_as_one_strip(axis) for axis in resizing.axes)
    height, channels = vertical.count, resizing.channels
    pixels = g.Reshape(x, g.vector(-1, vertical.n_in, horizontal.n_in * channels))
    # Picking pixels is no arithmetic, so it has no order; picking rows first moves the least.
    first = True if resizing.filter == NEAREST else resizing.vertical_first

    def steps(bands: Bands) -> Value:
        rows, columns = bands
        low = g.vector(rows.begin, columns.begin * channels)
        high = g.vector(rows.begin + rows.extent, (columns.begin + columns.extent) * channels)
        read = (rows.begin, columns.begin, rows.extent, columns.extent)
        everything = read == (0, 0, vertical.n_in, horizontal.n_in)
        region = pixels if everything else g.Slice(pixels, low, high, g.vector(1, 2))

        def vertical_first() -> Value:
            y = g.Transpose(_axis_step(g, rows, region, "vertical", resizing.filter), perm=_SWAP)
            y = g.Reshape(y, g.vector(0, columns.extent, channels * height))
            return g.Transpose(_axis_step(g, columns, y, "horizontal", resizing.filter), perm=_SWAP)

        def horizontal_first() -> Value:
            turned = g.Reshape(g.Transpose(region, perm=_SWAP), g.vector(0, columns.extent, channels * rows.extent))
            y = g.Transpose(_axis_step(g, columns, turned, "horizontal", resizing.filter), perm=_SWAP)
            y = g.Reshape(y, g.vector(-1, rows.extent, horizontal.count))
            return _axis_step(g, rows, y, "vertical", resizing.filter)

        return g.cond(_noted(g, resizing, first), vertical_first, horizontal_first, names=("vertical_first", "horizontal_first"))

    return with_bands(g, (vertical, horizontal), resizing.filter, resizing.arithmetic, steps)


def _axis_step(g: Builder, band: Band, x: Value, name: str, filter: str) -> Value:
    """Emit one axis step, from `[images, rows, columns]` to `[images, count, columns]`."""
    with g.scope(name):
        first = g.vector(0)
        weights = None if band.weights is None else g.Squeeze(band.weights, first)
        y = product(g, band, x, g.Squeeze(band.rows, first), weights, filter)
        y = g.Reshape(y, g.vector(0, band.blocks * band.length, -1))
        return y if band.full else g.Slice(y, g.vector(0), g.num(band.axis.count), g.vector(1))
