"""The forms of a pass's integer products, and which one a pass takes.

`choose_form` decides; `graphproc inspect --why` prints its reason. On CPUs the time of a pass is nearly all in nodes that go
over its outputs once, and over the rows that its blocks read, so the number of taps decides: of few taps, digits apart are
fastest, then float32 digits side by side, and of many taps bytes. Where one form overtakes another was measured on one thread
of a processor with AVX-512.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from graphproc.errors import EmitError
from graphproc.numerics.filters import PRECISION_BITS


@dataclass(frozen=True, slots=True)
class Form:
    """How a pass multiplies.

    Attributes:
        name: `float32`, `int8` or `float64`.
        digits: how many digits a weight is split into.
        bits: bits of every digit but the top one.
        max_taps: the largest number of taps for which the result is exact.
        apart: whether every digit has a product of its own, which reads the pixels again but spares taking the sums apart.
    """

    name: str
    digits: int = 1
    bits: int = PRECISION_BITS
    max_taps: float = float("inf")
    apart: bool = False

    @property
    def stacked(self) -> int:
        """How many digits one product holds."""
        return 1 if self.apart else self.digits


def _float32(digits: int, bits: int) -> Form:
    """`255 * taps * (2**bits - 1)`, plus the carry from below, must stay under 2**24."""
    return Form("float32", digits, bits, int(((1 << 24) - (1 << 24 - bits)) / (255 * ((1 << bits) - 1))))


FLOAT32_2 = _float32(2, 11)
FLOAT32_2_APART = replace(FLOAT32_2, apart=True)
FLOAT32_3 = _float32(3, 8)
"""8-bit digits also survive TF32, whose significand has 11 bits."""
FLOAT32_4 = _float32(4, 6)
FLOAT32_6 = _float32(6, 4)
INT8_3 = Form("int8", 3, 8)
FLOAT64 = Form("float64")

CPU_APART_TAPS = 5
"""Up to here (a bilinear reduction by 2, or enlarging) a product for each digit is faster than one for both."""
CPU_FLOAT32_TAPS = 14
"""Up to here (a bicubic reduction by 3) float32 products beat 8-bit ones in ONNX Runtime's CPU provider."""


def choose_form(target: str, taps: int) -> tuple[Form, str]:
    """The form of a pass whose outputs have at most `taps` taps, and why.

    Raises:
        EmitError: no form of the target is exact for so many taps.
    """
    if target == "cpu":
        if taps <= CPU_FLOAT32_TAPS:
            form = FLOAT32_2_APART if taps <= CPU_APART_TAPS else FLOAT32_2
            why = f"fastest to {CPU_FLOAT32_TAPS}, in products of their own to {CPU_APART_TAPS}"
            return form, f"{taps} taps: two float32 digits are exact to {form.max_taps} taps and {why}"
        return INT8_3, f"{taps} taps: three 8-bit digits in int32 are exact for any number, fastest above {CPU_FLOAT32_TAPS}"
    if target == "cuda":
        if taps <= FLOAT32_3.max_taps:
            return FLOAT32_3, f"{taps} taps: three float32 digits are exact to {FLOAT32_3.max_taps} taps, with TF32 too"
        return FLOAT64, f"{taps} taps: more than float32 digits hold, so float64"
    for form in (FLOAT32_2, FLOAT32_3, FLOAT32_4, FLOAT32_6):
        if taps <= form.max_taps:
            return form, f"{taps} taps: {form.digits} float32 digits are exact to {form.max_taps} taps"
    raise EmitError(
        f"resize: no exact float32 form for {taps} taps (at most {FLOAT32_6.max_taps}). Reduce the image in two steps."
    )


def form_limit(target: str) -> tuple[Form, int, Form]:
    """For taps that are not known before the image is: the form up to a number of taps, and the one above."""
    if target == "cpu":
        return FLOAT32_2_APART, CPU_FLOAT32_TAPS, INT8_3
    if target == "cuda":
        return FLOAT32_3, int(FLOAT32_3.max_taps), FLOAT64
    raise EmitError(
        "resize: target 'portable' has no float64 to compute weights in the graph, so the image's size must be fixed. "
        "Give image_size=(height, width), or use target 'cpu' or 'cuda'."
    )
