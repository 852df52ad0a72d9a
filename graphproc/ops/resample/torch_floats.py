"""Interpolate float pixels linearly or cubically as torch does, without rounding to bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from graphproc.errors import EmitError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array
from graphproc.numerics.fused import multiply_add
from graphproc.numerics.interpolation import ALIGNED, narrowed, wide_linear_taps
from graphproc.ops.resample.arithmetic import Arithmetic
from graphproc.ops.resample.both_axes import along_both
from graphproc.ops.resample.float_taps import TAPS, TapNodes, emit_taps
from graphproc.sizes import num
from graphproc.sizes.num import Num

if TYPE_CHECKING:
    from graphproc.ops.resample.op import Resample

TORCH_FLOATS, TORCH_UNFUSED = "torch_floats", "torch_unfused"
"""The names of this file's arithmetics."""
AT_ONCE_SIDES = 128
"""The largest sum of the height and width, in pixels, of a linear result that torch computes at once.

It then weighs four pixels for each output, instead of going along one axis after the other. For
example, 64 x 64 is computed at once, 64 x 65 is not.
"""
TapOrder = tuple[tuple[int, int], ...]
"""An order in which four pixels are added up at once.

Each is (row, column), with 0 for the nearer of two and 1 for the farther.
"""
FARTHER_COLUMN_FIRST: TapOrder = ((0, 1), (0, 0), (1, 0), (1, 1))
BY_ROWS: TapOrder = ((0, 0), (0, 1), (1, 0), (1, 1))
FARTHER_ROW_FIRST: TapOrder = ((1, 0), (1, 1), (0, 1), (0, 0))
BACKWARDS: TapOrder = ((1, 1), (1, 0), (0, 1), (0, 0))
VECTOR = 32
"""How many bytes of channels fill a vector register."""
AT_ONCE: Mapping[str, tuple[int, TapOrder, TapOrder]] = {
    "f64": (8, FARTHER_ROW_FIRST, FARTHER_COLUMN_FIRST),
    "f32": (4, FARTHER_ROW_FIRST, FARTHER_COLUMN_FIRST),
    "f16": (2, BACKWARDS, BY_ROWS),
    "bf16": (2, FARTHER_ROW_FIRST, FARTHER_COLUMN_FIRST),
}
"""For each type of pixels: its bytes, and two orders.

The first order is for channels that fill a vector register, the second for the others. Found by
comparing results with torch 2.14's on a processor with AVX2.
"""
UNROLLED = 24
"""The most taps that get nodes of their own; more taps are a loop."""
STRIP_ROWS = 8
"""How many rows of a result are computed at a time if the image's size is not known."""
STRIP_ELEMENTS = 40_000
"""About how many elements of a result are computed at a time if the size is known.

They stay in the cache.
"""


class TorchFloats(Arithmetic):
    """Compute torch's bits, with float64 where torch rounds a product together with a sum.

    How many taps an antialiased filter has depends on how much the image shrinks. The others have
    two or four, between pixel centres, or between the centres of the corner pixels
    (`bilinear-aligned`, torch's `align_corners=True`). Rows are resampled first.

    Rounding: weights and positions in float32 as in torch, then float32 after each sum, in torch's
              order. The results are torch's bits on processors with AVX2. For f64 pixels,
              everything is float64 (`bilinear-aligned` within 1e-15). Narrower pixels are held in
              f32, and so are their sums. torch rounds their weights, too, but not where it computes
              both axes at once.
    Source:   `torch.nn.functional.interpolate(mode="bilinear")` and `"bicubic"`; see
              `graphproc.numerics.interpolation`.
    """

    name = TORCH_FLOATS
    antialiased = ("bilinear", "bicubic")
    plain = ("bilinear", ALIGNED, "bicubic")
    dtypes = ("f32", "f64")
    settings = ("weights",)
    fused: bool = True

    def numpy(self, op: Resample, x: Array) -> Array:
        """Add up tap by tap, one axis after the other, or both axes at once for small results."""
        if x.dtype == np.float16:  # an image of this type: positions and sums of 11 bits would be far off
            return self.numpy(replace(op, weights="f16"), x.astype(np.float32)).astype(np.float16)
        if self._may_be_at_once(op) and num.known(op.height) + num.known(op.width) <= AT_ONCE_SIDES:
            return _numpy_at_once(op, x)
        real = x.dtype.type
        for axis, side in ((-1, op.width), (-2, op.height)):
            if side == x.shape[axis] and op.antialias:
                continue  # one tap of weight 1
            taps = TAPS[op.filter, op.antialias](x.shape[axis], num.known(side), real)
            if op.weights:
                taps = narrowed(taps, op.weights)
            x = np.moveaxis(x, axis, -1)
            total = x[..., taps.index[:, 0]] * taps.weights[:, 0]
            for tap in range(1, taps.index.shape[1]):
                pixels, weights = x[..., taps.index[:, tap]], taps.weights[:, tap]
                if self.fused and tap >= taps.rounded:
                    more = multiply_add(pixels, weights, total, real)
                else:
                    more = total + pixels * weights
                total = more if taps.own is None else np.where(taps.own[:, tap], more, total)
            x = np.moveaxis(total, -1, axis)
        return np.ascontiguousarray(x)

    def onnx(self, op: Resample, g: Builder, x: Value) -> Value:
        """Emit sums of gathered rows of pixels, on the image's transpose for the first axis.

        Raises:
            EmitError: the pixels are f64, or weights are narrower than f32.
        """
        if g.type_of(x).dtype != "f32" or op.weights not in ("", "f32"):
            found = op.weights or g.type_of(x)
            raise EmitError(f"resample: expected pixels of f32 in a graph, got {found}. Use the engine 'numpy'.")
        if not self._may_be_at_once(op):
            return self._axis_by_axis(op, g, x)
        small = op.height + op.width <= AT_ONCE_SIDES
        if isinstance(small, bool):
            return _at_once(op, g, x) if small else self._axis_by_axis(op, g, x)
        return g.cond(small, lambda: _at_once(op, g, x), lambda: self._axis_by_axis(op, g, x), names=("small", "large"))

    def _may_be_at_once(self, op: Resample) -> bool:
        """Return whether torch computes small results of this kind at once."""
        return self.fused and not op.antialias and op.filter != "bicubic"

    def _axis_by_axis(self, op: Resample, g: Builder, x: Value) -> Value:
        """Emit both axis steps, along the rows first."""
        t = g.type_of(x)
        sides = {"H": (t.size("H"), op.height), "W": (t.size("W"), op.width)}

        def emit(rows: Value, axis: str) -> Value:
            n_in, n_out = sides[axis]
            if n_in == n_out and op.antialias:
                return rows  # one tap of weight 1
            along = t.size("C") * {"H": t.size("W"), "W": t.size("H") if axis == "W" else op.height}[axis]
            return _weighed(g, rows, emit_taps(g, op.filter, op.antialias, n_in, n_out), self.fused, n_out, along)

        return along_both(g, x, (op.height, op.width), emit, ("W", "H"))


class TorchUnfused(TorchFloats):
    """Compute the same sums without float64: every product is rounded by itself.

    Rounding: float32 after each product and sum, in torch's order; within 1e-6 of torch's for
              values in [0, 1], 2e-7 in practice.
    Source:   that of `torch_floats`.
    """

    name = TORCH_UNFUSED
    fused = False


def _numpy_at_once(op: Resample, x: Array) -> Array:
    """Compute each output of a linear result from its four pixels."""
    wide = x.dtype == np.float64 and op.filter == "bilinear"
    taps = wide_linear_taps if wide else partial(TAPS[op.filter, op.antialias], real=x.dtype.type)
    rows, columns = (taps(n, num.known(side)) for n, side in zip(x.shape[-2:], (op.height, op.width), strict=True))
    parts = []
    for channels, order in _orders(x.shape[-3], op.weights or f"f{8 * x.dtype.itemsize}"):
        total = np.zeros((), dtype=x.dtype)
        for row, column in order:  # taps have the farther pixel first
            pixels = x[..., channels, rows.index[:, 1 - row, None], columns.index[:, 1 - column]]
            weights = rows.weights[:, 1 - row, None] * columns.weights[:, 1 - column]
            total = multiply_add(pixels, weights, total, x.dtype.type)
        parts.append(total)
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-3)


def _at_once(op: Resample, g: Builder, x: Value) -> Value:
    """Emit the nodes of `_numpy_at_once`."""
    t = g.type_of(x)
    first = t.rank + g.leading - 2
    sides = ((t.size("H"), op.height), (t.size("W"), op.width))
    axes = [emit_taps(g, op.filter, op.antialias, n_in, n_out) for n_in, n_out in sides]
    (near_rows, far_rows), (near_columns, far_columns) = ([*a.fused, a.rounded_tap(g)] for a in axes)
    parts = []
    orders = _orders(t.channels, "f32")
    for channels, order in orders:
        part = x if len(orders) == 1 else g.Slice(x, g.vector(channels.start), g.vector(channels.stop), g.vector(first - 1))
        lines = [g.Gather(part, place, axis=first) for place, _ in (near_rows, far_rows)]
        total = None
        for row, column in order:
            place, across = (near_columns, far_columns)[column]
            weight = g.Mul((near_rows, far_rows)[row][1], g.Transpose(across, perm=[1, 0]))
            pixels = g.Gather(lines[row], place, axis=first + 1)
            total = g.Mul(pixels, weight) if total is None else _plus_fused(g, total, pixels, weight)
        parts.append(total)
    return parts[0] if len(parts) == 1 else g.Concat(*parts, axis=first - 1)


def _orders(channels: int, kind: str) -> list[tuple[slice, TapOrder]]:
    """Return groups of channels, each with the order in which its pixels are added up.

    This is for a linear result that is computed at once, of pixels of the type `kind`.

    Source:   torch's compiled code for channels that lie side by side
              (`cpu_upsample_linear_channels_last`). It computes channels together that fill a
              vector register, and the rest one by one. Its compiler put the products of the two in
              different orders.
    """
    size, together, others = AT_ONCE[kind]
    whole = channels * size // VECTOR * VECTOR // size
    parts = [(slice(0, whole), together), (slice(whole, channels), others)]
    return [(part, order) for part, order in parts if part.start < part.stop]


def _weighed(g: Builder, x: Value, taps: TapNodes, fused: bool, n_out: Num, columns: Num) -> Value:
    """Emit sums of weighed rows of `x`, `[n_out, any]`, strip by strip.

    Args:
        g: the emitter's handle.
        x: a matrix with about `columns` columns.
        taps: the rows to add up, and their weights.
        fused: whether the products of `taps.fused` are fused with their sums.
        n_out: how many sums there are.
        columns: how many elements each sum has for one image.
    """
    length = STRIP_ROWS
    if isinstance(n_out, int) and isinstance(columns, int):
        if n_out * columns <= 2 * STRIP_ELEMENTS:
            rows, weights = taps.all(g)
            return g.Squeeze(_sums(g, x, rows, weights, taps, fused), g.vector(0))
        length = _strip_length(n_out, max(STRIP_ELEMENTS // columns, 1))
    strips = -((0 - n_out) // length)
    rows, weights = taps.all(g)
    if n_out != strips * length:  # the last strip repeats the last row
        places = g.Min(g.range(strips * length, "i64"), g.num(n_out - 1))
        rows, weights = g.Gather(rows, places, axis=1), g.Gather(weights, places, axis=1)
    rows = g.Transpose(g.Reshape(rows, g.vector(0, strips, length)), perm=[1, 0, 2])
    weights = g.Transpose(g.Reshape(weights, g.vector(0, strips, length, 1)), perm=[1, 0, 2, 3])
    sums = g.scan((rows, weights), lambda row, weight: _sums(g, x, row, weight, taps, fused), rank=3)
    sums = g.Reshape(sums, g.vector(strips * length, -1))
    return g.Slice(sums, g.vector(0), g.vector(n_out), g.vector(0)) if n_out != strips * length else sums


def _strip_length(n_out: int, wanted: int) -> int:
    """Return how many rows a strip has.

    It divides the number of outputs, if such a length is near the wanted one.
    """
    near = [length for length in range(max(wanted // 2, 1), 2 * wanted + 1) if n_out % length == 0]
    return min(near, key=lambda length: abs(length - wanted)) if near else min(wanted, n_out)


def _sums(g: Builder, x: Value, rows: Value, weights: Value, taps: TapNodes, fused: bool) -> Value:
    """Emit the sums `[1, outputs, any]`.

    `rows` is `[taps, outputs]` and `weights` `[taps, outputs, 1]`, with those of `taps.fused` last.
    """
    others = len(taps.fused)

    def product(row: Value, weight: Value) -> Value:
        return g.Mul(g.Gather(x, row, axis=0), weight)

    if isinstance(taps.count, int) and taps.count <= UNROLLED:
        count = taps.count + others
        ones = g.vector(*[1] * count)
        split = [g.Split(v, ones, axis=0, outputs=count) if count > 1 else [v] for v in (rows, weights)]
        pairs = list(zip(*split, strict=True))
        total = product(*pairs[0])
        for pair in pairs[1 : taps.count]:
            total = g.Add(total, product(*pair))
        last = pairs[taps.count :]
    else:

        def at(tap: Value) -> tuple[Value, Value]:
            return g.Gather(rows, tap, axis=0), g.Gather(weights, tap, axis=0)

        one = g.vector(1)
        count = g.constant(taps.count - 1, "i64") if isinstance(taps.count, int) else g.Sub(taps.count, g.constant(1, "i64"))
        (total,), _ = g.loop(
            count, [product(*at(g.vector(0)))], lambda k, sums: ([g.Add(sums, product(*at(g.Add(k, one))))], []), "taps"
        )
        last = [at(g.vector(tap - others)) for tap in range(others)]
    for row, weight in last:
        total = _plus_fused(g, total, g.Gather(x, row, axis=0), weight) if fused else g.Add(total, product(row, weight))
    return total


def _plus_fused(g: Builder, total: Value, x: Value, factor: Value) -> Value:
    """Emit `total + x * factor`, rounded to float32 once."""
    term = g.Mul(g.cast(x, "f64"), g.cast(factor, "f64"))
    return g.cast(g.Add(g.cast(total, "f64"), term), "f32")
