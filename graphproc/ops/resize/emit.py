"""The ONNX rule of resize: two banded passes over the needed region, in the order that Pillow takes.

An image is handled as a matrix whose rows are the axis being resampled, because gathering whole rows and transposing
matrices are the only cheap data movements. `[H, W*C]` serves the vertical pass as it is; its transpose, read as
`[W, C*H]`, serves the horizontal one. Each pass leaves the other axis one transpose away:

    vertical first:    [H, W*C] -> [h, W*C] -> T = [W, C*h] -> [w, C*h] -> T = [C, h, w]
    horizontal first:  T = [W, C*H] -> [w, C*H] = [w*C, H] -> T = [H, w*C] -> [h, w*C] = [h*w, C] -> T = [C, h, w]

The first pass, which reads the whole region, goes through it in chunks that stay in the processor's cache (`chunks.py`).
Leading batch axes are one axis, in front of everything.
"""

from __future__ import annotations

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.numerics.filters import NEAREST
from graphproc.ops.resize.bands import Axis, Band
from graphproc.ops.resize.chunks import Images, by_chunks
from graphproc.ops.resize.products import emit_pass, with_bands
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
    pixels = g.Reshape(x, g.vector(-1, size_in[0], size_in[1] * channels))
    images = Images(pixels, *size_in, channels, batched=lead > 0)

    def passes(vertical: Band, horizontal: Band) -> Value:
        return g.cond(
            vertical_first,
            lambda: _vertical_first(g, images, vertical, horizontal),
            lambda: _horizontal_first(g, images, vertical, horizontal),
            names=("vertical_first", "horizontal_first"),
        )

    return g.Reshape(with_bands(g, axes, filter, passes), g.vector(*leading, channels, height, width))


def _vertical_first(g: Builder, images: Images, vertical: Band, horizontal: Band) -> Value:
    flat, turned = g.vector(0, vertical.count, -1), g.vector(0, -1, images.channels * vertical.count)

    def first(x: Value) -> Value:
        """`[n, H, W*C]` to `[n, W, C*h]`."""
        with g.scope("vertical"):
            return g.Reshape(g.Transpose(emit_pass(g, x, vertical, flat), perm=_SWAP), turned)

    x, horizontal = by_chunks(g, images, vertical, horizontal, 2, first)
    with g.scope("horizontal"):
        return g.Transpose(emit_pass(g, x, horizontal, g.vector(0, horizontal.count, -1), by_groups=True), perm=_SWAP)


def _horizontal_first(g: Builder, images: Images, vertical: Band, horizontal: Band) -> Value:
    turned, back = g.vector(0, horizontal.extent, -1), g.vector(0, horizontal.count * images.channels, -1)

    def first(x: Value) -> Value:
        """`[n, H, W*C]` to `[n, H, w*C]`."""
        with g.scope("horizontal"):
            x = emit_pass(g, g.Reshape(g.Transpose(x, perm=_SWAP), turned), horizontal, back)
            return g.Transpose(x, perm=_SWAP)

    x, vertical = by_chunks(g, images, horizontal, vertical, 1, first)
    with g.scope("vertical"):
        x = emit_pass(g, x, vertical, g.vector(0, -1, images.channels), by_groups=True)
        return g.Transpose(x, perm=_SWAP)
