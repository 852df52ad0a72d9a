"""Cut the image into strips for the first axis step.

An axis step writes several times the bytes that it reads: gathered rows, float32 copies, one sum
for each digit. In strips, most of the data stays in the cache, and the image is read once without
first copying the region.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ops.resize.bands import Band
from graphproc.sizes import num
from graphproc.sizes.num import Num

MOST_LENGTH, MOST_LENGTH_IF_WIDE = 144, 64
"""The largest length of a strip, in pixels; the second number is for wide strips.

Products are faster the longer a strip is.
"""
WIDE = 2400
"""A strip is wide from this number of pixels on."""
VECTOR = 8
"""How many numbers products and transposes process at a time.

A remainder of fewer numbers costs as much.
"""


@dataclass(frozen=True, slots=True)
class InputStrips:
    """Describe strips of an image, all equally long.

    A strip is as wide as the region, along the axis that is resampled. If the strips do not fit,
    the last one overlaps the one before: 250 rows in strips of 128 begin at rows 0 and 122.

    Attributes:
        count: how many strips there are.
        length: how many rows a strip has, or columns if the first axis step is vertical.
        starts: int64 [count], where each begins in the region, in pixels.
        low, high: int64 [count, axes], where each begins and ends on those axes of the image.
        axes: int64, the axes of the image that a strip is only a part of.
    """

    count: Num
    length: Num
    starts: Value
    low: Value
    high: Value
    axes: Value

    def cut(self, g: Builder, image: Value, low: Value, high: Value) -> Value:
        """Emit a strip of an image `[H, W, C]`."""
        return g.Slice(image, low, high, self.axes)

    def places(self, g: Builder, pixels: Value, stride: Num) -> Value:
        """Emit where pixels of the region are if the strips lie `stride` apart.

        The pixels are places on the axis of the length, counted from the region's first one.
        """
        if self.count == 1:
            return pixels
        moved = g.Sub(g.Mul(g.range(self.count, "i64"), g.num(stride)), self.starts)
        return g.Add(pixels, g.Gather(moved, g.Div(pixels, g.num(self.length)), axis=0))


def input_strips(g: Builder, across: Band, along: Band, axis: int) -> InputStrips:
    """Cut the region that both axis steps read into strips for the first one.

    Args:
        g: the emitter's handle.
        across: the axis of the first axis step; strips have its whole width.
        along: the axis of the second axis step; strips are cut along it.
        axis: which axis of the image the second one is: 0 for rows, 1 for columns.
    """
    last = along.extent - 1
    count = last // num.where(across.extent < WIDE, MOST_LENGTH, MOST_LENGTH_IF_WIDE) + 1
    length = num.minimum((last // (count * VECTOR) + 1) * VECTOR, along.extent)
    starts = g.Min(g.Mul(g.range(count, "i64"), g.num(length)), g.num(along.extent - length))
    low = g.Reshape(starts, g.vector(-1, 1))
    if (across.begin, across.extent, along.begin) == (0, across.axis.n_in, 0):
        return InputStrips(count, length, starts, low, g.Add(low, g.num(length)), g.vector(axis))
    begins, sides = (along.begin, across.begin), (length, across.extent)
    step, turn = (g.vector(1, 0), 1) if axis == 0 else (g.vector(0, 1), -1)
    low = g.Add(g.Mul(low, step), g.vector(*begins[::turn]))
    return InputStrips(count, length, starts, low, g.Add(low, g.vector(*sides[::turn])), g.vector(0, 1))
