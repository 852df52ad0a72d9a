"""Run the first axis step in chunks that fit the processor's cache.

An axis step writes several times the bytes that it reads: gathered rows, float32 copies, one sum
for each digit. It goes through the image in chunks of lines; lines lie along the axis that it
resamples. This keeps most of the data in the cache, and reads the image once without first copying
the region.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ops.resize.bands import Band
from graphproc.sizes import num
from graphproc.sizes.num import Num

MOST_LINES, LEAST_LINES = 144, 64
"""The most lines of a chunk; the second number is the limit if lines are long.

Products are faster the more lines they have.
"""
LONG = 2400
"""A line is long from this number of pixels on."""
VECTOR = 8
"""How many numbers products and transposes process at a time.

A remainder of fewer numbers costs as much.
"""


@dataclass(frozen=True, slots=True)
class Chunks:
    """Describe chunks of lines, all equally long.

    If they do not fit, the last chunk begins with lines of the one before.

    Attributes:
        trips: how many chunks there are.
        lines: how many lines each has.
        starts: int64 [trips], the first line of each, counted from the first of all.
        low, high: int64 [trips, axes], where each begins and ends on those axes of the image.
        axes: int64, the axes of the image on which a chunk is only a part.
    """

    trips: Num
    lines: Num
    starts: Value
    low: Value
    high: Value
    axes: Value

    def cut(self, g: Builder, image: Value, low: Value, high: Value) -> Value:
        """Emit a chunk of an image `[H, W, C]`."""
        return g.Slice(image, low, high, self.axes)

    def places(self, g: Builder, lines: Value, stride: Num) -> Value:
        """Emit where lines are if the chunks lie `stride` apart.

        The lines are counted from the first one.
        """
        if self.trips == 1:
            return lines
        moved = g.Sub(g.Mul(g.range(self.trips, "i64"), g.num(stride)), self.starts)
        return g.Add(lines, g.Gather(moved, g.Div(lines, g.num(self.lines)), axis=0))


def chunks_of(g: Builder, across: Band, along: Band, axis: int) -> Chunks:
    """Cut the region that both axis steps read into chunks for the first one.

    Args:
        g: the emitter's handle.
        across: the axis of the first axis step.
        along: the axis of the second axis step; its pixels are the lines.
        axis: which axis of the image the lines are: 0 for rows, 1 for columns.
    """
    last = along.extent - 1
    trips = last // num.where(across.extent < LONG, MOST_LINES, LEAST_LINES) + 1
    lines = num.minimum((last // (trips * VECTOR) + 1) * VECTOR, along.extent)
    starts = g.Min(g.Mul(g.range(trips, "i64"), g.num(lines)), g.num(along.extent - lines))
    low = g.Reshape(starts, g.vector(-1, 1))
    if (across.begin, across.extent, along.begin) == (0, across.axis.n_in, 0):
        return Chunks(trips, lines, starts, low, g.Add(low, g.num(lines)), g.vector(axis))
    begins, sides = (along.begin, across.begin), (lines, across.extent)
    step, turn = (g.vector(1, 0), 1) if axis == 0 else (g.vector(0, 1), -1)
    low = g.Add(g.Mul(low, step), g.vector(*begins[::turn]))
    return Chunks(trips, lines, starts, low, g.Add(low, g.vector(*sides[::turn])), g.vector(0, 1))
