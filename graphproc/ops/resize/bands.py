"""Band matrices: the weights of one axis, cut into blocks of consecutive outputs.

Block `b` holds outputs `b*T .. b*T + T` and the `L` input rows that they read, so a pass is one batched product of
`[blocks, T, L]` weights with `[blocks, L, ...]` gathered rows. The same integers come out whether they are computed
here in numpy (sizes known) or by nodes in the graph (`traced_bands`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.numerics.filters import NEAREST, coefficients, nearest_indices
from graphproc.ops.resize.forms import Form
from graphproc.sizes import num
from graphproc.sizes.num import Num

Array = np.ndarray[Any, Any]


GROUP_BYTES = 48 << 10
"""Bytes of a group's results, at most, unless two blocks have more; its nodes write some 20 times as much, for the cache."""
GROUP = 4
"""Blocks in a group, where it is not known how long rows are."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis to resample: `n_in` pixels to `n_out`, of which outputs `first .. first + count` are wanted.

    The outputs cover the first `extent` pixels of the input, in float32: all of them where it is None.
    """

    n_in: Num
    n_out: Num
    first: Num
    count: Num
    extent: Num | None = None

    @property
    def known(self) -> bool:
        """Whether every number is known before the image is."""
        numbers = (self.n_in, self.n_out, self.first, self.count)
        return all(isinstance(v, int) for v in numbers) and not num.is_sym(self.extent)

    @property
    def whole(self) -> bool:
        """Whether the outputs cover every pixel."""
        return self.extent is None or (not num.is_sym(self.extent) and self.extent == self.n_in)


@dataclass(frozen=True, slots=True)
class Band:
    """The rows that one axis reads and what it multiplies them by.

    Attributes:
        rows: int64 [blocks, L], or [count] without weights: input rows, counted from `begin`.
        begin, extent: the first input pixel that is read, and how many are from there to the last one.
        count: how many outputs are wanted.
        weights: [..., blocks, digits*T, L], or for each digit [..., blocks, T, L], as the form of the products wants them.
        form: the form of the products; None to only pick rows.
        length: T.
        groups: how many groups of blocks are taken one after the other.
        blocks: how many blocks a group has; the last ones may hold more outputs than are wanted.
    """

    rows: Value
    begin: Num
    extent: Num
    count: Num
    weights: tuple[Value, ...] = ()
    form: Form | None = None
    length: int = 1
    groups: Num = 1
    blocks: Num = 0

    def ungrouped(self) -> Band:
        """The same rows in one group."""
        return replace(self, groups=1, blocks=self.groups * self.blocks)


def block_groups(g: Builder, count: Num, length: int, columns: Num) -> tuple[Num, Num]:
    """How a last pass takes its blocks one group after the other, so that what a group writes stays in the cache.

    Args:
        g: the emitter's handle.
        count: how many outputs are wanted.
        length: the outputs of a block.
        columns: the bytes of an output.

    Returns:
        The number of groups, and the number of blocks that are in each: together a few more than are needed, perhaps.
    """
    blocks = (count + (length - 1)) // length
    if g.target != "cpu":
        return 1, blocks
    each = max(GROUP_BYTES // (length * columns), 2) if isinstance(columns, int) else GROUP
    groups = (blocks + (each - 1)) // each
    return groups, (blocks + (groups - 1)) // groups if isinstance(groups, int) else each


def block_length(count: int) -> int:
    """How many outputs a block holds: near 8, where products are fast, and wasting few."""
    return min(range(6, 13), key=lambda t: (-count % t / count, abs(t - 8)))


def picked_rows(g: Builder, axis: Axis, filter: str) -> Band | None:
    """The band of an axis that takes pixels as they are: nearest neighbour, or a known length that does not change."""
    n_in, n_out, first, count = axis.n_in, axis.n_out, axis.first, axis.count
    if axis.known and axis.whole and n_in == n_out:
        return Band(g.range(count, "i64"), first, count, count)
    if filter != NEAREST:
        return None
    if axis.known:
        picked = nearest_indices(num.known(n_in), num.known(n_out))[num.known(first) :][: num.known(count)]
        return Band(g.constant(picked, "i64"), 0, n_in, count)
    # Half a step, then whole steps, added up one after the other: the accumulated rounding is part of the result.
    # One step more than needed, because ONNX Runtime fails to plan memory around an Expand to nothing.
    scale = n_in / n_out
    steps = g.Expand(g.num(scale), g.vector(first + count))
    positions = g.CumSum(g.Concat(g.num(scale * 0.5), steps, axis=0), g.constant(0, "i64"))
    positions = g.Slice(positions, g.vector(first), g.vector(first + count))
    rows = g.Min(g.cast(positions, "i64"), g.num(n_in - 1))
    return Band(rows, 0, n_in, count)


def known_bands(axis: Axis, filter: str, length: int, blocks: int) -> tuple[Array, Array, int]:
    """Row indices [blocks, L], int32 weights [blocks, T, L] in units of 2**-22, and the largest number of taps."""
    n_in, n_out, first, count = (num.known(v) for v in (axis.n_in, axis.n_out, axis.first, axis.count))
    extent = None if axis.extent is None else float(axis.extent)  # type: ignore[arg-type]
    k = coefficients(n_in, n_out, filter, first, count, extent)
    output = np.minimum(np.arange(blocks * length), count - 1).reshape(blocks, length)  # repeats of the last are cut off
    start, taps = k.start[output], k.weights.shape[1]
    width = min(int((start[:, -1] - start[:, 0]).max()) + taps, n_in)
    low = np.minimum(start[:, :1], n_in - width)  # a block at the far edge starts earlier rather than reading past it
    weights = np.zeros((blocks, length, width), dtype=np.int32)
    block, row = np.indices(output.shape)
    for tap in range(taps):
        position = start - low + tap
        inside = position < width
        weights[block[inside], row[inside], position[inside]] = k.weights[output, tap][inside]
    return low + np.arange(width), weights, taps
