"""What a program's results are equal to, and on which processors: read off the arithmetic of its steps.

torch chooses its kernels by the processor and by the number of threads, and they do not round alike. Bytes are resized
bilinearly as bytes where it has AVX2, elsewhere in floats that are rounded; other filters take bytes everywhere. Floats are
interpolated in kernels whose compiler fused other products with sums; those without antialiasing compute their positions so as
well, which counts the more the longer a side is, and have another kernel for three channels on one thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphproc.ir.op import Op
from graphproc.ir.program import Output, Parity, Step
from graphproc.ops import Cast, ForEach
from graphproc.ops.cast import ROUNDED
from graphproc.ops.resample import ALIGNED, NEAREST_EXACT, TORCH_BYTES, TORCH_FLOATS, Resample

AVX2 = "torch runs on a processor with AVX2"
THREADS = f"{AVX2}, but not AVX-512, and on several threads"
FLOATS = f"{AVX2}, but not AVX-512"
BYTE = 1.0001 / 255
"""A byte's step, in units of the range from black to white, and what float32 rounds of it."""
FUSED = 2e-6
"""How far sums of an interpolation's products lie apart, in the same units, by which of them are fused."""
POSITION = 2.0**-23
"""The same for each pixel of a side, of positions in float32."""
BFLOAT16 = 2.0**-8
"""A step of bfloat16 numbers near 1, in the same units."""
BORDERS = "a centre on the border of two pixels may fall to the other one there"
FIXED_POINT, FUSING = "bytes are resized in floats there", "other products are fused with sums there"

Apart = tuple[frozenset[str], float, float, str]
"""Conditions; how far results lie apart elsewhere, in units of the range, and more for each pixel of the longest side; why."""
SAME: Apart = (frozenset(), 0.0, 0.0, "")


def stated(parity: Parity, steps: Sequence[Step], outputs: Sequence[Output]) -> Parity:
    """The parity of a program whose steps are the reference's but for torch's choice of kernels.

    Args:
        parity: what the class states; where it has a bound, that holds everywhere.
        steps: the program's.
        outputs: the program's.
    """
    found: dict[str, Apart] = {}
    for step in steps:
        before = _together([found.get(name, SAME) for name in step.inputs])
        found[step.output.name] = _after(step.op, before)
    conditions, apart, by_side, cause = _together([found.get(output.value, SAME) for output in outputs])
    if not conditions or parity.bound:
        return parity
    where = max(conditions, key=len)  # each says all of the shorter ones
    apart += BFLOAT16 * any(output.delivery.torch_dtype == "bfloat16" for output in outputs)
    return replace(parity, where=where, elsewhere=apart, by_side=by_side, why=cause)


def _together(values: Sequence[Apart]) -> Apart:
    conditions = frozenset[str]().union(*(value[0] for value in values))
    worst = max(values, key=lambda value: value[1:3], default=SAME)
    return conditions, worst[1], max((value[2] for value in values), default=0.0), worst[3]


def _after(op: Op, before: Apart) -> Apart:
    """How far results lie apart behind an op, for operands that lie so far apart."""
    conditions, apart, _, cause = before
    if isinstance(op, ForEach):
        for inner in op.body:
            before = _after(inner, before)
        return before
    if isinstance(op, Resample):
        return _after_resample(op, before)
    if isinstance(op, Cast) and op.rounding == ROUNDED and conditions:
        return conditions, max(BYTE, apart), 0.0, cause
    return before


def _after_resample(op: Resample, before: Apart) -> Apart:
    conditions, apart, by_side, cause = before
    if op.kernel == NEAREST_EXACT:
        return conditions | {AVX2}, 1.0, 0.0, BORDERS
    if op.arithmetic == TORCH_BYTES:
        if op.kernel in ("bilinear", ALIGNED):
            return conditions | {AVX2}, 2 * apart + BYTE, 0.0, FIXED_POINT
        if not op.antialias:
            return conditions, 2 * apart, 0.0, cause
        # rounds bytes alike, but those that lie apart to more or less
        return (conditions, 2 * apart + BYTE, by_side, cause) if apart else before
    if op.arithmetic == TORCH_FLOATS:
        where = FLOATS if op.antialias or op.kernel == "bicubic" else THREADS
        return conditions | {where}, 2 * apart + FUSED, by_side + (not op.antialias) * POSITION, cause or FUSING
    return before
