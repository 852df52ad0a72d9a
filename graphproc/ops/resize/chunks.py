"""The first pass in pieces that fit the processor's cache.

A pass writes several times the bytes that it reads (gathered rows, float32 copies, one sum for each digit). Going through
the image in chunks of lines, lines being the axis that this pass does not resample, keeps most of that in the cache and
reads the image once, without a copy of the region before.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ops.resize.bands import Band
from graphproc.sizes import num
from graphproc.sizes.num import Num

MOST_LINES, LEAST_LINES = 128, 64
"""Lines in a chunk: the columns of a product, which is faster the more it has."""
BYTES = 768 << 10
"""Bytes that a chunk reads, at most, unless it has the least lines."""


@dataclass(frozen=True, slots=True)
class Chunks:
    """Equally long chunks of lines. Where they do not fit, the last one begins with lines that the one before ends with.

    Attributes:
        trips: how many chunks there are.
        lines: how many lines each has.
        repeated: how many lines are in two chunks.
        low, high: int64 [trips, 2], the corners of each in the image: the first row and column, and those behind the last.
    """

    trips: Num
    lines: Num
    repeated: Num
    low: Value
    high: Value

    def places(self, g: Builder, lines: Value) -> Value:
        """Where lines, counted from the first one, are among the lines of all chunks one behind the other."""
        if isinstance(self.repeated, int) and self.repeated == 0:
            return lines
        last = g.Less(lines, g.num((self.trips - 1) * self.lines))
        return g.Where(last, lines, g.Add(lines, g.num(self.repeated)))


def chunks_of(g: Builder, across: Band, along: Band, axis: int, channels: Num) -> Chunks:
    """Cut the region that both passes read into chunks for the first pass.

    Args:
        g: the emitter's handle.
        across: the axis of the first pass.
        along: the axis of the second pass, whose pixels are the lines.
        axis: which axis of the image the lines are: 0 for rows, 1 for columns.
        channels: how many bytes a pixel has.
    """
    most = num.minimum(num.maximum(BYTES // (across.extent * channels), LEAST_LINES), MOST_LINES)
    trips = (along.extent - 1) // most + 1
    lines = (along.extent - 1) // trips + 1
    starts = g.Min(g.Mul(g.range(trips, "i64"), g.num(lines)), g.num(along.extent - lines))
    begins, sides = (along.begin, across.begin), (lines, across.extent)
    step, turn = (g.vector(1, 0), 1) if axis == 0 else (g.vector(0, 1), -1)
    low = g.Mul(g.Reshape(starts, g.vector(-1, 1)), step)
    low = low if begins == (0, 0) else g.Add(low, g.vector(*begins[::turn]))
    high = g.Add(low, g.vector(*sides[::turn]))
    return Chunks(trips, lines, trips * lines - along.extent, low, high)
