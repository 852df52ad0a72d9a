"""Compute resampling weights in the graph, for images of unknown size.

The arithmetic is that of `numerics.filters.coefficients`, node by node and in its order. It works
on the grid of the bands, with one cell for every tap and output. Small nodes cost more than what
they compute, so both axes share them: the first axis of the grid has length 2 and separates them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.numerics.enlarging import LARGEST_DIVISOR, NUDGE
from graphproc.numerics.filters import FILTERS, LARGEST_WEIGHT, PRECISION_BITS, TORCH_BYTES
from graphproc.ops.resize.bands import Axis, Band
from graphproc.ops.resize.forms import FormChoice, ProductForm
from graphproc.ops.resize.traced_filters import f64, filter_weights
from graphproc.sizes import num
from graphproc.sizes.num import Num


@dataclass(frozen=True, slots=True)
class TracedBands:
    """Hold the bands of both axes (vertical, horizontal), before the form of their products is chosen.

    Attributes:
        most: float64 [1, 1, 1], the number of rows that a block reads, the larger of both axes.
        unit: float64 [2, 1, 1], for each axis the power of two that torch multiplies weights
            by; None for Pillow, which takes 2**22.
        weights: float32 [2, blocks, T, L], in units of `1 / unit`; integers, except for the weights
            of `numerics.enlarging`.
        rows: int64 [2, blocks, L].
        axes: both axes, as they are wanted.
        length: T.
        blocks: for each axis, how many blocks a strip has.
        begins, extents, widths: for each axis, the first input pixel read, how many from there on,
            and how many a block reads.
    """

    most: Value
    unit: Value | None
    weights: Value
    rows: Value
    axes: tuple[Axis, Axis]
    length: int
    blocks: list[Num]
    begins: list[Num]
    extents: list[Num]
    widths: list[Num]

    def within(self, g: Builder, choice: FormChoice) -> Value:
        """Emit whether neither axis is above the number of a choice."""
        if choice.of == "rows":
            return g.LessOrEqual(self.most, f64(g, choice.most))
        assert self.unit is not None
        return g.LessOrEqual(_maximum(g, self.unit, 0), f64(g, 2.0**choice.most))

    def band(self, g: Builder, index: int, weights: Value, form: ProductForm) -> Band:
        """Return one axis's band, with its part of both axes' weights in a form.

        The grid has room for the larger of both axes, so each takes its own part.
        """
        axis, blocks = self.axes[index], self.blocks[index]
        alike = self.axes[0].strips * self.blocks[0] == self.axes[1].strips * self.blocks[1]

        def own(x: Value, width: Num, last: int) -> Value:
            if alike:
                return g.Slice(x, g.vector(index, 0), g.vector(index + 1, width), g.vector(0, last))
            return g.Slice(x, g.vector(index, 0, 0), g.vector(index + 1, axis.strips * blocks, width), g.vector(0, 1, last))

        rows = own(self.rows, self.widths[index], 2)
        weights = own(weights, self.widths[index] + int(form.constant), 3)
        unit = 1 << PRECISION_BITS if self.unit is None else g.Gather(self.unit, g.constant([index], "i64"), axis=0)
        return Band(axis, rows, self.begins[index], self.extents[index], blocks, self.length, weights, form, unit)


@dataclass(frozen=True, slots=True)
class Sampling:
    """Describe how outputs sample both axes; everything is float64 [2, 1, 1] unless it says otherwise.

    Attributes:
        filter: the filter's name.
        n_in: how many pixels there are.
        n_out: how many outputs there are.
        first, count, strip_length: the outputs that are wanted, as in `Axis`.
        scale: the distance of two outputs, in pixels.
        reduction: float64 [1, 1, 1], the larger of both scales.
        stretch: by what factor the filter is widened.
    """

    filter: str
    n_in: Value
    n_out: Value
    first: Value
    count: Value
    strip_length: Value
    scale: Value
    reduction: Value
    stretch: Value

    @classmethod
    def of(cls, g: Builder, axes: tuple[Axis, Axis], filter: str) -> Sampling:
        """Emit the numbers of both axes."""
        numbers = [(a.n_in, a.n_out, a.first, a.count, a.strip_length) for a in axes]
        n_in, n_out, first, count, strip = _pairs(g, *zip(*numbers, strict=True))
        scale = g.Div(n_in if all(axis.extent is None for axis in axes) else _extents(g, axes), n_out)
        return cls(filter, n_in, n_out, first, count, strip, scale, g.ReduceMax(scale), g.Max(scale, f64(g, 1)))

    def enlarges(self, g: Builder, most: float) -> Value:
        """Emit whether neither side shrinks, nor has more than `most` outputs."""
        enlarges = g.LessOrEqual(self.reduction, f64(g, 1))
        return g.And(enlarges, g.LessOrEqual(g.ReduceMax(self.n_out), f64(g, most)))

    def reach(self, g: Builder, output: Value, half_past: Value) -> tuple[Value, Value, Value]:
        """Emit the centre of each output, and where its taps begin and end."""
        half, support = f64(g, 0.5), FILTERS[self.filter].support
        far = self.stretch if support == 1 else g.Mul(self.stretch, f64(g, support))
        center = g.Mul(g.Add(output, half_past), self.scale)
        low = g.Max(g.Floor(g.Add(g.Sub(center, far), half)), f64(g, 0))
        return center, low, g.Min(g.Floor(g.Add(g.Add(center, far), half)), self.n_in)

    def weights(self, g: Builder, position: Value, reach: tuple[Value, Value, Value]) -> tuple[Value, Value]:
        """Emit weights at positions, and their sums.

        CumSum adds one tap after another, as the definition does; ReduceSum's order is up to the
        runtime.
        """
        weights = filter_weights(g, self.filter, position, *reach, self.n_in, g.Div(f64(g, 1), self.stretch))
        return weights, _last(g, g.CumSum(weights, g.constant(1, "i64")), 1)


def traced_bands(
    g: Builder, axes: tuple[Axis, Axis], sampling: Sampling, arithmetic: str, length: int, enlarging: bool = False
) -> TracedBands:
    """Emit the weights and rows of both axes.

    Positions outside an output's own taps get weight zero, and adding zeros changes no sum. Outputs
    are the last axis of everything: ONNX Runtime broadcasts along a long last axis fast and along
    others slowly.

    Args:
        g: the emitter's handle.
        axes: both axes, as they are wanted.
        sampling: their numbers.
        arithmetic: `pillow` or `torch_bytes`.
        length: T.
        enlarging: whether weights are those of `numerics.enlarging`.
    """
    filter, n_in, strip = sampling.filter, sampling.n_in, sampling.strip_length
    blocks = [(axis.strip_length + (length - 1)) // length for axis in axes]
    cells = num.maximum(*(axis.strips * number for axis, number in zip(axes, blocks, strict=True)))
    output = g.range(cells * length, "f64")
    if any(axis.strips != 1 for axis in axes):
        (places,) = _pairs(g, (blocks[0] * length, blocks[1] * length))
        number = g.Floor(g.Div(output, places))
        within = g.Min(g.Sub(output, g.Mul(number, places)), g.Sub(strip, f64(g, 1)))
        output = g.Add(g.Mul(number, strip), within)
    if any(axis.strips != 1 or axis.count != cells * length for axis in axes):
        output = g.Min(output, g.Sub(sampling.count, f64(g, 1)))  # repeats of the last output are cut off later
    past = g.Add(sampling.first, f64(g, 0.5))
    reach = sampling.reach(g, output, past)

    # The rows of a block: from the first tap of its first output to the last tap of its last output.
    in_blocks = g.vector(2, -1, length)
    start = g.Slice(g.Reshape(reach[1], in_blocks), g.vector(0), g.vector(1), g.vector(2))
    stop = _last(g, g.Reshape(reach[2], in_blocks), 2)
    width = _maximum(g, g.Sub(stop, start), 1, 2)
    begin, end, found = None, n_in, [width]
    if not all(axis.covers for axis in axes):
        begin, end = g.Slice(start, g.vector(0), g.vector(1), g.vector(1)), _last(g, stop, 1)
        found = [width, g.Sub(end, begin), begin]
    sizes = g.cast(g.Concat(*found, axis=0) if begin is not None else width, "i64")
    measured = g.Split(g.Reshape(sizes, g.vector(-1)), g.vector(*[1, 1] * len(found)), axis=0, outputs=2 * len(found))
    widths, extents = [g.as_num(v, 1) for v in measured[:2]], [axis.n_in for axis in axes]
    begins: list[Num] = [0, 0]
    if begin is not None:
        extents, begins = [g.as_num(v, 1) for v in measured[2:4]], [g.as_num(v) for v in measured[4:]]

    most = g.ReduceMax(width)
    taps = g.range(most, "f64")
    starts = g.Reshape(g.Expand(start, g.vector(1, 1, length)), g.vector(2, 1, -1))
    weights, sums = sampling.weights(g, g.Add(starts, g.Reshape(taps, g.vector(-1, 1))), reach)
    unit = None
    if arithmetic == TORCH_BYTES:
        shares = g.Div(weights, sums)
        unit = _torch_unit(g, shares if begin is None else _all_shares(g, sampling, axes))
        scaled = g.Mul(shares, unit)
    else:
        scaled = g.Div(weights, g.Mul(sums, f64(g, 2.0**-PRECISION_BITS)))
    signed = g.Mul(g.Sign(scaled), f64(g, 0.5)) if FILTERS[filter].negative else f64(g, 0.5)
    whole = g.cast(g.Add(scaled, signed), "i32")  # half away from zero
    whole = g.cast(_enlarging(g, sampling, g.Add(output, past), scaled, g.cast(whole, "f64")) if enlarging else whole, "f32")
    whole = g.Reshape(g.Transpose(whole, perm=(0, 2, 1)), g.vector(2, cells, length, -1))
    # Rows past the image have weight zero, so the last row is read instead.
    pixels = g.Min(g.Add(start, taps), g.Sub(end, f64(g, 1)))
    pixels = g.cast(pixels if begin is None else g.Sub(pixels, begin), "i64")
    return TracedBands(most, unit, whole, pixels, axes, length, blocks, begins, extents, widths)


def _enlarging(g: Builder, sampling: Sampling, outputs: Value, scaled: Value, whole: Value) -> Value:
    """Emit `numerics.enlarging.float32_weights`, in float64.

    A centre is `(2 * output + 1) * n_in / (2 * n_out)`, and an even number that makes it whole
    makes its weights whole. So candidates are the numbers `2 * n_out / divisor` that divide
    `(2 * output + 1) * n_in`, and the largest one decides. Among divisors that are powers of two,
    the least is enough, and it always divides: Pillow does not round weights that a power of two
    makes whole.

    Args:
        g: the emitter's handle.
        sampling: both axes' numbers.
        outputs: half past every output, float64 [2, 1, outputs].
        scaled, whole: the weights `[2, L, outputs]`, before and after Pillow's rounding.
    """
    twice = g.Mul(sampling.n_out, f64(g, 2))
    candidates = [[float(even)] for even in range(2, LARGEST_DIVISOR + 1, 2) if even == 2 or even & (even - 1)]
    divisors = g.Div(twice, g.constant(candidates, "f64"))
    divides = g.Equal(_minimum(g, g.Sub(divisors, g.Floor(divisors)), 0), f64(g, 0))
    divisors = g.Compress(divisors, g.Reshape(divides, g.vector(-1)), axis=1)
    multiple = g.Div(g.Mul(g.Mul(outputs, sampling.n_in), f64(g, 2)), divisors)
    # The operator Where would take three times as long as Cast and Mul.
    divisor = _maximum(g, g.Mul(g.cast(g.Equal(multiple, g.Floor(multiple)), "f64"), divisors), 1)
    side = g.Sign(g.Round(g.Mul(g.Sub(whole, scaled), f64(g, 2 * LARGEST_DIVISOR))))
    return g.Add(scaled, g.Mul(side, g.Mul(divisor, g.Div(f64(g, NUDGE), twice))))


def _all_shares(g: Builder, sampling: Sampling, axes: tuple[Axis, Axis]) -> Value:
    """Emit the normalised weights of all outputs, also of those outside a window.

    Torch's precision depends on the largest weight.
    """
    outputs = g.Min(g.range(num.maximum(axes[0].n_out, axes[1].n_out), "f64"), g.Sub(sampling.n_out, f64(g, 1)))
    center, low, high = sampling.reach(g, outputs, f64(g, 0.5))
    taps = g.range(g.ReduceMax(g.Sub(high, low)), "f64")
    return g.Div(*sampling.weights(g, g.Add(low, g.Reshape(taps, g.vector(-1, 1))), (center, low, high)))


def _torch_unit(g: Builder, shares: Value) -> Value:
    """Emit 2 to the power of `numerics.filters.torch_bits`, for each axis.

    `shares` are the normalised weights `[2, L, outputs]`; the largest one of an axis decides.
    """
    largest = _maximum(g, shares, 1, 2)
    powers = 2.0 ** np.arange(PRECISION_BITS)
    reached = g.GreaterOrEqual(largest, g.constant((LARGEST_WEIGHT - 0.5) / (2 * powers), "f64"))
    units = g.Where(reached, g.constant(powers, "f64"), f64(g, 1 << PRECISION_BITS))
    return _minimum(g, units, 2)


def _pairs(g: Builder, *pairs: tuple[Num, ...]) -> list[Value]:
    """Emit numbers of both axes as float64 [2, 1, 1].

    The numbers that are not known come from one tensor.
    """
    traced = [pair for pair in pairs if any(num.is_sym(v) for v in pair)]
    table = g.Reshape(g.cast(g.vector(*(v for pair in traced for v in pair)), "f64"), g.vector(-1, 1, 1))
    parts = iter(g.Split(table, g.vector(*[2] * len(traced)), axis=0, outputs=len(traced)) if len(traced) > 1 else [table])
    return [next(parts) if pair in traced else g.constant([[[v]] for v in pair], "f64") for pair in pairs]


def _extents(g: Builder, axes: tuple[Axis, Axis]) -> Value:
    """Emit how many pixels the outputs of each axis cover, as float64 [2, 1, 1].

    They are rounded to float32, as in Pillow.
    """
    extents = [g.num(num.as_float(a.n_in if a.extent is None else a.extent)) for a in axes]
    return g.Reshape(g.cast(g.cast(g.Concat(*extents, axis=0), "f32"), "f64"), g.vector(2, 1, 1))


def _last(g: Builder, x: Value, axis: int) -> Value:
    """Emit the last element of an axis, which stays with one element."""
    return g.Slice(x, g.vector(-1), g.vector(np.iinfo(np.int64).max), g.vector(axis))


def _maximum(g: Builder, x: Value, *axes: int) -> Value:
    """Emit the largest element over some axes, which stay with one element.

    Before opset 18, axes were an attribute instead of an input.
    """
    return g.ReduceMax(x, g.vector(*axes)) if g.opset >= 18 else g.ReduceMax(x, axes=list(axes))


def _minimum(g: Builder, x: Value, axis: int) -> Value:
    return g.ReduceMin(x, g.vector(axis)) if g.opset >= 18 else g.ReduceMin(x, axes=[axis])
