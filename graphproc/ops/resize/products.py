"""Exact integer products from floating point or 8-bit hardware: one pass of a resize.

A pass must give `floor((sum(weight * pixel) + 2**21) / 2**22)`, clipped to a byte, with 22-bit weights; no product that
runtimes do fast holds that many bits. So the weights are split into digits, `weight = sum(digit_j * 2**(bits * j))`, each
digit is multiplied separately, and the sums are put together from the lowest digit up:

    r = floor(S_0 / 2**bits);  r = floor((S_1 + r) / 2**bits);  ...;  result = floor((S_top + r + half) / 2**rest)

which is the same floor, because floors of nested divisions by powers of two compose. Every `S_j` is exact as long as
`255 * taps * digit` stays below 2**24 (float32) or 2**31 (int32), in whatever order a runtime adds. Digits of the float32
forms are not negative, except the top one, so that `floor` may be a conversion to an integer; those of the int8 form are
balanced, because they are signed bytes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graphproc.ir.builder_protocol import Builder, Value
from graphproc.numerics.filters import NEAREST, PRECISION_BITS
from graphproc.ops.resize.bands import Axis, Band, block_groups, block_length, known_bands, picked_rows
from graphproc.ops.resize.forms import Form, choose_form, form_limit
from graphproc.ops.resize.traced import traced_bands
from graphproc.sizes import num
from graphproc.sizes.num import Num

Bands = Callable[[int, bool], Band]
"""Gives the band of an axis, 0 vertical and 1 horizontal, and whether its pass is the last of the two."""


def with_bands(g: Builder, axes: tuple[Axis, Axis], channels: Num, filter: str, passes: Callable[[Bands], Value]) -> Value:
    """Emit the weights of both axes, and what `passes` emits from their bands.

    Where the form of the products depends on the image, `passes` is called once for each form, inside the branches of an
    `If`. One decision for both axes, on the larger reduction: a second `If` costs more than the better form would save.
    """
    if filter == NEAREST or all(axis.known for axis in axes):
        known = [_known_band(g, axis, filter, channels * other.count) for axis, other in zip(axes, axes[::-1], strict=True)]
        return passes(lambda index, last: known[index] if last else known[index].ungrouped())
    small, limit, large = form_limit(g.target)
    with g.scope("weights"):
        bands = traced_bands(g, axes, channels, filter)

    def in_form(form: Form) -> Value:
        with g.scope("weights"):
            weights = _packed(g, bands.weights, form)
        return passes(lambda index, last: bands.band(g, index, last, weights, form))

    names = (small.name, large.name)
    return g.cond(bands.taps_within(g, limit), lambda: in_form(small), lambda: in_form(large), names)


def _known_band(g: Builder, axis: Axis, filter: str, columns: Num) -> Band:
    if g.target == "portable" and not axis.known:
        form_limit(g.target)
    picked = picked_rows(g, axis, filter)
    if picked is not None:
        return picked
    length = block_length(num.known(axis.count))
    groups, blocks = block_groups(g, axis.count, length, columns)
    rows, weights, taps = known_bands(axis, filter, length, num.known(groups) * num.known(blocks))
    begin, end = int(rows.min()), int(rows.max()) + 1
    form = choose_form(g.target, taps)[0]
    packed = _packed(g, g.constant(weights, "f32"), form)
    return Band(g.constant(rows - begin, "i64"), begin, end - begin, axis.count, packed, form, length, groups, blocks)


def prepared_pass(g: Builder, band: Band, *shape: Num) -> Callable[[Value], Value]:
    """Emit what a pass needs besides pixels, which is the same for every image and every part of one.

    Returns:
        The emitter of the pass: from rows `[images, rows, columns]` to `[images, count, columns]`, rounded to a byte and read
        as `[images, *shape]`. Only one image where the band has groups of blocks, which are taken one after the other to
        keep what they write in the processor's cache.
    """
    form, groups = band.form, band.groups
    if form is None:
        picked = g.vector(0, *shape)
        return lambda x: g.Reshape(g.Gather(x, band.rows, axis=1), picked)
    rows, weights = band.rows, band.weights
    if groups != 1:
        with g.scope("groups"):
            rows = g.Reshape(rows, g.vector(groups, band.blocks, -1))
            size = g.vector(groups, band.blocks, band.length * form.stacked, -1)
            weights = tuple(g.Reshape(digits, size) for digits in weights)
    images = 0 if groups == 1 else 1  # a Reshape to 0 keeps an axis
    result, count = g.vector(images, *shape), g.num(band.count)
    computed = groups * band.blocks * band.length
    exact = isinstance(band.count, int) and band.count == computed
    outputs = result if exact else g.vector(images, computed, -1)

    def blocks(x: Value, rows: Value, *weights: Value) -> Value:
        return _PRODUCT[form.name](g, g.Gather(x, rows, axis=1), weights, band)

    def emit(x: Value) -> Value:
        if groups == 1:
            y = blocks(x, rows, *weights)
        else:
            with g.scope("groups"):
                y = g.scan((rows, *weights), lambda *band: blocks(x, *band), rank=4)
        y = g.Reshape(y, outputs)
        return y if exact else g.Reshape(g.Slice(y, g.vector(0), count, g.vector(1)), result)

    return emit


def _packed(g: Builder, weights: Value, form: Form) -> tuple[Value, ...]:
    """Integer weights `[..., T, L]` as what a form multiplies by: digits apart, or side by side in `[..., digits*T, L]`.

    A weight is at most 2**22 and a few units, so float32 holds it and its digits exactly.
    """
    if form.name == "float64":
        return (g.cast(weights, "f64"),)
    *lower, top = _digits(g, weights, form)
    if form.name == "float32":
        # A power of two keeps a digit's products as exact as before, and spares a division after them.
        return (*lower, top) if form.apart else (g.Concat(*lower, top, axis=-2),)
    lower = [g.Mul(digit, g.constant([1 << form.bits], "f32")) for digit in lower]
    return (g.cast(g.Add(g.Concat(*lower, top, axis=-2), g.constant([128], "f32")), "u8"),)


def _digits(g: Builder, weights: Value, form: Form) -> list[Value]:
    """Digits of integer weights, lowest first, as float32; all but the top one as fractions.

    In [-1/2, 1/2) for int8: rounding halves up sends the remainder -128 .. 127, which is what a byte holds. In [0, 1) for
    float32.
    """
    digits = []
    for _ in range(form.digits - 1):
        shifted = g.Mul(weights, g.constant([2.0**-form.bits], "f32"))
        weights = g.Floor(g.Add(shifted, g.constant([0.5], "f32")) if form.name == "int8" else shifted)
        digits.append(g.Sub(shifted, weights))
    return [*digits, weights]


def _float64(g: Builder, pixels: Value, weights: tuple[Value, ...], band: Band) -> Value:
    """Any number of taps: 53 bits hold the whole sum."""
    total = g.Add(g.MatMul(*weights, g.cast(pixels, "f64")), g.constant([1 << (PRECISION_BITS - 1)], "f64"))
    total = g.Floor(g.Mul(total, g.constant([2.0**-PRECISION_BITS], "f64")))
    return g.cast(g.Clip(total, g.constant(0, "f64"), g.constant(255, "f64")), g.pixel_dtype)


def _float32_digits(g: Builder, pixels: Value, weights: tuple[Value, ...], band: Band) -> Value:
    """Digits from a product each, or from one that reads the gathered rows once; the lower ones are fractions."""
    form = band.form
    assert form is not None
    shift = 2.0**-form.bits
    pixels = g.cast(pixels, "f32")
    products = [g.MatMul(digits, pixels) for digits in weights]
    if not form.apart:
        products = g.Split(*products, g.vector(*[band.length] * form.digits), axis=-2, outputs=form.digits)
    *sums, total = products
    carry = _whole(g, sums[0])
    for sum_ in sums[1:]:
        carry = _whole(g, g.Add(sum_, g.Mul(carry, g.constant([shift], "f32"))))
    total = g.Add(total, carry)
    rest = 1 << (PRECISION_BITS - form.bits * (form.digits - 1))
    if g.target == "cpu":
        return _quantize(g, total, rest, 1 << 21)
    total = g.Mul(g.Add(total, g.constant([rest / 2], "f32")), g.constant([1 / rest], "f32"))
    return g.cast(g.Floor(g.Clip(total, g.constant(0, "f32"), g.constant(255, "f32"))), g.pixel_dtype)


def _whole(g: Builder, x: Value) -> Value:
    """The floor of numbers that are not negative; on CPUs two conversions take less time than Floor."""
    return g.cast(g.cast(x, "i32"), "f32") if g.target == "cpu" else g.Floor(x)


def _quantize(g: Builder, total: Value, unit: int, resolution: int) -> Value:
    """`clip(floor(total / unit + 1/2), 0, 255)` as uint8 by one QuantizeLinear.

    QuantizeLinear divides, rounds half to even, clips and casts. Dividing by a hair less than the unit lifts every tie,
    and nothing else, above the half, so that it rounds up. The hair, one part in `resolution`, must be small enough not to
    lift the value just below a tie and large enough to survive float32.
    """
    scale = np.float32(unit * (1 - 1 / resolution))
    return g.QuantizeLinear(total, g.constant(scale, "f32"), g.constant(0, "u8"), dtype="u8")


def _int8(g: Builder, pixels: Value, weights: tuple[Value, ...], band: Band) -> Value:
    """Three 8-bit digits side by side in one MatMulInteger; their int32 sum is the definition's own accumulator."""
    sums = g.MatMulInteger(*weights, pixels, g.constant(128, "u8"))
    low, middle, high = g.Split(sums, g.vector(*[band.length] * 3), axis=-2, outputs=3)
    base = g.constant([256], "i32")
    total = g.Add(g.Mul(g.Add(g.Mul(high, base), middle), base), low)
    # Keep what decides the rounding, the bits from one half up: few enough for float32.
    half = 1 << (PRECISION_BITS - 1)
    if g.opset >= 18:
        return _quantize(g, g.cast(g.BitwiseAnd(total, g.constant([-half], "i32")), "f32"), 2 * half, 1 << 10)
    # Div rounds negative totals toward zero instead of down, but they clip to 0 either way.
    return _quantize(g, g.cast(g.Div(total, g.constant([half], "i32")), "f32"), 2, 1 << 10)


_PRODUCT = {"float32": _float32_digits, "float64": _float64, "int8": _int8}
