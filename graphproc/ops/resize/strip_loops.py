"""Emit both axis steps over one image on a CPU, strip by strip.

What one node writes is still in the cache when the next node reads it. The first axis step goes
through strips of the image. In each of its results, the channels lie one
after another:

    horizontal first:  [length, W, C] -> T = [W, C*length] -> [w, C*length] -> T = [C*length, w]
    vertical first:    [H, length, C] = [H, length*C] -> [h, length*C] -> T = [length, C*h]

The second axis step makes the channels of the result in strips of rows, one after another. It may
process each strip further before the next one: `finish` turns the bytes of a strip into the result.

    horizontal first:  rows of a channel -> [rows, w]
    vertical first:    [W, rows of a channel] -> [w, rows] -> T = [rows, w]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ops.resize.bands import Band, Bands
from graphproc.ops.resize.input_strips import input_strips
from graphproc.ops.resize.products import product, rows_read, with_ones
from graphproc.sizes.num import Num

FinishStrip = Callable[..., Value]
"""A function that turns the bytes of a strip of the result into the result.

It gets the bytes and, for each of its constants, the value for the strip's channel.
"""

_TURN = (1, 0)


def emit_horizontal_first(
    g: Builder, bands: Bands, channels: int, filter: str, finish: FinishStrip, constants: Sequence[Value]
) -> Callable[[Value], Value]:
    """Emit the nodes that are the same for every image, with the horizontal axis step first.

    Args:
        g: the emitter's handle.
        bands: the bands of both axes.
        channels: how many channels an image has.
        filter: the filter's name.
        finish: what is done with a strip of the result.
        constants: the constants of `finish`, float32 [channels, 1].

    Returns:
        A function that emits both axis steps, from an image `[H, W, C]` to strips
        `[channels * strips, rows, columns]`.
    """
    vertical, horizontal = bands
    strips = vertical.axis.strips
    with g.scope("horizontal"):
        read = input_strips(g, horizontal, vertical, 0)
        across = rows_read(g, horizontal, horizontal.rows)
    with g.scope("vertical"):
        # The result of an input strip holds its rows of one channel, then those of the next.
        rows = read.places(g, vertical.rows, channels * read.length)
        channel_starts = g.Mul(g.Reshape(g.range(channels, "i64"), g.vector(-1, 1, 1)), g.num(read.length))
        rows = rows_read(g, vertical, g.Add(rows, channel_starts))
        rows = g.Reshape(rows, g.vector(channels * strips, 1, vertical.blocks, -1))
        below = _weights_of_channels(g, vertical, channels)
        repeated = [_for_each_strip(g, value, strips) for value in constants]

    def first_step(image: Value, low: Value, high: Value) -> Value:
        with g.scope("horizontal"):
            columns = channels * read.length
            x = g.Transpose(read.cut(g, image, low, high), perm=(1, 2, 0))
            x = with_ones(g, horizontal, g.Reshape(x, g.vector(horizontal.extent, columns)), columns)
            y = _bytes(g, product(g, horizontal, x, across, horizontal.weights, filter), columns)
            return g.Transpose(_first(g, horizontal, y, horizontal.axis.count), perm=_TURN)

    def both(image: Value) -> Value:
        with g.scope("strips"):
            between = g.scan((read.low, read.high), lambda low, high: first_step(image, low, high), rank=2)
        width = horizontal.axis.count

        def second_step(rows: Value, *others: Value) -> Value:
            own, others = (others[0], others[1:]) if below else (None, others)
            y = _bytes(g, product(g, vertical, between, rows, own, filter), width)
            return finish(_first(g, vertical, y, vertical.axis.strip_length), *others)

        with g.scope("vertical"):
            between = with_ones(g, vertical, g.Reshape(between, g.vector(-1, width)), width)
            return g.scan((rows, *below, *repeated), second_step, rank=2)

    return both


def emit_vertical_first(
    g: Builder, bands: Bands, channels: int, filter: str, rows: Num, finish: FinishStrip, constants: Sequence[Value]
) -> Callable[[Value], Value]:
    """Emit the same with the vertical axis step first.

    `rows` is the number of rows of a strip of the result.
    """
    vertical, horizontal = bands
    height = vertical.axis.count
    strips = 1 if rows == height else height // rows
    with g.scope("vertical"):
        read = input_strips(g, vertical, horizontal, 1)
        down = rows_read(g, vertical, vertical.rows)
    with g.scope("horizontal"):
        across = rows_read(g, horizontal, read.places(g, horizontal.rows, read.length))
        low = g.Mul(g.Reshape(g.range(channels * strips, "i64"), g.vector(-1, 1)), g.num(rows))
        high = g.Add(low, g.num(rows))
        repeated = [_for_each_strip(g, value, strips) for value in constants]

    def first_step(image: Value, low: Value, high: Value) -> Value:
        with g.scope("vertical"):
            columns = read.length * channels
            x = g.Reshape(read.cut(g, image, low, high), g.vector(vertical.extent, columns))
            x = with_ones(g, vertical, x, columns)
            y = _bytes(g, product(g, vertical, x, down, vertical.weights, filter), columns)
            if not vertical.full:
                y = g.Reshape(y, g.vector(vertical.axis.strips, -1, columns))
                y = g.Slice(y, g.vector(0), g.num(vertical.axis.strip_length), g.vector(1))
                y = g.Reshape(y, g.vector(height, columns))
            return g.Reshape(g.Transpose(y, perm=_TURN), g.vector(read.length, channels * height))

    def both(image: Value) -> Value:
        with g.scope("strips"):
            between = g.scan((read.low, read.high), lambda low, high: first_step(image, low, high), rank=2)

        def second_step(low: Value, high: Value, *others: Value) -> Value:
            x = g.Slice(between, low, high, g.vector(1))
            y = _bytes(g, product(g, horizontal, x, across, horizontal.weights, filter), rows)
            return finish(g.Transpose(_first(g, horizontal, y, horizontal.axis.count), perm=_TURN), *others)

        with g.scope("horizontal"):
            columns = channels * height
            between = with_ones(g, horizontal, g.Reshape(between, g.vector(-1, columns)), columns)
            return g.scan((low, high, *repeated), second_step, rank=2)

    return both


def _weights_of_channels(g: Builder, band: Band, channels: int) -> tuple[Value, ...]:
    """Emit the weights of each strip, repeated for every channel.

    They are `[channels * strips, 1, blocks, ...]`; there are none if the axis has no products.
    """
    if band.weights is None or band.form is None:
        return ()
    every = g.Expand(band.weights, g.vector(channels, 1, 1, 1))
    sides = channels * band.axis.strips, 1, band.blocks, band.length * band.form.digits, -1
    return (g.Reshape(every, g.vector(*sides)),)


def _bytes(g: Builder, x: Value, columns: Num) -> Value:
    """Emit the results of a product as bytes `[rows, columns]`.

    The Reshape stands before the Cast, because ONNX Runtime makes one Cast of two neighbours. Then
    a float32 number beyond 255, from which a pair's integer came, would be cast to a byte directly,
    and the result would be up to the compiler.
    """
    return g.cast(g.Reshape(x, g.vector(-1, columns)), "u8")


def _first(g: Builder, band: Band, x: Value, count: Num) -> Value:
    """Emit only the wanted rows; the blocks of a strip may hold more."""
    return x if band.full else g.Slice(x, g.vector(0), g.num(count), g.vector(0))


def _for_each_strip(g: Builder, constants: Value, strips: Num) -> Value:
    """Emit a channel's constant for each of its strips: `[channels * strips, 1]`."""
    if strips == 1:
        return constants
    return g.Reshape(g.Expand(constants, g.vector(1, strips)), g.vector(-1, 1))
