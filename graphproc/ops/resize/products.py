"""Exact integer products from floating point or 8-bit hardware: one pass of a resize.

A pass must give `floor((sum(weight * pixel) + 2**21) / 2**22)`, clipped to a byte, with 22-bit weights; no product that
runtimes do fast holds that many bits. So the weights are split into digits, `weight = sum(digit_j * 2**(bits * j))` with
balanced digits, each digit is multiplied separately, and the sums are put together from the lowest digit up:

    r = floor(S_0 / 2**bits);  r = floor((S_1 + r) / 2**bits);  ...;  result = floor((S_top + r + half) / 2**rest)

which is the same floor, because floors of nested divisions by powers of two compose. Every `S_j` is exact as long as
`255 * taps * 2**(bits - 1)` stays below 2**24 (float32) or 2**31 (int32), in whatever order a runtime adds.

Which form a pass takes is decided by `choose_form`; `graphproc inspect --why` prints its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from graphproc.errors import EmitError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.numerics.filters import PRECISION_BITS
from graphproc.ops.resize.bands import Bands, emit_bands
from graphproc.sizes import num
from graphproc.sizes.num import Num

if TYPE_CHECKING:
    from graphproc.ops.resize.emit import Axis


@dataclass(frozen=True, slots=True)
class Form:
    """How a pass multiplies.

    Attributes:
        name: `float32`, `int8` or `float64`.
        digits: how many digits a weight is split into.
        bits: bits of every digit but the top one.
        max_taps: the largest number of taps for which the result is exact.
    """

    name: str
    digits: int = 1
    bits: int = PRECISION_BITS
    max_taps: float = float("inf")


def _float32(digits: int, bits: int) -> Form:
    """`255 * taps * 2**(bits - 1)`, plus the carry from below, must stay under 2**24."""
    return Form("float32", digits, bits, int(((1 << 24) - (1 << 24 - bits)) / (255 * (1 << (bits - 1)))))


FLOAT32_2 = _float32(2, 11)
FLOAT32_3 = _float32(3, 8)
"""8-bit digits also survive TF32, whose significand has 11 bits."""
FLOAT32_4 = _float32(4, 6)
FLOAT32_6 = _float32(6, 4)
INT8_3 = Form("int8", 3, 8)
FLOAT64 = Form("float64")

CPU_FLOAT32_TAPS = 14
"""Up to here (a bicubic reduction by 3) float32 products beat 8-bit ones in ONNX Runtime's CPU provider."""


def choose_form(target: str, taps: int) -> tuple[Form, str]:
    """The form of a pass whose outputs have at most `taps` taps, and why.

    Raises:
        EmitError: no form of the target is exact for so many taps.
    """
    if target == "cpu":
        if taps <= CPU_FLOAT32_TAPS:
            return FLOAT32_2, f"{taps} taps: two float32 digits are exact to {FLOAT32_2.max_taps} taps and fastest to {CPU_FLOAT32_TAPS}"
        return INT8_3, f"{taps} taps: three 8-bit digits in int32 are exact for any number, fastest above {CPU_FLOAT32_TAPS}"
    if target == "cuda":
        if taps <= FLOAT32_3.max_taps:
            return FLOAT32_3, f"{taps} taps: three float32 digits are exact to {FLOAT32_3.max_taps} taps, with TF32 too"
        return FLOAT64, f"{taps} taps: more than float32 digits hold, so float64"
    for form in (FLOAT32_2, FLOAT32_3, FLOAT32_4, FLOAT32_6):
        if taps <= form.max_taps:
            return form, f"{taps} taps: {form.digits} float32 digits are exact to {form.max_taps} taps"
    raise EmitError(f"resize: no exact float32 form for {taps} taps (at most {FLOAT32_6.max_taps}). Reduce the image in two steps.")


def _form_limit(target: str) -> tuple[Form, int, Form]:
    """For taps that are not known before the image is: the form up to a number of taps, and the one above."""
    if target == "cpu":
        return FLOAT32_2, CPU_FLOAT32_TAPS, INT8_3
    if target == "cuda":
        return FLOAT32_3, int(FLOAT32_3.max_taps), FLOAT64
    raise EmitError(
        "resize: target 'portable' has no float64 to compute weights in the graph, so the image's size must be fixed. "
        "Give image_size=(height, width), or use target 'cpu' or 'cuda'."
    )


def emit_nearest(g: Builder, x: Value, lead: int, axis: Axis, filter: str) -> Value:
    """Gather the rows that Pillow's nearest filter picks; `x` and the result are `[lead..., rows, columns]`."""
    first, count = axis.first, axis.count
    if all(isinstance(v, int) for v in (axis.n_in, axis.n_out, first, count)):
        from graphproc.numerics.filters import nearest_indices

        rows = nearest_indices(int(axis.n_in), int(axis.n_out))[int(first) : int(first) + int(count)]
        return g.Gather(x, g.constant(rows, "i64"), axis=lead)
    if g.target == "portable":
        _form_limit(g.target)
    scale = g.num(axis.n_in / axis.n_out)
    half = g.num((axis.n_in / axis.n_out) * 0.5)
    # Half a step, then whole steps, added up one after the other: the accumulated rounding is part of the result.
    steps = g.Expand(scale, g.vector(first + count - 1))
    positions = g.CumSum(g.Concat(half, steps, axis=0), g.constant(0, "i64"))
    positions = g.Slice(positions, g.vector(first), g.vector(first + count))
    rows = g.Min(g.cast(positions, "i64"), g.num(axis.n_in - 1))
    return g.Gather(x, rows, axis=lead)


def emit_pass(g: Builder, x: Value, lead: int, axis: Axis, filter: str) -> Value:
    """Resample the rows of `x [lead..., rows, columns]` to `[lead..., count, columns]`, rounded to a byte."""
    if axis.whole and axis.n_in == axis.n_out:
        return x
    bands = emit_bands(g, axis, filter)
    if isinstance(bands.taps, int):
        x = _product(g, x, lead, bands, choose_form(g.target, bands.taps)[0])
    else:
        small, limit, large = _form_limit(g.target)
        x = g.cond(
            bands.taps <= limit,
            lambda: _product(g, x, lead, bands, small),
            lambda: _product(g, x, lead, bands, large),
        )
    x = g.Reshape(x, g.vector(*[0] * lead, -1, _columns(g, x)))
    if bands.padded:
        x = g.Slice(x, g.vector(0), g.vector(axis.count), g.vector(lead))
    return x


def _columns(g: Builder, x: Value) -> Value:
    return g.Shape(x, start=-1)


def _product(g: Builder, x: Value, lead: int, bands: Bands, form: Form) -> Value:
    """`[lead..., rows, columns]` to `[lead..., blocks, T, columns]` in one form."""
    gathered = g.Gather(x, bands.rows, axis=lead)
    if form.name == "int8":
        return _int8(g, gathered, bands)
    if form.name == "float64":
        product = g.MatMul(bands.weights, g.cast(gathered, "f64"))
        total = g.Mul(g.Add(product, g.constant([1 << (PRECISION_BITS - 1)], "f64")), g.constant([2.0**-PRECISION_BITS], "f64"))
        return g.cast(g.Clip(g.Floor(total), g.constant(0, "f64"), g.constant(255, "f64")), g.pixel_dtype)
    return _float32_digits(g, g.cast(gathered, "f32"), bands, form)


def _digits(g: Builder, weights: Value, form: Form) -> list[Value]:
    """Balanced digits of integer weights, lowest first, as float64; all but the top one in [-2**(b-1), 2**(b-1))."""
    unit = g.constant([1 << form.bits], "f64")
    digits = []
    for _ in range(form.digits - 1):
        # rounding halves up sends the remainder -2**(b-1) .. 2**(b-1) - 1, which for 8 bits is what a byte holds
        upper = g.Floor(g.Add(g.Mul(weights, g.constant([2.0**-form.bits], "f64")), g.constant([0.5], "f64")))
        digits.append(g.Sub(weights, g.Mul(upper, unit)))
        weights = upper
    return [*digits, weights]


def _float32_digits(g: Builder, pixels: Value, bands: Bands, form: Form) -> Value:
    """Digits side by side in one product, which reads the gathered rows once; the lower ones are scaled by 2**-bits.

    Scaling by a power of two leaves a digit's products as exact as before and spares a division after them.
    """
    shift = 2.0**-form.bits
    *lower, top = _digits(g, bands.weights, form)
    scaled = [g.Mul(digit, g.constant([shift], "f64")) for digit in lower]
    product = g.MatMul(g.cast(g.Concat(*scaled, top, axis=1), "f32"), pixels)
    *sums, total = g.Split(product, g.vector(*[bands.length] * form.digits), axis=-2, outputs=form.digits)
    carry = g.Floor(sums[0])
    for sum_ in sums[1:]:
        carry = g.Floor(g.Add(sum_, g.Mul(carry, g.constant([shift], "f32"))))
    total = g.Add(total, carry)
    rest = 1 << (PRECISION_BITS - form.bits * (form.digits - 1))
    if g.target == "cpu":
        return _quantize(g, total, rest, 1 << 21)
    total = g.Mul(g.Add(total, g.constant([rest / 2], "f32")), g.constant([1 / rest], "f32"))
    return g.cast(g.Floor(g.Clip(total, g.constant(0, "f32"), g.constant(255, "f32"))), g.pixel_dtype)


def _quantize(g: Builder, total: Value, unit: int, resolution: int) -> Value:
    """`clip(floor(total / unit + 1/2), 0, 255)` as uint8 by one QuantizeLinear.

    QuantizeLinear divides, rounds half to even, clips and casts. Dividing by a hair less than the unit lifts every tie,
    and nothing else, above the half, so that it rounds up. The hair, one part in `resolution`, must be small enough not to
    lift the value just below a tie and large enough to survive float32.
    """
    scale = np.float32(unit * (1 - 1 / resolution))
    return g.QuantizeLinear(total, g.constant(scale, "f32"), g.constant(0, "u8"), dtype="u8")


def _int8(g: Builder, pixels: Value, bands: Bands) -> Value:
    """Three 8-bit digits side by side in one MatMulInteger; their int32 sum is the definition's own accumulator."""
    digits = g.Concat(*_digits(g, bands.weights, INT8_3), axis=1)
    offset = g.cast(g.Add(digits, g.constant([128], "f64")), "u8")
    sums = g.MatMulInteger(offset, pixels, g.constant(128, "u8"))
    low, middle, high = g.Split(sums, g.vector(*[bands.length] * 3), axis=-2, outputs=3)
    base = g.constant([256], "i32")
    total = g.Add(g.Mul(g.Add(g.Mul(high, base), middle), base), low)
    # Keep what decides the rounding, the bits from one half up: few enough for float32.
    half = 1 << (PRECISION_BITS - 1)
    if g.opset >= 18:
        return _quantize(g, g.cast(g.BitwiseAnd(total, g.constant([-half], "i32")), "f32"), 2 * half, 1 << 10)
    # Div rounds negative totals toward zero instead of down, but they clip to 0 either way.
    return _quantize(g, g.cast(g.Div(total, g.constant([half], "i32")), "f32"), 2, 1 << 10)
