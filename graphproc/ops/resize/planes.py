"""Emit both axis steps over one image on a CPU, through the cache.

What one node writes is still in the cache when the next node reads it. The first axis step goes
through the image in chunks of lines. Its results lie line by line in planes, one for each channel,
in chunks:

    horizontal first:  [lines, W, C] -> T = [W, C*lines] -> [w, C*lines] -> T = [C*lines, w]        chunk by chunk
    vertical first:    [H, lines, C] = [H, lines*C] -> [h, lines*C] -> T = [lines, C*h]             chunk by chunk

The second axis step makes the planes of the result in pieces of rows, one after another. It may
process each piece further before the next one: `finish` turns the bytes of a piece into the result.

    horizontal first:  rows of a plane -> [rows, w]
    vertical first:    [W, rows of a plane] -> [w, rows] -> T = [rows, w]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ops.resize.bands import Band
from graphproc.ops.resize.chunks import chunks_of
from graphproc.ops.resize.products import Bands, product, rows_read, with_ones
from graphproc.sizes.num import Num

Finish = Callable[..., Value]
"""A function that turns a piece's bytes into the result.

It gets the bytes and, for each of its constants, the value for the piece's channel.
"""

_TURN = (1, 0)


def horizontal_first(
    g: Builder, bands: Bands, channels: int, kernel: str, finish: Finish, constants: Sequence[Value]
) -> Callable[[Value], Value]:
    """Emit the nodes that are the same for every image, with the horizontal axis step first.

    Args:
        g: the emitter's handle.
        bands: the bands of both axes.
        channels: how many channels an image has.
        kernel: the kernel's name.
        finish: what is done with a piece.
        constants: the constants of `finish`, float32 [channels, 1].

    Returns:
        A function that emits both axis steps, from an image `[H, W, C]` to pieces
        `[channels * pieces, rows, columns]`.
    """
    vertical, horizontal = bands
    pieces = vertical.axis.pieces
    with g.scope("horizontal"):
        chunks = chunks_of(g, horizontal, vertical, 0)
        across = rows_read(g, horizontal, horizontal.rows)
    with g.scope("vertical"):
        # A chunk holds its lines of one plane, then those of the next.
        rows = chunks.places(g, vertical.rows, channels * chunks.lines)
        planes = g.Mul(g.Reshape(g.range(channels, "i64"), g.vector(-1, 1, 1)), g.num(chunks.lines))
        rows = rows_read(g, vertical, g.Add(rows, planes))
        rows = g.Reshape(rows, g.vector(channels * pieces, 1, vertical.blocks, -1))
        below = _weights_of_planes(g, vertical, channels)
        repeated = [_each(g, value, pieces) for value in constants]

    def chunk(image: Value, low: Value, high: Value) -> Value:
        with g.scope("horizontal"):
            columns = channels * chunks.lines
            x = g.Transpose(chunks.cut(g, image, low, high), perm=(1, 2, 0))
            x = with_ones(g, horizontal, g.Reshape(x, g.vector(horizontal.extent, columns)), columns)
            y = _bytes(g, product(g, horizontal, x, across, horizontal.weights, kernel), columns)
            return g.Transpose(_first(g, horizontal, y, horizontal.axis.count), perm=_TURN)

    def both(image: Value) -> Value:
        with g.scope("chunks"):
            lines = g.scan((chunks.low, chunks.high), lambda low, high: chunk(image, low, high), rank=2)
        width = horizontal.axis.count

        def piece(rows: Value, *others: Value) -> Value:
            own, others = (others[0], others[1:]) if below else (None, others)
            y = _bytes(g, product(g, vertical, lines, rows, own, kernel), width)
            return finish(_first(g, vertical, y, vertical.axis.piece), *others)

        with g.scope("vertical"):
            lines = with_ones(g, vertical, g.Reshape(lines, g.vector(-1, width)), width)
            return g.scan((rows, *below, *repeated), piece, rank=2)

    return both


def vertical_first(
    g: Builder, bands: Bands, channels: int, kernel: str, rows: Num, finish: Finish, constants: Sequence[Value]
) -> Callable[[Value], Value]:
    """Emit the same with the vertical axis step first; `rows` is the number of rows of a piece."""
    vertical, horizontal = bands
    height = vertical.axis.count
    pieces = 1 if rows == height else height // rows
    with g.scope("vertical"):
        chunks = chunks_of(g, vertical, horizontal, 1)
        down = rows_read(g, vertical, vertical.rows)
    with g.scope("horizontal"):
        across = rows_read(g, horizontal, chunks.places(g, horizontal.rows, chunks.lines))
        low = g.Mul(g.Reshape(g.range(channels * pieces, "i64"), g.vector(-1, 1)), g.num(rows))
        high = g.Add(low, g.num(rows))
        repeated = [_each(g, value, pieces) for value in constants]

    def chunk(image: Value, low: Value, high: Value) -> Value:
        with g.scope("vertical"):
            columns = chunks.lines * channels
            x = g.Reshape(chunks.cut(g, image, low, high), g.vector(vertical.extent, columns))
            x = with_ones(g, vertical, x, columns)
            y = _bytes(g, product(g, vertical, x, down, vertical.weights, kernel), columns)
            if not vertical.full:
                y = g.Reshape(y, g.vector(vertical.axis.pieces, -1, columns))
                y = g.Slice(y, g.vector(0), g.num(vertical.axis.piece), g.vector(1))
                y = g.Reshape(y, g.vector(height, columns))
            return g.Reshape(g.Transpose(y, perm=_TURN), g.vector(chunks.lines, channels * height))

    def both(image: Value) -> Value:
        with g.scope("chunks"):
            turned = g.scan((chunks.low, chunks.high), lambda low, high: chunk(image, low, high), rank=2)

        def piece(low: Value, high: Value, *others: Value) -> Value:
            x = g.Slice(turned, low, high, g.vector(1))
            y = _bytes(g, product(g, horizontal, x, across, horizontal.weights, kernel), rows)
            return finish(g.Transpose(_first(g, horizontal, y, horizontal.axis.count), perm=_TURN), *others)

        with g.scope("horizontal"):
            columns = channels * height
            turned = with_ones(g, horizontal, g.Reshape(turned, g.vector(-1, columns)), columns)
            return g.scan((low, high, *repeated), piece, rank=2)

    return both


def _weights_of_planes(g: Builder, band: Band, channels: int) -> tuple[Value, ...]:
    """Emit the weights of each piece, repeated for every channel.

    They are `[channels * pieces, 1, blocks, ...]`; there are none if the axis has no products.
    """
    if band.weights is None or band.form is None:
        return ()
    every = g.Expand(band.weights, g.vector(channels, 1, 1, 1))
    sides = channels * band.axis.pieces, 1, band.blocks, band.length * band.form.digits, -1
    return (g.Reshape(every, g.vector(*sides)),)


def _bytes(g: Builder, x: Value, columns: Num) -> Value:
    """Emit the results of a product as bytes `[rows, columns]`.

    The Reshape stands before the Cast, because ONNX Runtime makes one Cast of two neighbours. Then
    a float32 number beyond 255, from which a pair's integer came, would be cast to a byte directly,
    and the result would be up to the compiler.
    """
    return g.cast(g.Reshape(x, g.vector(-1, columns)), "u8")


def _first(g: Builder, band: Band, x: Value, count: Num) -> Value:
    """Emit only the wanted rows; the blocks of a piece may hold more."""
    return x if band.full else g.Slice(x, g.vector(0), g.num(count), g.vector(0))


def _each(g: Builder, constants: Value, pieces: Num) -> Value:
    """Emit a channel's constant for each of its pieces: `[channels * pieces, 1]`."""
    if pieces == 1:
        return constants
    return g.Reshape(g.Expand(constants, g.vector(1, pieces)), g.vector(-1, 1))
