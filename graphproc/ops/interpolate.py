"""Linear and cubic interpolation of float pixels as torch does it, without rounding to bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.op import Array, Op, op, require_dtype, require_layout
from graphproc.ir.types import TensorType
from graphproc.numerics.interpolation import (
    aligned_taps,
    antialias_taps,
    cubic_taps,
    cubic_weights,
    linear_taps,
)
from graphproc.sizes import num
from graphproc.sizes.num import Num

_TAPS = {"antialias": antialias_taps, "align_corners": aligned_taps, "linear": linear_taps, "cubic": cubic_taps}
END = np.iinfo(np.int64).max


@op("interpolate")
@dataclass(frozen=True, slots=True)
class Interpolate(Op):
    """Resample floats to `height` x `width` pixels, along the rows first.

    Shapes:   (..., C, H, W) -> (..., C, height, width).
    Dtypes:   f32; unchanged.
    Rounding: weights and positions in float32 as torch has them; float32 after each product and sum, the first tap first.
              torch's kernels fuse a product with its sum, which moves results by at most a few units in the last place:
              within 1e-6 of torch for values in [0, 1], 2e-7 in practice.
    Source:   `torch.nn.functional.interpolate(mode="bilinear")` and `"bicubic"`; see `graphproc.numerics.interpolation`.

    Attributes:
        height, width: the result's sides, in pixels.
        mode: `linear` or `cubic` (between pixel centres, two and four taps, whatever the reduction), `align_corners` (linear
            between the centres of the corners' pixels) or `antialias` (linear, as many taps as a reduction takes).
    """

    height: Num
    width: Num
    mode: str

    def infer(self, x: TensorType) -> TensorType:
        """The result's sides."""
        require_layout(self, x, "CHW")
        require_dtype(self, x, "f32")
        if self.mode not in _TAPS:
            raise ShapeError(f"interpolate: expected a mode of {list(_TAPS)}, got {self.mode!r}")
        for side in (self.height, self.width):
            if isinstance(side, int) and side < 1:
                raise ShapeError(f"interpolate: expected sides of at least 1 pixel, got {self.height} x {self.width}")
        return x.with_sizes(H=self.height, W=self.width)

    def numpy(self, x: Array) -> Array:
        """Tap by tap, one axis after the other."""
        for axis, side in ((-1, self.width), (-2, self.height)):
            index, weights = _TAPS[self.mode](x.shape[axis], num.known(side))
            x = np.moveaxis(x, axis, -1)
            total = x[..., index[:, 0]] * weights[:, 0]
            for tap in range(1, index.shape[1]):
                total = total + x[..., index[:, tap]] * weights[:, tap]
            x = np.moveaxis(total, -1, axis)
        return np.ascontiguousarray(x)

    def onnx(self, g: Builder, x: Value) -> Value:
        """Rows of pixels gathered and added up, on the image's transpose for the first axis."""
        t = g.type_of(x)
        sides = {"H": (t.size("H"), self.height), "W": (t.size("W"), self.width)}

        def emit(rows: Value, axis: str) -> Value:
            if self.mode == "antialias":
                return _antialias(g, rows, *sides[axis])
            return _few_taps(g, rows, self.mode, *sides[axis])

        return along_both(g, x, (self.height, self.width), emit, ("W", "H"))


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


def _few_taps(g: Builder, x: Value, mode: str, n_in: Num, n_out: Num) -> Value:
    """Two or four gathered rows for each output, added up first to last."""
    if isinstance(n_in, int) and isinstance(n_out, int):
        rows, weights = _TAPS[mode](n_in, n_out)
        places = [g.constant(rows[:, tap], "i64") for tap in range(rows.shape[1])]
        factors = [g.constant(weights[:, tap : tap + 1], "f32") for tap in range(rows.shape[1])]
    else:
        places, factors = _POSITIONS[mode](g, n_in, n_out)
        factors = [column(g, factor) for factor in factors]
    total = g.Mul(g.Gather(x, places[0], axis=0), factors[0])
    for place, factor in zip(places[1:], factors[1:], strict=True):
        total = g.Add(total, g.Mul(g.Gather(x, place, axis=0), factor))
    return total


def _aligned(g: Builder, n_in: Num, n_out: Num) -> tuple[list[Value], list[Value]]:
    """The nodes of `aligned_taps`."""
    last = g.cast(g.num(n_in - 1), "f32")
    # Of one output, the position is 0 whatever it is multiplied by.
    scale = g.Div(last, g.cast(g.num(num.maximum(n_out - 1, 1)), "f32"))
    return _two_taps(g, g.Mul(scale, g.range(n_out, "f32")), last)


def _linear(g: Builder, n_in: Num, n_out: Num) -> tuple[list[Value], list[Value]]:
    """The nodes of `linear_taps`."""
    position = g.Max(_half_pixel(g, n_in, n_out), g.constant([0], "f32"))
    return _two_taps(g, position, g.cast(g.num(n_in - 1), "f32"))


def _two_taps(g: Builder, position: Value, last: Value) -> tuple[list[Value], list[Value]]:
    one, zero = g.constant([1], "f32"), g.constant([0], "f32")
    floor = g.Min(g.Floor(position), last)
    fraction = g.Min(g.Max(g.Sub(position, floor), zero), one)
    places = [g.cast(floor, "i64"), g.cast(g.Min(g.Add(floor, one), last), "i64")]
    return places, [g.Sub(one, fraction), fraction]


def _cubic(g: Builder, n_in: Num, n_out: Num) -> tuple[list[Value], list[Value]]:
    """The nodes of `cubic_taps`."""
    first, last = g.constant([0], "i64"), g.num(n_in - 1)
    position = _half_pixel(g, n_in, n_out)
    floor = g.Floor(position)
    low = g.cast(floor, "i64")
    places = [g.Max(g.Min(g.Add(low, g.constant([tap], "i64")), last), first) for tap in range(-1, 3)]
    weights = cubic_weights(_Traced(g, g.Sub(position, floor)), _fused)
    return places, [weight.value for weight in weights]


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

    def of(self, other: Any, dtype: str) -> Value:
        """Another tensor, or a number as one."""
        return self.g.cast(other.value, dtype) if isinstance(other, _Traced) else self.g.constant([other], dtype)


def _fused(a: _Traced, b: Any, c: float) -> _Traced:
    """`a * b + c`, rounded to float32 once: a product of two has a place in float64."""
    g = a.g
    total = g.Add(g.Mul(a.of(a, "f64"), a.of(b, "f64")), g.constant([c], "f64"))
    return _Traced(g, g.cast(total, "f32"))


_POSITIONS = {"align_corners": _aligned, "linear": _linear, "cubic": _cubic}


def _antialias(g: Builder, x: Value, n_in: Num, n_out: Num) -> Value:
    """As many rows as an output has taps, output by output."""
    if isinstance(n_in, int) and isinstance(n_out, int):
        if n_in == n_out:
            return x  # one tap of weight 1
        index, values = antialias_taps(n_in, n_out)
        rows, weights = g.constant(index, "i64"), g.constant(values, "f32")
    else:
        rows, weights = _antialias_taps(g, n_in, n_out)
    return g.scan((rows, weights), lambda row, weight: last_row(g, g.Mul(g.Gather(x, row, axis=0), column(g, weight))))


def _antialias_taps(g: Builder, n_in: Num, n_out: Num) -> tuple[Value, Value]:
    """The nodes of `antialias_taps`."""
    one, zero = g.constant([1], "f32"), g.constant([0], "f32")
    half, none = g.constant([0.5], "f64"), g.constant([0], "f64")
    scale = g.Div(g.cast(g.num(n_in), "f32"), g.cast(g.num(n_out), "f32"))
    support = g.Max(scale, one)
    shrink = g.cast(g.Div(one, support), "f64")
    center = g.cast(g.Mul(g.cast(scale, "f64"), g.Add(g.range(n_out, "f64"), half)), "f32")
    size = g.cast(g.num(n_in), "f64")
    # Floor agrees with truncation where it is not negative, and below that both become 0.
    low = g.Max(g.Floor(g.Add(g.cast(g.Sub(center, support), "f64"), half)), none)
    high = column(g, g.Min(g.Floor(g.Add(g.cast(g.Add(center, support), "f64"), half)), size))
    low = column(g, low)
    taps = g.Sub(high, low)
    taps = g.ReduceMax(taps, g.vector(0, 1)) if g.opset >= 18 else g.ReduceMax(taps, axes=[0, 1])
    position = g.Add(low, g.range(g.Reshape(taps, g.vector(1)), "f64"))
    distance = g.cast(g.Sub(g.cast(position, "f32"), column(g, center)), "f64")
    distance = g.cast(g.Mul(g.Add(distance, half), shrink), "f32")
    weights = g.Where(g.Less(position, high), g.Max(g.Sub(one, g.Abs(distance)), zero), zero)
    total = g.Slice(g.CumSum(weights, g.constant(1, "i64")), g.vector(-1), g.vector(END), g.vector(1))
    return g.cast(g.Min(position, g.Sub(size, g.constant([1], "f64"))), "i64"), g.Div(weights, total)
