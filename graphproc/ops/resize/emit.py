"""The ONNX rule of resize: two banded passes over the needed region, in the order that Pillow takes.

An image is handled as a matrix whose rows are the axis being resampled, because gathering whole rows and transposing
matrices are the only cheap data movements. `[H, W*C]` serves the vertical pass as it is; its transpose, read as
`[W, C*H]`, serves the horizontal one. Each pass leaves the other axis one transpose away:

    vertical first:    [H, W*C] -> [h, W*C] -> T = [W, C*h] -> [w, C*h] -> T = [C, h, w]
    horizontal first:  T = [W, C*H] -> [w, C*H] = [w*C, H] -> T = [H, w*C] -> [h, w*C] = [h*w, C] -> T = [C, h, w]

The two orders differ in one transpose at the start and in the shapes of three reshapes, so a graph for images of any
size holds both at the cost of one `If`. Leading batch axes stay in front of everything.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.numerics.filters import FILTERS, NEAREST
from graphproc.ops.resize.products import emit_nearest, emit_pass
from graphproc.sizes import num
from graphproc.sizes.num import Bool, Num


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis to resample: `n_in` pixels to `n_out`, of which outputs `first .. first + count` are wanted.

    `begin .. end` are the input pixels that those outputs read.
    """

    n_in: Num
    n_out: Num
    first: Num
    count: Num
    begin: Num = 0
    end: Num = 0

    @property
    def whole(self) -> bool:
        """Whether every output is wanted."""
        return self.first == 0 and self.count == self.n_out

    def with_region(self, filter: str) -> Axis:
        """The axis with the input pixels that it reads: all, or from the first output's support to the last one's."""
        if self.whole or filter == NEAREST:
            return Axis(self.n_in, self.n_out, self.first, self.count, 0, self.n_in)
        scale = self.n_in / self.n_out
        support = FILTERS[filter].support * num.maximum(scale, 1.0)
        low = num.floor((num.as_float(self.first) + 0.5) * scale - support + 0.5)
        high = num.floor((num.as_float(self.first + self.count - 1) + 0.5) * scale + support + 0.5)
        begin, end = num.maximum(low, 0), num.minimum(high, self.n_in)
        return Axis(self.n_in, self.n_out, self.first, self.count, begin, end)


def _either(condition: Bool, a: Axis, b: Axis) -> Axis:
    """The axis `a` where the condition holds, else `b`."""
    pairs = ((getattr(a, f), getattr(b, f)) for f in ("n_in", "n_out", "first", "count", "begin", "end"))
    return Axis(*(num.where(condition, x, y) for x, y in pairs))


def emit_resize(
    g: Builder,
    x: Value,
    lead: int,
    channels: Num,
    size_in: tuple[Num, Num],
    size_out: tuple[Num, Num],
    window: tuple[Num, ...],
    filter: str,
    vertical_first: Bool,
) -> Value:
    """Emit a resize with a window.

    Args:
        g: the emitter's handle.
        x: pixels `[lead axes..., H, W, C]`.
        lead: the number of leading axes.
        channels: C.
        size_in: (height, width) of the input.
        size_out: (height, width) of the whole result.
        window: (top, left, height, width) of the part of the result that is wanted.
        filter: the filter's name.
        vertical_first: which pass comes first.

    Returns:
        Pixels `[lead axes..., C, window height, window width]`.
    """
    keep = [0] * lead  # Reshape copies these axes
    top, left, height, width = window
    rows = Axis(size_in[0], size_out[0], top, height).with_region(filter)
    columns = Axis(size_in[1], size_out[1], left, width).with_region(filter)
    swap = [*range(lead), lead + 1, lead]
    with g.scope("resize"):
        x = g.Reshape(x, g.vector(*keep, size_in[0], size_in[1] * channels))
        if (rows.begin, rows.end, columns.begin, columns.end) != (0, size_in[0], 0, size_in[1]):
            starts, ends = (rows.begin, columns.begin * channels), (rows.end, columns.end * channels)
            x = g.Slice(x, g.vector(*starts), g.vector(*ends), g.vector(lead, lead + 1))
        if filter == NEAREST:
            vertical_first = True  # no arithmetic, so no order; picking rows first moves the least
        first, second = _either(vertical_first, rows, columns), _either(vertical_first, columns, rows)
        region_height, region_width = rows.end - rows.begin, columns.end - columns.begin
        names = ("first", "second")
        if isinstance(vertical_first, bool):
            names = ("vertical", "horizontal") if vertical_first else ("horizontal", "vertical")
        resample = emit_nearest if filter == NEAREST else emit_pass

        x = g.cond(vertical_first, lambda: x, lambda: g.Transpose(x, perm=swap))
        if vertical_first is not True:
            x = g.Reshape(x, g.vector(*keep, first.end - first.begin, -1))
        with g.scope(names[0]):
            x = resample(g, x, lead, first, filter)
        if vertical_first is not True:
            x = g.Reshape(x, g.vector(*keep, -1, num.where(vertical_first, region_width * channels, region_height)))
        x = g.Transpose(x, perm=swap)
        if vertical_first is not False:
            x = g.Reshape(x, g.vector(*keep, second.end - second.begin, -1))
        with g.scope(names[1]):
            x = resample(g, x, lead, second, filter)
        if vertical_first is not True:
            x = g.Reshape(x, g.vector(*keep, -1, num.where(vertical_first, height * channels, channels)))
        x = g.Transpose(x, perm=swap)
        return g.Reshape(x, g.vector(*keep, channels, height, width))
