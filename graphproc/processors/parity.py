"""What a program's results are equal to, and on which CPUs: read off the arithmetic of its steps.

torch chooses its compiled code by the CPU and by the number of threads, and not all of it rounds alike.

- Bytes are resized bilinearly as bytes on CPUs with AVX2, elsewhere in floats that are rounded. Other
  filters take bytes everywhere.
- Floats are interpolated by code that differs in which products the compiler fused with sums.
- Without antialiasing, positions are computed so as well: the error grows with the length of a side.
  Three channels on one thread have code of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphproc.ir.op import Op
from graphproc.ir.program import Output, Parity, Step
from graphproc.ops import Cast, ForEach, Grayscale, NearestColor
from graphproc.ops.cast import ROUNDED
from graphproc.ops.resample import ALIGNED, NEAREST_EXACT, TORCH_BYTES, TORCH_FLOATS, Resample

AVX2 = "torch runs on a processor with AVX2"
THREADS = f"{AVX2}, but not AVX-512, and on several threads"
FLOATS = f"{AVX2}, but not AVX-512"
BYTE = 1.0001 / 255
"""The step from one byte to the next, and a little for float32's rounding, where white is 1 and black 0."""
FUSED = 2e-6
"""How far sums of products differ, in the same units, by which products are fused."""
POSITION = 2.0**-23
"""The same for each pixel of a side, through positions computed in float32."""
BFLOAT16 = 2.0**-8
"""A step of bfloat16 numbers near 1, in the same units."""
BORDERS = "a centre on the border of two pixels may fall to the other one there"
NEAR_TIES = "pixels and distances are rounded otherwise there, so that another colour may be the nearest"
FIXED_POINT, FUSING = "bytes are resized in floats there", "other products are fused with sums there"

Apart = tuple[frozenset[str], float, float, str]
"""How results differ: conditions under which they do not; how far elsewhere, where white is 1 and black 0;
how much farther for each pixel of the longest side; why."""
SAME: Apart = (frozenset(), 0.0, 0.0, "")


def stated(parity: Parity, steps: Sequence[Step], outputs: Sequence[Output]) -> Parity:
    """Return the parity of a program: what its class states, with the limits that torch's choice of code sets.

    Args:
        parity: what the class states. A bound holds everywhere, and is returned as it is, unless it says
            where it holds.
        steps: the program's steps.
        outputs: the program's outputs.
    """
    found: dict[str, Apart] = {}
    for step in steps:
        before = _together([found.get(name, SAME) for name in step.inputs])
        found[step.output.name] = _after(step.op, before, step.output.type.dtype)
    conditions, apart, by_side, cause = _together([found.get(output.value, SAME) for output in outputs])
    if not conditions or (parity.bound and not parity.where):
        return parity
    where = max(conditions, key=len)  # a longer condition includes the shorter ones
    apart += BFLOAT16 * any(output.delivery.torch_dtype == "bfloat16" for output in outputs)
    return replace(parity, where=where, elsewhere=apart, by_side=by_side, why=cause)


def _together(values: Sequence[Apart]) -> Apart:
    conditions = frozenset[str]().union(*(value[0] for value in values))
    worst = max(values, key=lambda value: value[1:3], default=SAME)
    return conditions, worst[1], max((value[2] for value in values), default=0.0), worst[3]


def _after(op: Op, before: Apart, dtype: str = "") -> Apart:
    """Return how far results of an op differ, given how far its operands do, and the results' element type."""
    conditions, apart, by_side, cause = before
    if isinstance(op, ForEach):
        for inner in op.body:
            before = _after(inner, before)
        return before
    if isinstance(op, Resample):
        return _after_resample(op, before)
    if isinstance(op, Grayscale) and op.fused:
        return conditions | {AVX2}, apart + (BYTE if dtype == "u8" else FUSED), by_side, cause or FUSING
    if isinstance(op, NearestColor) and op.fused:
        return conditions | {AVX2}, 1.0, 0.0, NEAR_TIES
    if isinstance(op, Cast) and op.rounding == ROUNDED and conditions:
        return conditions, max(BYTE, apart), 0.0, cause
    return before


def _after_resample(op: Resample, before: Apart) -> Apart:
    conditions, apart, by_side, cause = before
    if op.filter == NEAREST_EXACT:
        return conditions | {AVX2}, 1.0, 0.0, BORDERS
    if op.arithmetic == TORCH_BYTES:
        if op.filter in ("bilinear", ALIGNED):
            return conditions | {AVX2}, 2 * apart + BYTE, 0.0, FIXED_POINT
        if not op.antialias:
            return conditions, 2 * apart, 0.0, cause
        # whichever code torch takes rounds equal bytes alike; bytes that differ may come out a step more apart
        return (conditions, 2 * apart + BYTE, by_side, cause) if apart else before
    if op.arithmetic == TORCH_FLOATS:
        where = FLOATS if op.antialias or op.filter == "bicubic" else THREADS
        return conditions | {where}, 2 * apart + FUSED, by_side + (not op.antialias) * POSITION, cause or FUSING
    return before
