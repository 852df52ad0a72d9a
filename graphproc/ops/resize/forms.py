"""Define the forms of an axis step's integer products, and choose one for each axis step.

`choose_form` decides and gives the reason, for `graphproc inspect --why`. On CPUs an axis step
takes its time in the nodes that go over its outputs once, and in the products over the rows that
its blocks read. With few rows, float32 is fastest; with many rows, bytes are. The change from one
to the other was measured on one thread of a processor with AVX2; with 8-bit dot products it comes
sooner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from graphproc.errors import EmitError
from graphproc.numerics.enlarging import MOST_OUTPUTS
from graphproc.numerics.filters import FILTERS, LARGEST_WEIGHT, PRECISION_BITS, TORCH_BYTES
from graphproc.sizes.num import Num

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class ProductForm:
    """Describe how an axis step multiplies.

    Attributes:
        name: `single`, `enlarging`, `paired`, `float32`, `int8` or `float64`.
        digits: how many digits a weight is split into.
        bits: bits of every digit but the top one.
        max_taps: the largest number of taps for which the result is exact.
        constant: whether products also read a row of ones; its weights add a constant to every sum.
        zero_point: the number that is added to int8 digits, so that a byte holds them.
    """

    name: str
    digits: int = 1
    bits: int = PRECISION_BITS
    max_taps: float = float("inf")
    constant: bool = False
    zero_point: int = 0

    def __str__(self) -> str:
        return self.name if self.digits == 1 else f"{self.name}, {self.digits} digits"


def _float32(digits: int, bits: int) -> ProductForm:
    """Return the form with these digits and its largest number of taps.

    `255 * taps * (2**bits - 1)`, plus the carry from the digit below, must stay under 2**24.
    """
    return ProductForm("float32", digits, bits, int(((1 << 24) - (1 << 24 - bits)) / (255 * ((1 << bits) - 1))))


SINGLE = ProductForm("single", constant=True)
"""One float32 product, for weights with so few bits that float32 holds their sums.

`fits_single` checks this.
"""
ENLARGING = ProductForm("enlarging", constant=True)
"""One float32 product with the weights of `numerics.enlarging`.

It is for enlarging with Pillow's bilinear filter.
"""
PAIRED = ProductForm("paired", 2, 8, int(((1 << 24) - 128) / (255 * 255)), constant=True)
"""Two float32 digits with a sum that is rounded once; `products` explains why this is exact."""
FLOAT32_2 = _float32(2, 11)
FLOAT32_3 = _float32(3, 8)
"""8-bit digits are exact in TF32 as well, because its significand has 11 bits."""
FLOAT32_4 = _float32(4, 6)
FLOAT32_6 = _float32(6, 4)
INT8_2 = ProductForm("int8", 2, 8, zero_point=64)
"""For weights below 2**15 that are not far below zero.

Digits of -64 .. 191 hold -16448 .. 49087.
"""
INT8_3 = ProductForm("int8", 3, 8, zero_point=128)
FLOAT64 = ProductForm("float64")

BLOCK_LENGTH, PAIRED_BLOCK_LENGTH, SINGLE_BLOCK_LENGTH = 8, 5, 4
"""How many outputs a block has.

The first is for an axis that hardly shrinks. The others are for axes that shrink, with paired
digits and with single products.
"""
ENLARGING_WORTH_A_BRANCH_ABOVE = 512
"""The side of a result, in pixels, above which a graph of any size has a branch for enlarging.

Few images are smaller than a result of at most this size, so a branch for them is not worth it.
"""


def float_limit(filter: str, arithmetic: str) -> float:
    """Return by what factor a side may shrink on a CPU until 8-bit products are faster than float32.

    Torch's weights fit a single product as long as the largest one is over 1/4, or over 1/2
    if some are negative. Otherwise two 8-bit digits are faster than two of float32.
    """
    if arithmetic == TORCH_BYTES:
        return 1 << (single_bits(filter) - 14)
    # A line through measurements of paired digits against three 8-bit ones: 4.9, 4.25 and 3.5 for supports of 1, 2 and 3.
    return 5.6 - 0.7 * FILTERS[filter].support


def int8_block_length(filter: str) -> int:
    """Return how many outputs a block of 8-bit products has.

    With a small support, neighbours share only a small part of the rows that each reads, so blocks
    are smaller.
    """
    return 2 if FILTERS[filter].support <= 1 else 4


def own_unit(weights: Array) -> int:
    """Return the largest power of two that divides all integer weights, but at most one half.

    Weights and result are in units of 2**-22.
    """
    bits = int(np.bitwise_or.reduce(weights, axis=None)) | 1 << (PRECISION_BITS - 1)
    return bits & -bits


def fits_single(weights: Array) -> bool:
    """Return whether float32 holds every sum of pixels times weights, plus one half, exactly.

    `weights` are integers `[..., L]` in units of 2**-22.
    """
    largest = 255 * np.abs(weights.astype(np.int64)).sum(axis=-1).max() + (1 << (PRECISION_BITS - 1))
    return bool(largest // own_unit(weights) <= 1 << 24)


def single_bits(filter: str) -> int:
    """Return the most fractional bits of a filter's weights that always fit a single product.

    The absolute values of weights add up to less than 2. If none is negative, they add up to 1,
    except for rounding.
    """
    return 15 if FILTERS[filter].negative else 16


def choose_form(
    target: str, weights: Array, taps: int, reduction: float, n_out: int, filter: str, arithmetic: str
) -> tuple[ProductForm, str]:
    """Return the form of an axis step over known sizes, and the reason.

    Args:
        target: the emitter's target.
        weights: int32 [blocks, outputs, rows] in units of 2**-22.
        taps: the most taps that an output has.
        reduction: by what factor the side shrinks.
        n_out: how many outputs the whole side has; 0 if they do not cover all of its pixels.
        filter: the filter's name.
        arithmetic: `pillow` or `torch_bytes`.

    Raises:
        EmitError: no form of the target is exact for this number of taps.
    """
    rows = weights.shape[-1]
    if target == "cpu":
        limit = float_limit(filter, arithmetic)
        if fits_single(weights) and reduction <= max(limit, float_limit(filter, TORCH_BYTES)):
            return SINGLE, "weights of so few bits that one float32 product is exact"
        own = weights // own_unit(weights)
        if own.max() < LARGEST_WEIGHT and own.min() >= -257 * INT8_2.zero_point:
            return INT8_2, "weights of 16 bits: two 8-bit digits in int32 are exact"
        if may_enlarge(filter, arithmetic) and reduction <= 1 and 0 < n_out <= MOST_OUTPUTS:
            return ENLARGING, "enlarges between two pixels: one float32 product rounds as the exact sum does"
        if reduction <= limit:
            return PAIRED, f"shrinks by {reduction:.2g}: two paired float32 digits are exact, and fastest to {limit:.2g}"
        return INT8_3, f"shrinks by {reduction:.2g}: three 8-bit digits in int32 are exact, and fastest above {limit:.2g}"
    if target == "cuda":
        if rows <= FLOAT32_3.max_taps:
            return FLOAT32_3, f"{rows} rows a block: three float32 digits are exact to {FLOAT32_3.max_taps}, with TF32 too"
        return FLOAT64, f"{rows} rows a block: more than float32 digits hold, so float64"
    for form in (FLOAT32_2, FLOAT32_3, FLOAT32_4, FLOAT32_6):
        if taps <= form.max_taps:
            return form, f"{taps} taps: {form.digits} float32 digits are exact to {form.max_taps} taps"
    raise EmitError(
        f"resize: no exact float32 form for {taps} taps (at most {FLOAT32_6.max_taps}). Reduce the image in two steps."
    )


def may_enlarge(filter: str, arithmetic: str) -> bool:
    """Return whether enlargements of whole images have weights for `ENLARGING`."""
    return filter == "bilinear" and arithmetic != TORCH_BYTES


@dataclass(frozen=True, slots=True)
class FormChoice:
    """Decide between two forms where sizes are not known.

    Attributes:
        of: the number that decides: `outputs` of sides that do not shrink, `reduction` of the
            sides, `rows` that blocks read, or `bits` of the weights.
        most: the largest number for the first form.
        within, above: the forms, or further choices between more of them.
    """

    of: str
    most: float
    within: ProductForm | FormChoice
    above: ProductForm | FormChoice

    def __str__(self) -> str:
        return {
            "outputs": f"enlarging both sides, to {self.most:.0f} pixels at most",
            "reduction": f"shrinking up to {self.most:.2g} times",
            "rows": f"up to {self.most:.0f} rows a block",
            "bits": f"weights of up to {self.most} bits",
        }[self.of]


def choice_of_any_size(target: str, filter: str, arithmetic: str, sides: Sequence[Num] = ()) -> FormChoice:
    """Return the choice of a form for sizes that are not known before the image is.

    Args:
        target: the emitter's target.
        filter: the filter's name.
        arithmetic: `pillow` or `torch_bytes`.
        sides: how many outputs the sides have, if they cover all pixels.

    Raises:
        EmitError: the target has no form that works without known sizes.
    """
    if target == "cpu":
        few = FormChoice("bits", single_bits(filter), SINGLE, INT8_2) if arithmetic == TORCH_BYTES else PAIRED
        choice = FormChoice("reduction", float_limit(filter, arithmetic), few, INT8_2 if arithmetic == TORCH_BYTES else INT8_3)
        large = any(not isinstance(side, int) or side > ENLARGING_WORTH_A_BRANCH_ABOVE for side in sides)
        return FormChoice("outputs", MOST_OUTPUTS, ENLARGING, choice) if large and may_enlarge(filter, arithmetic) else choice
    if target == "cuda":
        return FormChoice("rows", FLOAT32_3.max_taps, FLOAT32_3, FLOAT64)
    raise EmitError(
        "resize: target 'portable' has no float64 to compute weights in the graph, so what is resized must have a fixed size. "
        "Give image_size=(height, width); where pixels decide what is resized, use target 'cpu' or 'cuda'."
    )
