"""The ONNX rule of resize: two banded passes over the needed region, in the order that Pillow takes.

An image is handled as a matrix whose rows are the axis being resampled, because gathering whole rows and transposing
matrices are the only cheap data movements. `[H, W*C]` serves the vertical pass as it is; its transpose, read as
`[W, C*H]`, serves the horizontal one. Each pass leaves the other axis one transpose away:

    vertical first:    [H, W*C] -> [h, W*C] -> T = [W, C*h] -> [w, C*h] -> T = [C, h, w]
    horizontal first:  T = [W, C*H] -> [w, C*H] = [w*C, H] -> T = [H, w*C] -> [h, w*C] = [h*w, C] -> T = [C, h, w]

The first pass, which reads the whole region, goes through it in chunks (`chunks.py`), the second one in groups of blocks,
and several images come one after the other, so that what one node writes is still in the processor's cache when the next
one reads it. Leading batch axes are one axis, in front of everything.
"""

from __future__ import annotations

from collections.abc import Callable

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.numerics.filters import NEAREST
from graphproc.ops.resize.bands import Axis
from graphproc.ops.resize.chunks import Images, by_chunks
from graphproc.ops.resize.products import Bands, prepared_pass, with_bands
from graphproc.sizes.num import Bool, Num

_SWAP = (0, 2, 1)


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
    extent: tuple[Num, ...] = (),
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
        extent: (height, width) in pixels, whole or not, of the part of the input that is resized; empty for all of it.

    Returns:
        Pixels `[lead axes..., C, window height, window width]`.
    """
    top, left, height, width = window
    rows, columns = extent or (None, None)
    axes = Axis(size_in[0], size_out[0], top, height, rows), Axis(size_in[1], size_out[1], left, width, columns)
    if filter == NEAREST:
        vertical_first = True  # no arithmetic, so no order; picking rows first moves the least
    # Reshape finds the length of one leading axis by itself; more must be told.
    leading = (g.Shape(x, start=0, end=lead),) if lead > 1 else (-1,) * lead
    images = Images(*size_in, channels)
    pixels = g.Reshape(x, g.vector(-1, size_in[0], size_in[1] * channels))

    def passes(bands: Bands) -> Value:
        return g.cond(
            vertical_first,
            lambda: each(_vertical_first(g, images, bands)),
            lambda: each(_horizontal_first(g, images, bands)),
            names=("vertical_first", "horizontal_first"),
        )

    def each(both: Callable[[Value], Value]) -> Value:
        if g.target != "cpu" or lead == 0 or filter == NEAREST:
            return both(pixels)
        return g.scan((pixels,), lambda image: both(g.Unsqueeze(image, g.vector(0))), rank=3)

    return g.Reshape(with_bands(g, axes, channels, filter, passes), g.vector(*leading, channels, height, width))


def _vertical_first(g: Builder, images: Images, bands: Bands) -> Callable[[Value], Value]:
    vertical, horizontal = bands(0, False), bands(1, True)
    turned = g.vector(0, -1, images.channels * vertical.count)
    with g.scope("vertical"):
        rows = prepared_pass(g, vertical, vertical.count, -1)

    def first(x: Value) -> Value:
        """`[n, H, W*C]` to `[n, W, C*h]`."""
        with g.scope("vertical"):
            return g.Reshape(g.Transpose(rows(x), perm=_SWAP), turned)

    chunks, horizontal = by_chunks(g, images, vertical, horizontal, 2, first)
    with g.scope("horizontal"):
        columns = prepared_pass(g, horizontal, horizontal.count, -1)

    def both(x: Value) -> Value:
        x = chunks(x)
        with g.scope("horizontal"):
            return g.Transpose(columns(x), perm=_SWAP)

    return both


def _horizontal_first(g: Builder, images: Images, bands: Bands) -> Callable[[Value], Value]:
    vertical, horizontal = bands(0, True), bands(1, False)
    turned = g.vector(0, horizontal.extent, -1)
    with g.scope("horizontal"):
        columns = prepared_pass(g, horizontal, horizontal.count * images.channels, -1)

    def first(x: Value) -> Value:
        """`[n, H, W*C]` to `[n, H, w*C]`."""
        with g.scope("horizontal"):
            return g.Transpose(columns(g.Reshape(g.Transpose(x, perm=_SWAP), turned)), perm=_SWAP)

    chunks, vertical = by_chunks(g, images, horizontal, vertical, 1, first)
    with g.scope("vertical"):
        rows = prepared_pass(g, vertical, -1, images.channels)

    def both(x: Value) -> Value:
        x = chunks(x)
        with g.scope("vertical"):
            return g.Transpose(rows(x), perm=_SWAP)

    return both
