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

LINES = (64, 80, 96, 112, 128, 144)
"""How many lines a chunk may have. Products and transposes take 16 bytes at a time, and a rest of fewer costs as much."""
OVERHEAD = 3
"""What a chunk costs before it computes anything, in lines."""
PIXELS = 256 << 10
"""Pixels that a chunk reads, at most, unless it has the least lines."""


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


def chunks_of(g: Builder, across: Band, along: Band, axis: int) -> Chunks:
    """Cut the region that both passes read into chunks for the first pass.

    Args:
        g: the emitter's handle.
        across: the axis of the first pass.
        along: the axis of the second pass, whose pixels are the lines.
        axis: which axis of the image the lines are: 0 for rows, 1 for columns.
    """
    lines = num.minimum(_lines(along.extent, across.extent), along.extent)
    trips = (along.extent - 1) // lines + 1
    starts = g.Min(g.Mul(g.range(trips, "i64"), g.num(lines)), g.num(along.extent - lines))
    begins, sides = (along.begin, across.begin), (lines, across.extent)
    step, turn = (g.vector(1, 0), 1) if axis == 0 else (g.vector(0, 1), -1)
    low = g.Mul(g.Reshape(starts, g.vector(-1, 1)), step)
    low = low if begins == (0, 0) else g.Add(low, g.vector(*begins[::turn]))
    high = g.Add(low, g.vector(*sides[::turn]))
    return Chunks(trips, lines, trips * lines - along.extent, low, high)


def _lines(extent: Num, across: Num) -> Num:
    """How many lines a chunk has, so that chunks compute few lines twice, and are few, and none reads too much."""
    lines = num.table(LINES)
    cost = ((extent + (lines - 1)) // lines) * (lines + OVERHEAD) + lines * across // PIXELS * (1 << 20)
    # Cost and number in one, so that the smallest is both.
    return num.at_least(num.smallest(cost * 256 + lines) % 256, min(LINES))
