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
    """Pixels `[images, height, width*channels]`; `batched` unless there is exactly one image."""

    pixels: Value
    height: Num
    width: Num
    channels: Num
    batched: bool


def by_chunks(
    g: Builder, images: Images, across: Band, along: Band, axis: int, first: Callable[[Value], Value]
) -> tuple[Value, Band]:
    """Emit the first pass over the region that both passes read.

    Chunks are equally long, so the last one may begin with lines that the one before ends with; the second pass, which
    gathers its rows anyway, steps over them.

    Args:
        g: the emitter's handle.
        images: the images.
        across: the axis of the first pass.
        along: the axis of the second pass, whose pixels are the lines.
        axis: where the lines are in the images: 1 for rows, 2 for columns.
        first: emits the first pass over `[n, rows, columns*channels]` cut out of the images; gives `[n, lines, ...]`.

    Returns:
        The first pass's result `[images, lines, ...]` and the second pass's band as it reads that.
    """
    rows, columns = (along, across) if axis == 1 else (across, along)
    corner, size = (rows.begin, columns.begin), (rows.extent, columns.extent)
    trips = (along.extent + (LINES - 1)) // LINES
    if g.target != "cpu" or across.weights is None or trips == 1:
        x = images.pixels
        if (corner, size) != ((0, 0), (images.height, images.width)):
            ends = (rows.begin + rows.extent, (columns.begin + columns.extent) * images.channels)
            x = g.Slice(x, g.vector(rows.begin, columns.begin * images.channels), g.vector(*ends), g.vector(1, 2))
        return first(x), along

    with g.scope("chunks"):
        length = (along.extent + (trips - 1)) // trips
        starts = g.Min(g.Mul(g.range(trips, "i64"), g.num(length)), g.num(along.extent - length))
        step = g.vector(0, 1, 0) if axis == 1 else g.vector(0, 0, images.channels)
        low = g.Add(g.Mul(g.Reshape(starts, g.vector(-1, 1)), step), g.vector(0, corner[0], corner[1] * images.channels))
        count: Num = 1
        if images.batched:
            count = g.measured(g.Shape(images.pixels, start=0, end=1), 1)
            image = g.Mul(g.Reshape(g.range(count, "i64"), g.vector(-1, 1, 1)), g.vector(1, 0, 0))
            low = g.Reshape(g.Add(image, low), g.vector(-1, 3))
        cut = (length, size[1]) if axis == 1 else (size[0], length)
        high = g.Add(low, g.vector(1, cut[0], cut[1] * images.channels))

        def chunk(low: Value, high: Value) -> Value:
            return first(g.Slice(images.pixels, low, high, g.vector(0, 1, 2)))

        x = g.Reshape(g.scan((low, high), chunk, rank=3), g.vector(count, trips * length, -1))
        repeated = trips * length - along.extent
        if repeated != 0:
            last = g.Less(along.rows, g.num((trips - 1) * length))
            along = replace(along, rows=g.Where(last, along.rows, g.Add(along.rows, g.num(repeated))))
    return x, along
