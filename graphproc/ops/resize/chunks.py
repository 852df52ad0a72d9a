"""The first pass in pieces that fit the processor's cache.

A pass writes several times the bytes that it reads (gathered rows, float32 copies, one sum for each digit). Going through
the image in chunks of lines, lines being the axis that this pass does not resample, keeps all of that in the cache and
reads the image once, without a copy of the region before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ops.resize.bands import Band
from graphproc.sizes.num import Num

LINES = 64
"""Lines in a chunk, at most: with 1000 pixels each, every intermediate stays well under 2 MiB."""


@dataclass(frozen=True, slots=True)
class Images:
    """The sides of images `[images, height, width*channels]`."""

    height: Num
    width: Num
    channels: Num


def by_chunks(
    g: Builder, images: Images, across: Band, along: Band, axis: int, first: Callable[[Value], Value]
) -> tuple[Callable[[Value], Value], Band]:
    """Cut the region that both passes read into chunks for the first pass.

    Chunks are equally long, so the last one may begin with lines that the one before ends with; the second pass, which
    gathers its rows anyway, steps over them.

    Args:
        g: the emitter's handle.
        images: the images; one at a time on CPUs.
        across: the axis of the first pass.
        along: the axis of the second pass, whose pixels are the lines.
        axis: where the lines are in the images: 1 for rows, 2 for columns.
        first: emits the first pass over `[n, rows, columns*channels]` cut out of the images; gives `[n, lines, ...]`.

    Returns:
        What emits the first pass over images, `[images, lines, ...]`, and the second pass's band as it reads that.
    """
    rows, columns = (along, across) if axis == 1 else (across, along)
    corner, size = (rows.begin, columns.begin), (rows.extent, columns.extent)
    trips = (along.extent + (LINES - 1)) // LINES
    if g.target != "cpu" or across.form is None or trips == 1:
        if (corner, size) == ((0, 0), (images.height, images.width)):
            return first, along
        low = g.vector(rows.begin, columns.begin * images.channels)
        high = g.vector(rows.begin + rows.extent, (columns.begin + columns.extent) * images.channels)
        return lambda pixels: first(g.Slice(pixels, low, high, g.vector(1, 2))), along

    with g.scope("chunks"):
        length = (along.extent + (trips - 1)) // trips
        starts = g.Min(g.Mul(g.range(trips, "i64"), g.num(length)), g.num(along.extent - length))
        step = g.vector(1, 0) if axis == 1 else g.vector(0, images.channels)
        low = g.Add(g.Mul(g.Reshape(starts, g.vector(-1, 1)), step), g.vector(corner[0], corner[1] * images.channels))
        cut = (length, size[1]) if axis == 1 else (size[0], length)
        high = g.Add(low, g.vector(cut[0], cut[1] * images.channels))
        lines = g.vector(1, trips * length, -1)
        repeated = trips * length - along.extent
        if repeated != 0:
            last = g.Less(along.rows, g.num((trips - 1) * length))
            along = replace(along, rows=g.Where(last, along.rows, g.Add(along.rows, g.num(repeated))))

    def chunks(pixels: Value) -> Value:
        with g.scope("chunks"):
            chunk = g.scan((low, high), lambda low, high: first(g.Slice(pixels, low, high, g.vector(1, 2))), rank=3)
            return g.Reshape(chunk, lines)

    return chunks, along
