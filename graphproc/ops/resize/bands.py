"""Make band matrices: the weights of one axis, cut into blocks of consecutive outputs.

Block `b` holds the outputs `b*T .. b*T + T` and the `L` input rows that they read. So an axis step
is one batched product of `[blocks, T, L]` weights with `[blocks, L, ...]` gathered rows. The
outputs of an axis may be cut into strips of equal length. Each strip begins a block of its own. The
integers are the same whether they are computed here in numpy (sizes known) or by nodes in the graph
(`traced_bands`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.numerics.filters import NEAREST, PILLOW, PRECISION_BITS, TORCH_BYTES, coefficients, nearest_indices
from graphproc.ops.resize.forms import (
    BLOCK_LENGTH,
    PAIRED_BLOCK_LENGTH,
    SINGLE_BLOCK_LENGTH,
    ProductForm,
    float_limit,
    int8_block_length,
)
from graphproc.sizes import num
from graphproc.sizes.num import Num

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Axis:
    """Describe one axis to resample: `n_in` pixels to `n_out`.

    The outputs `first .. first + count` are wanted. All outputs together cover the first `extent`
    pixels of the input, in float32; all pixels if it is None. `strip_length` says how many outputs a strip
    has; it divides `count`.
    """

    n_in: Num
    n_out: Num
    first: Num
    count: Num
    extent: Num | None = None
    strip_length: Num = 0

    @property
    def known(self) -> bool:
        """Return whether every number is known before the image is."""
        numbers = (self.n_in, self.n_out, self.first, self.count, self.strip_length)
        return all(isinstance(v, int) for v in numbers) and not num.is_sym(self.extent)

    @property
    def whole(self) -> bool:
        """Return whether the outputs cover every pixel."""
        return self.extent is None or (not num.is_sym(self.extent) and self.extent == self.n_in)

    @property
    def covers(self) -> bool:
        """Return whether the whole result is wanted, which reads every pixel."""
        return self.extent is None and self.first == 0 and self.count == self.n_out

    @property
    def reduction(self) -> float:
        """Return by what factor the side shrinks.

        The numbers must be known.
        """
        covered = self.n_in if self.extent is None else self.extent
        return float(covered / self.n_out)  # type: ignore[arg-type]

    @property
    def strips(self) -> Num:
        """Return how many strips there are."""
        return 1 if self.strip_length == self.count else self.count // self.strip_length


@dataclass(frozen=True, slots=True)
class Band:
    """Hold the rows that one axis reads, and their weights.

    Attributes:
        axis: the axis.
        rows: int64 [1, blocks of all strips, L]: input rows, counted from `begin`.
        begin, extent: the first input pixel that is read, and how many there are from it to the
            last one that is read.
        weights: [1, blocks of all strips, outputs and their digits, L], as the form of the products
            needs them, or None.
        form: the form of the products; None if rows are only picked.
        unit: the integer that stands for a weight of 1, a power of two: a number, or float64 [1, 1,
            1].
        blocks: how many blocks a strip has.
        length: T. The last block of a strip may hold more outputs than are wanted, unless `full`.
    """

    axis: Axis
    rows: Value
    begin: Num
    extent: Num
    blocks: Num
    length: int = 1
    weights: Value | None = None
    form: ProductForm | None = None
    unit: int | Value = 1 << PRECISION_BITS

    @property
    def full(self) -> bool:
        """Return whether the blocks of a strip are known to hold exactly its outputs."""
        strip = self.axis.strip_length
        if self.form is None:
            return True
        return isinstance(strip, int) and strip % self.length == 0

    @property
    def constant(self) -> bool:
        """Return whether the products also read a row of ones."""
        return self.form is not None and self.form.constant


Bands = tuple[Band, Band]
"""The bands of the vertical and the horizontal axis."""


def block_length(count: int, reduction: float, filter: str, arithmetic: str) -> int:
    """Return how many outputs a block holds.

    It is near the fastest length that was measured, and wastes few outputs.

    Args:
        count: how many outputs there are.
        reduction: by what factor the side shrinks.
        filter: the filter's name.
        arithmetic: `pillow` or `torch_bytes`.
    """
    floats = SINGLE_BLOCK_LENGTH if arithmetic == TORCH_BYTES else PAIRED_BLOCK_LENGTH
    shrinks = floats if reduction <= float_limit(filter, arithmetic) else int8_block_length(filter)
    near = BLOCK_LENGTH if reduction < 1.3 else shrinks
    return min(range(2, 13), key=lambda t: -count % t / count + abs(t - near) / 50)


def picked_rows(g: Builder, axis: Axis, filter: str) -> Band | None:
    """Return the band of an axis that only picks pixels, or None if the axis needs products.

    Pixels are picked by Pillow's nearest filter, and on an axis with a known length that does not
    change.
    """
    n_in, n_out, first, count = axis.n_in, axis.n_out, axis.first, axis.count
    shape = g.vector(1, -1, 1)
    if axis.known and axis.whole and n_in == n_out:
        return Band(axis, g.Reshape(g.range(count, "i64"), shape), first, count, axis.strip_length)
    if filter != NEAREST:
        return None
    if axis.known:
        picked = nearest_indices(num.known(n_in), num.known(n_out))[num.known(first) :][: num.known(count)]
        return Band(axis, g.Reshape(g.constant(picked, "i64"), shape), 0, n_in, axis.strip_length)
    scale = n_in / n_out
    # Half a step, then whole steps, are added up one after another: the accumulated rounding is part of the result.
    # One step more than needed, because ONNX Runtime fails to plan memory around an Expand to nothing.
    steps = g.Expand(g.num(scale), g.vector(first + count))
    positions = g.CumSum(g.Concat(g.num(scale * 0.5), steps, axis=0), g.constant(0, "i64"))
    positions = g.Slice(positions, g.vector(first), g.vector(first + count))
    rows = g.Min(g.cast(positions, "i64"), g.num(n_in - 1))
    return Band(axis, g.Reshape(rows, shape), 0, n_in, axis.strip_length)


def known_bands(axis: Axis, filter: str, arithmetic: str = PILLOW) -> tuple[Array, Array, int]:
    """Return the bands of an axis of known sizes, for all strips.

    Returns:
        Row indices [blocks, L], int32 weights [blocks, T, L] in units of 2**-22, and the largest
        number of taps.
    """
    n_in, n_out, first, count, strip = (num.known(v) for v in (axis.n_in, axis.n_out, axis.first, axis.count, axis.strip_length))
    extent = None if axis.extent is None else float(axis.extent)  # type: ignore[arg-type]
    k = coefficients(n_in, n_out, filter, first, count, extent, arithmetic)
    length = block_length(strip, axis.reduction, filter, arithmetic)
    within = np.minimum(np.arange(-(-strip // length) * length), strip - 1)  # repeats of the last output are cut off
    output = (np.arange(count // strip)[:, None] * strip + within).reshape(-1, length)
    start, taps = k.start[output], k.weights.shape[1]
    width = min(int((start[:, -1] - start[:, 0]).max()) + taps, n_in)
    low = np.minimum(start[:, :1], n_in - width)  # a block at the far edge starts earlier rather than reading past it
    weights = np.zeros((*output.shape, width), dtype=np.int32)
    block, row = np.indices(output.shape)
    for tap in range(taps):
        position = start - low + tap
        inside = position < width
        weights[block[inside], row[inside], position[inside]] = k.weights[output, tap][inside]
    return low + np.arange(width), weights, taps
