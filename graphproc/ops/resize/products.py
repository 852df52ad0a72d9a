"""Compute exact integer products on floating point or 8-bit hardware: one axis step of a resize.

An axis step must give `floor((sum(weight * pixel) + 2**21) / 2**22)`, clipped to a byte, with
22-bit weights. No product that runtimes do fast holds that many bits. So the weights are split into
digits, `weight = sum(digit_j * 2**(bits * j))`, and each digit is multiplied separately. Every sum
`S_j` is exact as long as `255 * taps * digit` stays below 2**24 (float32) or 2**31 (int32), in
whatever order a runtime adds. How the sums are put together depends on the form.

`float32` and `int8` go from the lowest digit up:

    r = floor(S_0 / 2**bits);  r = floor((S_1 + r) / 2**bits);  ...;  result = floor((S_top + r + half) / 2**rest)

This is the same floor, because floors of nested divisions by powers of two compose. Digits of the
float32 forms are not negative, except the top one. Digits of the int8 form start below zero, at
minus the zero point, so that a byte holds them.

`single`: the weights are all multiples of a unit that is large enough for the sum to fit one digit,
and a row of ones adds the half. Torch's weights have up to 15 fractional bits if the filter
has negative weights (255 * 2 * 2**15, and the half, stay below 2**24), and up to 16 if it has none.
Where Pillow's bilinear filter enlarges, other weights that float32 holds round to the same bytes
(`numerics.enlarging`).

`paired` needs one addition. With x = sum(weight * pixel) / 2**22, the sums of two digits are

    high = sum(digit_1 * pixel) / 2**14 + 512.5         a multiple of 2**-14 below 1024: 24 bits
    low = sum(digit_0 * pixel) / 2**22 - 2**-15         a multiple of 2**-22 below 4: 24 bits

where the constants are the weights of a row of ones. Their sum is x + 512.5 - 2**-15. Float32 holds
numbers from 512 to 1024 as multiples of 2**-14, so rounding the sum to the nearest is rounding x +
512.5 down: it reaches an integer only if x + 0.5 does (at the tie there, the even neighbour is the
integer). Below 512, where float32 numbers are finer, x + 0.5 is negative and the result is 0
anyway. The result is the whole part, less 512. The byte of a positive int32 is its remainder by
256, which takes the 512 off. Sums of absolute weights stay under 2 for every filter, so no partial
sum leaves these ranges.
"""

from __future__ import annotations

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.numerics.filters import FILTERS, PRECISION_BITS
from graphproc.ops.resize.bands import Band
from graphproc.ops.resize.forms import ENLARGING, INT8_2, SINGLE, ProductForm
from graphproc.sizes.num import Num

PIXELS_OFFSET = 512.5
"""The constant that is added to a pair's high sum.

It is half a pixel value for rounding, plus the start of a binade (the numbers from 512 to 1024).
"""
GRID_OFFSET = -(2.0**-15)
"""The constant of the low sum: minus half of the step between float32 numbers in that binade."""


def product(g: Builder, band: Band, x: Value, rows: Value, weights: Value | None, filter: str) -> Value:
    """Emit one axis step over some blocks.

    Args:
        g: the emitter's handle.
        band: the axis; its form says what the products are.
        x: pixels `[..., rows, columns]`, with a last row of ones if the form needs it.
        rows: int64 [1, blocks, L], rows of x.
        weights: the blocks' weights, [1, blocks, ...].
        filter: the filter's name.

    Returns:
        `[..., 1, blocks, T, columns]`, rounded to a byte. The single form gives float32 instead;
        its whole part is the byte. The paired form gives int32 `[1, blocks, T * columns]`; its low
        byte is the byte.
    """
    pixels = g.Gather(x, rows, axis=-2)
    return pixels if band.form is None else _PRODUCT[band.form.name](g, pixels, weights, band, filter)


def rows_read(g: Builder, band: Band, rows: Value) -> Value:
    """Emit the rows `[n, blocks, L]` that products read, from the rows of the pixels.

    If products read the row of ones, which is the last row, it is put in front.
    """
    return g.Pad(rows, g.vector(0, 0, 1, 0, 0, 0), g.constant(-1, "i64")) if band.constant else rows


def with_ones(g: Builder, band: Band, x: Value, columns: Num) -> Value:
    """Emit pixels `[rows, columns]`, with a last row of ones if the products read one."""
    return g.Concat(x, g.Expand(g.constant([[1]], "u8"), g.vector(1, columns)), axis=0) if band.constant else x


def packed(g: Builder, weights: Value, unit: Value | None, form: ProductForm) -> Value:
    """Emit the weights that a form multiplies by, `[n, blocks, T * digits, L]`.

    They are made of integer weights `[n, blocks, T, L]`. A weight is at most 2**22 and a few units,
    so float32 holds it and its digits exactly. If `unit` is given, float64 `[n, 1, 1]`, it stands
    for a weight of 1; else 2**22 does.
    """
    if form != INT8_2 and unit is not None:
        weights = g.Mul(weights, g.cast(g.Unsqueeze(g.Div(g.constant([1 << PRECISION_BITS], "f64"), unit), g.vector(3)), "f32"))
    if form.name == "float64":
        return g.cast(weights, "f64")
    ahead = g.vector(0, 0, 0, 1, 0, 0, 0, 0)  # room for the row of ones
    if form in (SINGLE, ENLARGING):
        return g.Pad(g.Mul(weights, g.constant([2.0**-PRECISION_BITS], "f32")), ahead, g.constant(0.5, "f32"))
    *lower, top = _digits(g, weights, form)
    if form.name == "paired":
        return _pairs(g, lower[0], top, ahead)
    if form.name == "float32":
        # A power of two keeps a digit's products as exact as before, and spares a division after them.
        return g.Concat(*lower, top, axis=-2)
    lower = [g.Mul(digit, g.constant([1 << form.bits], "f32")) for digit in lower]
    return g.cast(g.Add(g.Concat(*lower, top, axis=-2), g.constant([form.zero_point], "f32")), "u8")


def _digits(g: Builder, weights: Value, form: ProductForm) -> list[Value]:
    """Emit the digits of integer weights as float32, lowest first; all but the top one as fractions.

    For int8 they start below zero, at minus the zero point, so that a byte holds them: the
    fractions are in [-1/2, 1/2) for three digits, in [-1/4, 3/4) for two. For float32 they are in
    [0, 1).
    """
    digits = []
    for _ in range(form.digits - 1):
        shifted = g.Mul(weights, g.constant([2.0**-form.bits], "f32"))
        weights = g.Floor(g.Add(shifted, g.constant([form.zero_point / 256], "f32")) if form.zero_point else shifted)
        digits.append(g.Sub(shifted, weights))
    return [*digits, weights]


def _pairs(g: Builder, low: Value, high: Value, ahead: Value) -> Value:
    """Emit the digits of a block's outputs, all high ones before all low ones.

    In front of its digits, each output has its weight for the row of ones.
    """
    unit = 2.0**-14
    offsets = ((high, PIXELS_OFFSET / unit), (low, GRID_OFFSET / unit))
    digits = g.Concat(*(g.Pad(digit, ahead, g.constant(offset, "f32")) for digit, offset in offsets), axis=2)
    return g.Mul(digits, g.constant([unit], "f32"))


def _single(g: Builder, pixels: Value, weights: Value, band: Band, filter: str) -> Value:
    """Emit the sum with its half; its whole part is the byte.

    Only negative weights can make it leave a byte's range.
    """
    total = g.MatMul(weights, g.cast(pixels, "f32"))
    return g.Clip(total, g.constant(0, "f32"), g.constant(255, "f32")) if FILTERS[filter].negative else total


def _paired(g: Builder, pixels: Value, weights: Value, band: Band, filter: str) -> Value:
    """Emit two sums for each output from one product, add them, and cut them to an integer.

    The low byte of the integer is the result. The two sums of an output lie far apart, because
    ReduceSum would be slow if they lay side by side: it would start anew for each output.
    """
    sums = g.Reshape(g.MatMul(weights, g.cast(pixels, "f32")), g.vector(0, 0, 2, -1))
    total = g.ReduceSum(sums, g.vector(2), keepdims=0)
    if FILTERS[filter].negative:
        start = PIXELS_OFFSET - 0.5
        total = g.Clip(total, g.constant(start, "f32"), g.constant(start + 255, "f32"))
    return g.cast(total, "i32")


def _float64(g: Builder, pixels: Value, weights: Value, band: Band, filter: str) -> Value:
    """Emit a product for any number of taps: 53 bits hold the whole sum."""
    total = g.Add(g.MatMul(weights, g.cast(pixels, "f64")), g.constant([1 << (PRECISION_BITS - 1)], "f64"))
    total = g.Floor(g.Mul(total, g.constant([2.0**-PRECISION_BITS], "f64")))
    return g.cast(g.Clip(total, g.constant(0, "f64"), g.constant(255, "f64")), g.pixel_dtype)


def _float32_digits(g: Builder, pixels: Value, weights: Value, band: Band, filter: str) -> Value:
    """Emit one product that reads the gathered rows once; the lower digits are fractions."""
    form = band.form
    assert form is not None
    shift = 2.0**-form.bits
    products = g.MatMul(weights, g.cast(pixels, "f32"))
    *sums, total = g.Split(products, g.vector(*[band.length] * form.digits), axis=-2, outputs=form.digits)
    carry = g.Floor(sums[0])
    for sum_ in sums[1:]:
        carry = g.Floor(g.Add(sum_, g.Mul(carry, g.constant([shift], "f32"))))
    total = g.Add(total, carry)
    rest = 1 << (PRECISION_BITS - form.bits * (form.digits - 1))
    total = g.Mul(g.Add(total, g.constant([rest / 2], "f32")), g.constant([1 / rest], "f32"))
    return g.cast(g.Floor(g.Clip(total, g.constant(0, "f32"), g.constant(255, "f32"))), g.pixel_dtype)


def _int8(g: Builder, pixels: Value, weights: Value, band: Band, filter: str) -> Value:
    """Emit one MatMulInteger with 8-bit digits side by side.

    Together the digits' int32 sums are the definition's own accumulator. Only the bits that decide
    the rounding are kept, those from one half up. They are few enough for float32.
    """
    form = band.form
    assert form is not None
    sums = g.MatMulInteger(weights, pixels, g.constant(form.zero_point, "u8"))
    *lower, total = g.Split(sums, g.vector(*[band.length] * form.digits), axis=-2, outputs=form.digits)
    for digit in reversed(lower):
        total = g.Add(g.Mul(total, g.constant([256], "i32")), digit)
    half, whole = _halves(g, band.unit)
    if g.opset >= 18:
        return _quantize(g, g.cast(g.BitwiseAnd(total, half), "f32"), whole)
    # Div rounds negative totals toward zero instead of down, but they clip to 0 either way.
    return _quantize(g, g.cast(g.Div(total, half), "f32"), g.constant(np.float32(2 * _HAIR_LESS), "f32"))


_HAIR_LESS = 1 - 2.0**-10


def _halves(g: Builder, unit: int | Value) -> tuple[Value, Value]:
    """Return half a unit as int32, and a unit as float32, slightly smaller, as `_int8` needs them.

    The half is negative from opset 18 on.
    """
    sign = -1 if g.opset >= 18 else 1
    if isinstance(unit, int):
        return g.constant([sign * unit // 2], "i32"), g.constant(np.float32(unit * _HAIR_LESS), "f32")
    half = g.cast(g.Mul(unit, g.constant([sign * 0.5], "f64")), "i32")
    return half, g.cast(g.Squeeze(g.Mul(unit, g.constant([_HAIR_LESS], "f64"))), "f32")


def _quantize(g: Builder, total: Value, scale: Value) -> Value:
    """Emit `clip(floor(total / unit + 1/2), 0, 255)` as uint8, by one QuantizeLinear.

    The totals are multiples of half a unit. QuantizeLinear divides, rounds half to even, clips and
    casts. The divisor `scale` is slightly smaller than the unit. This lifts every tie, and nothing
    else, above the half, so that it rounds up.
    """
    return g.QuantizeLinear(total, scale, g.constant(0, "u8"), dtype="u8")


_PRODUCT = {
    "single": _single,
    "enlarging": _single,
    "paired": _paired,
    "float32": _float32_digits,
    "float64": _float64,
    "int8": _int8,
}
