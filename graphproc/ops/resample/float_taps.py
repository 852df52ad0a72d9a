"""Emit the taps of torch's interpolation of floats as nodes.

The arithmetic is that of `numerics.interpolation`, in its order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.numerics.interpolation import (
    ALIGNED,
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
)
from graphproc.ops.resample.both_axes import END, column
from graphproc.sizes import num
from graphproc.sizes.num import Num

TAPS: Mapping[tuple[str, bool], Callable[..., Taps]] = {
    ("bilinear", True): antialias_taps,
    ("bicubic", True): antialias_cubic_taps,
    (ALIGNED, False): aligned_taps,
    ("bilinear", False): linear_taps,
    ("bicubic", False): cubic_taps,
}
"""The functions that compute the taps of known sides.

The keys are a filter and whether it is antialiased.
"""
RADIUS = {"bilinear": 1, "bicubic": 2}
"""The radius of an antialiased filter.

How many taps it has depends on how much the image shrinks.
"""


@dataclass(frozen=True)
class TapNodes:
    """Hold `Taps` in a graph.

    Attributes:
        grouped: rows int64 `[taps, outputs]` and weights float32 `[taps, outputs, 1]` of the taps
            with rounded products.
        count: how many taps these are.
        fused: the rows `[outputs]` and weights `[outputs, 1]` of each other tap.
    """

    grouped: tuple[Value, Value]
    count: int | Value
    fused: list[tuple[Value, Value]]

    def all(self, g: Builder) -> tuple[Value, Value]:
        """Emit the rows `[taps, outputs]` and weights `[taps, outputs, 1]` of all taps."""
        rows, weights = self.grouped
        if not self.fused:
            return rows, weights
        first = g.vector(0)
        others = [g.Unsqueeze(place, first) for place, _ in self.fused], [g.Unsqueeze(factor, first) for _, factor in self.fused]
        return g.Concat(rows, *others[0], axis=0), g.Concat(weights, *others[1], axis=0)

    def rounded_tap(self, g: Builder) -> tuple[Value, Value]:
        """Emit the row `[outputs]` and weight `[outputs, 1]` of the tap with a rounded product.

        There must be one such tap.
        """
        rows, weights = self.grouped
        return g.Squeeze(rows, g.vector(0)), g.Squeeze(weights, g.vector(0))


def emit_taps(g: Builder, filter: str, antialias: bool, n_in: Num, n_out: Num) -> TapNodes:
    """Emit the taps of an axis of `n_in` pixels resampled to `n_out`.

    They are constants if both are known, else nodes.
    """
    if not (isinstance(n_in, int) and isinstance(n_out, int)):
        if antialias:
            return _antialias(g, n_in, n_out, RADIUS[filter])
        (place, factor), *others = _POSITIONS[filter](g, n_in, n_out)
        first = g.vector(0)
        return TapNodes(
            (g.Unsqueeze(place, first), g.Unsqueeze(column(g, factor), first)), 1, [(p, column(g, f)) for p, f in others]
        )
    taps = TAPS[filter, antialias](n_in, n_out)
    rows, weights, count = taps.index.T, taps.weights.T[:, :, None], taps.rounded
    fused = [(g.constant(rows[tap], "i64"), g.constant(weights[tap], "f32")) for tap in range(count, len(rows))]
    return TapNodes((g.constant(rows[:count], "i64"), g.constant(weights[:count], "f32")), count, fused)


def _aligned(g: Builder, n_in: Num, n_out: Num) -> list[tuple[Value, Value]]:
    """Emit the nodes of `aligned_taps`."""
    last = g.cast(g.num(n_in - 1), "f32")
    # With one output, the position is 0, and the scale does not matter.
    scale = g.Div(last, g.cast(g.num(num.maximum(n_out - 1, 1)), "f32"))
    return _two_taps(g, g.Mul(scale, g.range(n_out, "f32")), last)


def _linear(g: Builder, n_in: Num, n_out: Num) -> list[tuple[Value, Value]]:
    """Emit the nodes of `linear_taps`."""
    position = g.Max(_half_pixel(g, n_in, n_out), g.constant([0], "f32"))
    return _two_taps(g, position, g.cast(g.num(n_in - 1), "f32"))


def _two_taps(g: Builder, position: Value, last: Value) -> list[tuple[Value, Value]]:
    """Emit the pixels on both sides of each position and their weights, the farther one first."""
    one, zero = g.constant([1], "f32"), g.constant([0], "f32")
    floor = g.Min(g.Floor(position), last)
    fraction = g.Min(g.Max(g.Sub(position, floor), zero), one)
    return [(g.cast(g.Min(g.Add(floor, one), last), "i64"), fraction), (g.cast(floor, "i64"), g.Sub(one, fraction))]


def _cubic(g: Builder, n_in: Num, n_out: Num) -> list[tuple[Value, Value]]:
    """Emit the nodes of `cubic_taps`."""
    first, last = g.constant([0], "i64"), g.num(n_in - 1)
    position = _half_pixel(g, n_in, n_out)
    floor = g.Floor(position)
    low = g.cast(floor, "i64")
    places = [g.Max(g.Min(g.Add(low, g.constant([tap], "i64")), last), first) for tap in range(-1, 3)]
    weights = cubic_weights(_Traced(g, g.Sub(position, floor)), _fused)
    return [(places[tap], weights[tap].value) for tap in CUBIC_ORDER]


def _half_pixel(g: Builder, n_in: Num, n_out: Num) -> Value:
    """Emit the position of each output's centre among the inputs' centres, float32."""
    half = g.constant([0.5], "f64")
    scale = g.cast(g.Div(g.cast(g.num(n_in), "f32"), g.cast(g.num(n_out), "f32")), "f64")
    return g.cast(g.Sub(g.Mul(scale, g.Add(g.range(n_out, "f64"), half)), half), "f32")


class _Traced:
    """Give a float32 tensor numpy's operators, so that a filter's formula is written once."""

    def __init__(self, g: Builder, value: Value) -> None:
        self.g, self.value = g, value

    def __add__(self, other: Any) -> _Traced:
        return _Traced(self.g, self.g.Add(self.value, self.of(other, "f32")))

    def __mul__(self, other: Any) -> _Traced:
        return _Traced(self.g, self.g.Mul(self.value, self.of(other, "f32")))

    def __lt__(self, other: Any) -> Value:
        return self.g.Less(self.value, self.of(other, "f32"))

    def of(self, other: Any, dtype: str) -> Value:
        """Return the tensor of another operand, or make one of a number."""
        return self.g.cast(other.value, dtype) if isinstance(other, _Traced) else self.g.constant([other], dtype)


def _fused(a: _Traced, b: Any, c: float) -> _Traced:
    """Emit `a * b + c`, rounded to float32 once.

    Float64 holds the product of two float32 numbers exactly.
    """
    g = a.g
    total = g.Add(g.Mul(a.of(a, "f64"), a.of(b, "f64")), g.constant([c], "f64"))
    return _Traced(g, g.cast(total, "f32"))


_POSITIONS = {ALIGNED: _aligned, "bilinear": _linear, "bicubic": _cubic}


def _antialias(g: Builder, n_in: Num, n_out: Num, radius: int) -> TapNodes:
    """Emit the nodes of `antialias_taps` and `antialias_cubic_taps`."""
    one, zero = g.constant([1], "f32"), g.constant([0], "f32")
    half, none, group = g.constant([0.5], "f64"), g.constant([0], "f64"), g.constant([GROUP], "f64")
    scale = g.Div(g.cast(g.num(n_in), "f32"), g.cast(g.num(n_out), "f32"))
    coarser = g.Max(scale, one)
    support = coarser if radius == 1 else g.Mul(coarser, g.constant([radius], "f32"))
    shrink = g.cast(g.Div(one, coarser), "f64")
    center = column(g, g.cast(g.Mul(g.cast(scale, "f64"), g.Add(g.range(n_out, "f64"), half)), "f32"))
    size = g.cast(g.num(n_in), "f64")
    # Floor agrees with truncation where it is not negative; elsewhere both become 0.
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
    return TapNodes((rows, g.Unsqueeze(g.Transpose(rounded, perm=[1, 0]), g.vector(2))), count, fused)


def _where(condition: Value, x: _Traced, y: Any) -> _Traced:
    return _Traced(x.g, x.g.Where(condition, x.value, x.of(y, "f32")))
