"""The forms of a pass's integer products, and which one a pass takes.

`choose_form` decides; `graphproc inspect --why` prints its reason. On CPUs the time of a pass is in the nodes that go over its
outputs once, and in the products over the rows that its blocks read: of few rows, paired float32 digits are fastest, of many
rows bytes. Where one overtakes the other was measured on one thread of processors with AVX2 and AVX-512.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphproc.errors import EmitError
from graphproc.numerics.filters import PRECISION_BITS


@dataclass(frozen=True, slots=True)
class Form:
    """How a pass multiplies.

    Attributes:
        name: `paired`, `float32`, `int8` or `float64`.
        digits: how many digits a weight is split into.
        bits: bits of every digit but the top one.
        max_taps: the largest number of taps for which the result is exact.
        constant: whether the rows begin with one of ones, whose weights add a constant to every sum.
    """

    name: str
    digits: int = 1
    bits: int = PRECISION_BITS
    max_taps: float = float("inf")
    constant: bool = False


def _float32(digits: int, bits: int) -> Form:
    """`255 * taps * (2**bits - 1)`, plus the carry from below, must stay under 2**24."""
    return Form("float32", digits, bits, int(((1 << 24) - (1 << 24 - bits)) / (255 * ((1 << bits) - 1))))


PAIRED = Form("paired", 2, 8, int(((1 << 24) - 128) / (255 * 255)), constant=True)
"""Two float32 digits whose sum rounds once; `products` says why that is exact."""
FLOAT32_2 = _float32(2, 11)
FLOAT32_3 = _float32(3, 8)
"""8-bit digits also survive TF32, whose significand has 11 bits."""
FLOAT32_4 = _float32(4, 6)
FLOAT32_6 = _float32(6, 4)
INT8_3 = Form("int8", 3, 8)
FLOAT64 = Form("float64")

CPU_PAIRED_ROWS = 64
"""Up to so many rows read by a block (a bicubic reduction by 6), paired digits beat 8-bit ones in ONNX Runtime's CPU provider."""


def choose_form(target: str, taps: int, rows: int) -> tuple[Form, str]:
    """The form of a pass, and why.

    Args:
        target: the emitter's.
        taps: how many taps its outputs have at most.
        rows: how many input rows a block of outputs reads.

    Raises:
        EmitError: no form of the target is exact for so many taps.
    """
    if target == "cpu":
        if rows <= CPU_PAIRED_ROWS:
            return PAIRED, f"{rows} rows a block: two paired float32 digits are exact, and fastest to {CPU_PAIRED_ROWS}"
        return INT8_3, f"{rows} rows a block: three 8-bit digits in int32 are exact, and fastest above {CPU_PAIRED_ROWS}"
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


def form_limit(target: str) -> tuple[Form, int, Form]:
    """For sizes that are not known before the image is: the form up to a number of rows a block, and the one above."""
    if target == "cpu":
        return PAIRED, CPU_PAIRED_ROWS, INT8_3
    if target == "cuda":
        return FLOAT32_3, int(FLOAT32_3.max_taps), FLOAT64
    raise EmitError(
        "resize: target 'portable' has no float64 to compute weights in the graph, so the image's size must be fixed. "
        "Give image_size=(height, width), or use target 'cpu' or 'cuda'."
    )
