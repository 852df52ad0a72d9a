"""Linear and cubic interpolation of float pixels as torch does it, without rounding to bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphproc.errors import EmitError, ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype, require_layout
from graphproc.ir.types import TensorType
from graphproc.numerics.fused import multiply_add
from graphproc.numerics.interpolation import (
    CUBIC_ORDER,
    GROUP,
    Taps,
    aligned_taps,
    antialias_cubic,
    antialias_cubic_taps,
    antialias_taps,
    cubic_taps,
    cubic_weights,
    linear_taps,
    narrowed,
)
from graphproc.sizes import num
from graphproc.sizes.num import Num

_TAPS: dict[str, Callable[..., Taps]] = {
    "antialias": antialias_taps,
    "antialias_cubic": antialias_cubic_taps,
    "align_corners": aligned_taps,
    "linear": linear_taps,
    "cubic": cubic_taps,
}
RADIUS = {"antialias": 1, "antialias_cubic": 2}
"""The filter's radius in the modes that have as many taps as a reduction takes."""
END = np.iinfo(np.int64).max
SMALL = 128
"""Up to how many pixels height and width together have linear results that torch computes in one pass over both axes."""
Order = tuple[tuple[int, int], ...]
"""An order in which that pass adds up four pixels: (row, column), 0 for the nearer of two and 1 for the farther."""
FARTHER_COLUMN_FIRST: Order = ((0, 1), (0, 0), (1, 0), (1, 1))
BY_ROWS: Order = ((0, 0), (0, 1), (1, 0), (1, 1))
FARTHER_ROW_FIRST: Order = ((1, 0), (1, 1), (0, 1), (0, 0))
BACKWARDS: Order = ((1, 1), (1, 0), (0, 1), (0, 0))
VECTOR = 32
"""How many bytes of channels that pass computes at once, as long as there are as many left."""
ONE_PASS: Mapping[str, tuple[int, Order, Order]] = {
    "f64": (8, FARTHER_ROW_FIRST, FARTHER_COLUMN_FIRST),
    "f32": (4, FARTHER_ROW_FIRST, FARTHER_COLUMN_FIRST),
    "f16": (2, BACKWARDS, BY_ROWS),
    "bf16": (2, FARTHER_ROW_FIRST, FARTHER_COLUMN_FIRST),
}
"""By the type of the pixels: its bytes, the order for channels that are computed at once, and for the others.

Found by comparing results with torch 2.14's on a processor with AVX2.
"""
UNROLLED = 24
"""Up to how many taps are nodes of their own; more are a loop."""
BLOCK = 8
"""How many rows of a result are computed at a time where the image's size is not known."""
ELEMENTS = 40_000
"""How many elements about, where it is known, so that they stay in the cache."""


@op("interpolate")
@dataclass(frozen=True, slots=True)
class Interpolate(Op):
    """Resample floats to `height` x `width` pixels, along the rows first.

    Shapes:   (..., C, H, W) -> (..., C, height, width).
    Dtypes:   f32; f64, which no graph has; unchanged.
    Rounding: weights and positions in float32 as torch has them, then float32 after each product and sum, in torch's order;
              with `fused`, products are rounded together with the sum where torch's kernels do that, which gives its bits on
              processors with AVX2, and takes float64. Without, results are within 1e-6 of torch's for values in [0, 1],
              2e-7 in practice. Of pixels of f64, everything is float64
              (`align_corners` within 1e-15). Narrower pixels are held in f32, and so are sums; torch rounds their weights,
              but not those of the pass over both axes at once.
    Source:   `torch.nn.functional.interpolate(mode="bilinear")` and `"bicubic"`; see `graphproc.numerics.interpolation`.

    Attributes:
        height, width: the result's sides, in pixels.
        mode: `linear` or `cubic` (between pixel centres, two and four taps, whatever the reduction), `align_corners` (linear
            between the centres of the corners' pixels), `antialias` or `antialias_cubic` (as many taps as a reduction takes).
        fused: whether products are fused with sums as torch has them.
        weights: the type of the weights: `f16` or `bf16`, held in f32, which no graph has; `f32` where narrower pixels are made
            f32 first, as in torchvision; without one, that of the pixels.
    """

    height: Num
    width: Num
    mode: str
    fused: bool = False
    weights: str = ""

    def infer(self, x: TensorType) -> TensorType:
        """The result's sides."""
        require_layout(self, x, "CHW")
        require_dtype(self, x, "f32", "f64")
        if self.mode not in _TAPS:
            raise ShapeError(f"interpolate: expected a mode of {list(_TAPS)}, got {self.mode!r}")
        for side in (self.height, self.width):
            if isinstance(side, int) and side < 1:
                raise ShapeError(f"interpolate: expected sides of at least 1 pixel, got {self.height} x {self.width}")
        return x.with_sizes(H=self.height, W=self.width)

    def numpy(self, x: Array) -> Array:
        """Tap by tap, one axis after the other."""
        if self._has_one_pass and num.known(self.height) + num.known(self.width) <= SMALL:
            return self._numpy_in_one_pass(x)
        real = x.dtype.type
        for axis, side in ((-1, self.width), (-2, self.height)):
            if side == x.shape[axis] and self.mode in RADIUS:
                continue  # one tap of weight 1
            taps = _TAPS[self.mode](x.shape[axis], num.known(side), real)
            if self.weights:
                taps = narrowed(taps, self.weights)
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

    @property
    def _has_one_pass(self) -> bool:
        return self.fused and self.mode in ("linear", "align_corners")

    def _numpy_in_one_pass(self, x: Array) -> Array:
        rows, columns = (
            _TAPS[self.mode](n, num.known(side), x.dtype.type)
            for n, side in zip(x.shape[-2:], (self.height, self.width), strict=True)
        )
        parts = []
        for channels, order in _orders(x.shape[-3], self.weights or f"f{8 * x.dtype.itemsize}"):
            total = np.zeros((), dtype=x.dtype)
            for row, column in order:  # tap tables have the farther pixel first
                pixels = x[..., channels, rows.index[:, 1 - row, None], columns.index[:, 1 - column]]
                weights = rows.weights[:, 1 - row, None] * columns.weights[:, 1 - column]
                total = multiply_add(pixels, weights, total, x.dtype.type)
            parts.append(total)
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-3)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Rows of pixels gathered and added up, on the image's transpose for the first axis.

        Raises:
            EmitError: the pixels are f64.
        """
        if g.type_of(x).dtype != "f32" or self.weights not in ("", "f32"):
            found = self.weights or g.type_of(x)
            raise EmitError(f"interpolate: expected pixels of f32 in a graph, got {found}. Use the engine 'numpy'.")
        if not self._has_one_pass:
            return self._in_two_passes(g, x)
        small = self.height + self.width <= SMALL
        if isinstance(small, bool):
            return self._in_one_pass(g, x) if small else self._in_two_passes(g, x)
        return g.cond(small, lambda: self._in_one_pass(g, x), lambda: self._in_two_passes(g, x), names=("small", "large"))

    def _in_one_pass(self, g: Builder, x: Value) -> Value:
        t = g.type_of(x)
        first = t.rank + g.leading - 2
        axes = [_taps(g, self.mode, t.size(letter), side) for letter, side in (("H", self.height), ("W", self.width))]
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

    def _in_two_passes(self, g: Builder, x: Value) -> Value:
        t = g.type_of(x)
        sides = {"H": (t.size("H"), self.height), "W": (t.size("W"), self.width)}

        def emit(rows: Value, axis: str) -> Value:
            n_in, n_out = sides[axis]
            if n_in is n_out and self.mode in RADIUS:
                return rows  # one tap of weight 1
            along = t.size("C") * {"H": t.size("W"), "W": t.size("H") if axis == "W" else self.height}[axis]
            return _weighed(g, rows, _taps(g, self.mode, n_in, n_out), self.fused, n_out, along)

        return along_both(g, x, (self.height, self.width), emit, ("W", "H"))


def _orders(channels: int, kind: str) -> list[tuple[slice, Order]]:
    """The channels that are computed in one order, and that order, for a linear result in one pass of pixels of a type.

    Source: torch's kernel for channels that lie side by side (`cpu_upsample_linear_channels_last`) computes channels that fill
    a vector register together, and the rest one by one; its compiler put the products of the two into different orders.
    """
    size, together, others = ONE_PASS[kind]
    whole = channels * size // VECTOR * VECTOR // size
    parts = [(slice(0, whole), together), (slice(whole, channels), others)]
    return [(part, order) for part, order in parts if part.start < part.stop]


def along_both(
    g: Builder,
    x: Value,
    size: tuple[Num, Num],
    emit: Callable[[Value, str], Value],
    order: tuple[str, str],
) -> Value:
    """Emit a pass along each axis of an image `[lead axes..., C, H, W]`.

    Args:
        g: the emitter's handle.
        x: the image, a step's operand.
        size: the result's (height, width).
        emit: from a matrix whose rows are the axis of a letter to one of as many rows as the result has.
        order: `("W", "H")` to go along the rows first, or the reverse.

    Returns:
        `[lead axes..., C, height, width]`.
    """
    t = g.type_of(x)
    lead = t.rank + g.leading - 2
    shape = g.Concat(g.Shape(x, start=0, end=lead), g.vector(*size), axis=0)
    have, want = {"H": t.size("H"), "W": t.size("W")}, {"H": size[0], "W": size[1]}
    first, second = order
    with g.scope("first"):
        x = g.Reshape(x, g.vector(-1, have["H"], have["W"]))
        x = g.Transpose(x, perm=[2, 0, 1] if first == "W" else [1, 0, 2])  # [first, N, second]
        x = emit(g.Reshape(x, g.vector(have[first], -1)), first)
    with g.scope("second"):
        # In two steps: one transpose that moves single elements across a third axis goes through them one by one.
        x = g.Reshape(g.Transpose(x, perm=[1, 0]), g.vector(-1, have[second], want[first]))
        x = g.Transpose(x, perm=[1, 0, 2])  # [second, N, first]
        x = emit(g.Reshape(x, g.vector(have[second], -1)), second)
    x = g.Reshape(x, g.vector(want[second], -1, want[first]))
    return g.Reshape(g.Transpose(x, perm=[1, 2, 0] if first == "H" else [1, 0, 2]), shape)


def last_row(g: Builder, terms: Value) -> Value:
    """The sum of rows `[n, any]`, the first row first: ReduceSum's order would be up to the runtime. Gives `[any]`."""
    sums = g.CumSum(terms, g.constant(0, "i64"))
    return g.Squeeze(g.Slice(sums, g.vector(-1), g.vector(END), g.vector(0)), g.vector(0))


def column(g: Builder, x: Value) -> Value:
    """`[n]` to `[n, 1]`."""
    return g.Unsqueeze(x, g.vector(1))


@dataclass(frozen=True)
class _Nodes:
    """`Taps` in a graph.

    Attributes:
        grouped: rows int64 `[taps, outputs]` and weights float32 `[taps, outputs, 1]` of the taps with rounded products.
        count: how many these are.
        fused: the rows `[outputs]` and weights `[outputs, 1]` of each other tap.
    """

    grouped: tuple[Value, Value]
    count: int | Value
    fused: list[tuple[Value, Value]]

    def all(self, g: Builder) -> tuple[Value, Value]:
        """The rows `[taps, outputs]` and weights `[taps, outputs, 1]` of all taps."""
        rows, weights = self.grouped
        if not self.fused:
            return rows, weights
        first = g.vector(0)
        others = [g.Unsqueeze(place, first) for place, _ in self.fused], [g.Unsqueeze(factor, first) for _, factor in self.fused]
        return g.Concat(rows, *others[0], axis=0), g.Concat(weights, *others[1], axis=0)

    def rounded_tap(self, g: Builder) -> tuple[Value, Value]:
        """The row and weight of the one tap with a rounded product, where there is one."""
        rows, weights = self.grouped
        return g.Squeeze(rows, g.vector(0)), g.Squeeze(weights, g.vector(0))


def _taps(g: Builder, mode: str, n_in: Num, n_out: Num) -> _Nodes:
    """Constants where both sides are known, else nodes."""
    if not (isinstance(n_in, int) and isinstance(n_out, int)):
        if mode in RADIUS:
            return _antialias(g, n_in, n_out, RADIUS[mode])
        (place, factor), *others = _POSITIONS[mode](g, n_in, n_out)
        first = g.vector(0)
        return _Nodes(
            (g.Unsqueeze(place, first), g.Unsqueeze(column(g, factor), first)), 1, [(p, column(g, f)) for p, f in others]
        )
    taps = _TAPS[mode](n_in, n_out)
    rows, weights, count = taps.index.T, taps.weights.T[:, :, None], taps.rounded
    fused = [(g.constant(rows[tap], "i64"), g.constant(weights[tap], "f32")) for tap in range(count, len(rows))]
    return _Nodes((g.constant(rows[:count], "i64"), g.constant(weights[:count], "f32")), count, fused)


def _weighed(g: Builder, x: Value, taps: _Nodes, fused: bool, n_out: Num, columns: Num) -> Value:
    """The sums of weighed rows of `x`, `[n_out, any]`, block by block.

    Args:
        g: the emitter's handle.
        x: a matrix of about so many `columns`.
        taps: what is added up.
        fused: whether the products of `taps.fused` are fused with their sums.
        n_out: the sums' number.
        columns: how many elements each has, batches aside.
    """
    if isinstance(n_out, int) and isinstance(columns, int) and n_out * columns <= 2 * ELEMENTS:
        rows, weights = taps.all(g)
        return g.Squeeze(_sums(g, x, rows, weights, taps, fused), g.vector(0))
    length = _length(n_out, max(ELEMENTS // columns, 1)) if isinstance(n_out, int) and isinstance(columns, int) else BLOCK
    blocks = -((0 - n_out) // length)
    rows, weights = taps.all(g)
    if n_out != blocks * length:  # the last block repeats the last row
        places = g.Min(g.range(blocks * length, "i64"), g.num(n_out - 1))
        rows, weights = g.Gather(rows, places, axis=1), g.Gather(weights, places, axis=1)
    rows = g.Transpose(g.Reshape(rows, g.vector(0, blocks, length)), perm=[1, 0, 2])
    weights = g.Transpose(g.Reshape(weights, g.vector(0, blocks, length, 1)), perm=[1, 0, 2, 3])
    sums = g.scan((rows, weights), lambda row, weight: _sums(g, x, row, weight, taps, fused), rank=3)
    sums = g.Reshape(sums, g.vector(blocks * length, -1))
    return g.Slice(sums, g.vector(0), g.vector(n_out), g.vector(0)) if n_out != blocks * length else sums


def _length(n_out: int, wanted: int) -> int:
    """The length of blocks: one that divides the number of outputs, if there is one near the wanted length."""
    near = [length for length in range(max(wanted // 2, 1), 2 * wanted + 1) if n_out % length == 0]
    return min(near, key=lambda length: abs(length - wanted)) if near else min(wanted, n_out)


def _sums(g: Builder, x: Value, rows: Value, weights: Value, taps: _Nodes, fused: bool) -> Value:
    """The sums `[1, outputs, any]` for rows `[taps, outputs]` and weights `[taps, outputs, 1]`, those of `taps.fused` last."""
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
    """`total + x * factor`, rounded to float32 once."""
    term = g.Mul(g.cast(x, "f64"), g.cast(factor, "f64"))
    return g.cast(g.Add(g.cast(total, "f64"), term), "f32")


def _aligned(g: Builder, n_in: Num, n_out: Num) -> list[tuple[Value, Value]]:
    """The nodes of `aligned_taps`."""
    last = g.cast(g.num(n_in - 1), "f32")
    # Of one output, the position is 0 whatever it is multiplied by.
    scale = g.Div(last, g.cast(g.num(num.maximum(n_out - 1, 1)), "f32"))
    return _two_taps(g, g.Mul(scale, g.range(n_out, "f32")), last)


def _linear(g: Builder, n_in: Num, n_out: Num) -> list[tuple[Value, Value]]:
    """The nodes of `linear_taps`."""
    position = g.Max(_half_pixel(g, n_in, n_out), g.constant([0], "f32"))
    return _two_taps(g, position, g.cast(g.num(n_in - 1), "f32"))


def _two_taps(g: Builder, position: Value, last: Value) -> list[tuple[Value, Value]]:
    one, zero = g.constant([1], "f32"), g.constant([0], "f32")
    floor = g.Min(g.Floor(position), last)
    fraction = g.Min(g.Max(g.Sub(position, floor), zero), one)
    return [(g.cast(g.Min(g.Add(floor, one), last), "i64"), fraction), (g.cast(floor, "i64"), g.Sub(one, fraction))]


def _cubic(g: Builder, n_in: Num, n_out: Num) -> list[tuple[Value, Value]]:
    """The nodes of `cubic_taps`."""
    first, last = g.constant([0], "i64"), g.num(n_in - 1)
    position = _half_pixel(g, n_in, n_out)
    floor = g.Floor(position)
    low = g.cast(floor, "i64")
    places = [g.Max(g.Min(g.Add(low, g.constant([tap], "i64")), last), first) for tap in range(-1, 3)]
    weights = cubic_weights(_Traced(g, g.Sub(position, floor)), _fused)
    return [(places[tap], weights[tap].value) for tap in CUBIC_ORDER]


def _half_pixel(g: Builder, n_in: Num, n_out: Num) -> Value:
    half = g.constant([0.5], "f64")
    scale = g.cast(g.Div(g.cast(g.num(n_in), "f32"), g.cast(g.num(n_out), "f32")), "f64")
    return g.cast(g.Sub(g.Mul(scale, g.Add(g.range(n_out, "f64"), half)), half), "f32")


class _Traced:
    """A float32 tensor with numpy's operators, so that a kernel's formula is written once."""

    def __init__(self, g: Builder, value: Value) -> None:
        self.g, self.value = g, value

    def __add__(self, other: Any) -> _Traced:
        return _Traced(self.g, self.g.Add(self.value, self.of(other, "f32")))

    def __mul__(self, other: Any) -> _Traced:
        return _Traced(self.g, self.g.Mul(self.value, self.of(other, "f32")))

    def __lt__(self, other: Any) -> Value:
        return self.g.Less(self.value, self.of(other, "f32"))

    def of(self, other: Any, dtype: str) -> Value:
        """Another tensor, or a number as one."""
        return self.g.cast(other.value, dtype) if isinstance(other, _Traced) else self.g.constant([other], dtype)


def _fused(a: _Traced, b: Any, c: float) -> _Traced:
    """`a * b + c`, rounded to float32 once: a product of two has a place in float64."""
    g = a.g
    total = g.Add(g.Mul(a.of(a, "f64"), a.of(b, "f64")), g.constant([c], "f64"))
    return _Traced(g, g.cast(total, "f32"))


_POSITIONS = {"align_corners": _aligned, "linear": _linear, "cubic": _cubic}


def _antialias(g: Builder, n_in: Num, n_out: Num, radius: int) -> _Nodes:
    """The nodes of `antialias_taps` and `antialias_cubic_taps`."""
    one, zero = g.constant([1], "f32"), g.constant([0], "f32")
    half, none, group = g.constant([0.5], "f64"), g.constant([0], "f64"), g.constant([GROUP], "f64")
    scale = g.Div(g.cast(g.num(n_in), "f32"), g.cast(g.num(n_out), "f32"))
    coarser = g.Max(scale, one)
    support = coarser if radius == 1 else g.Mul(coarser, g.constant([radius], "f32"))
    shrink = g.cast(g.Div(one, coarser), "f64")
    center = column(g, g.cast(g.Mul(g.cast(scale, "f64"), g.Add(g.range(n_out, "f64"), half)), "f32"))
    size = g.cast(g.num(n_in), "f64")
    # Floor agrees with truncation where it is not negative, and below that both become 0.
    low = g.Max(g.Floor(g.Add(g.cast(g.Sub(center, support), "f64"), half)), none)
    high = g.Min(g.Floor(g.Add(g.cast(g.Add(center, support), "f64"), half)), size)

    def weights_at(position: Value) -> Value:
        distance = g.cast(g.Sub(g.cast(position, "f32"), center), "f64")
        away = g.Abs(g.cast(g.Mul(g.Add(distance, half), shrink), "f32"))
        weights = g.Max(g.Sub(one, away), zero) if radius == 1 else antialias_cubic(_Traced(g, away), _where, _fused).value
        return g.Where(g.Less(position, high), weights, zero)

    def most(counts: Value) -> Value:
        return g.ReduceMax(counts, g.vector(0, 1), keepdims=0) if g.opset >= 18 else g.ReduceMax(counts, axes=[0, 1], keepdims=0)

    last = g.Sub(high, g.constant([1], "f64"))

    def placed(position: Value) -> Value:
        return g.cast(g.Min(position, last), "i64")

    position = g.Add(low, g.range(g.cast(most(g.Sub(high, low)), "i64"), "f64"))
    weights = weights_at(position)
    total = g.Slice(g.CumSum(weights, g.constant(1, "i64")), g.vector(-1), g.vector(END), g.vector(1))
    behind = g.constant([1], "f64")
    grouped = g.Mul(g.Floor(g.Div(g.Sub(g.Sub(high, low), behind), group)), group)
    rest = g.Add(g.Add(low, behind), grouped)
    count = g.cast(most(g.Sub(rest, low)), "i64")
    rounded = g.Div(g.Where(g.Less(position, rest), weights, zero), total)
    fused = []
    for tap in range(GROUP - 1):
        place = g.Add(rest, g.constant([tap], "f64"))
        fused.append((g.Squeeze(placed(place), g.vector(1)), g.Div(weights_at(place), total)))
    rows = g.Transpose(placed(position), perm=[1, 0])
    return _Nodes((rows, g.Unsqueeze(g.Transpose(rounded, perm=[1, 0]), g.vector(2))), count, fused)


def _where(condition: Value, x: _Traced, y: Any) -> _Traced:
    return _Traced(x.g, x.g.Where(condition, x.value, x.of(y, "f32")))
