"""Lower resampling to the ops that the other passes fuse with their neighbours."""

from __future__ import annotations

from collections.abc import Sequence

from graphproc.ir.op import Op
from graphproc.ops import Resample, ResizeFloats
from graphproc.ops.resample.torch_floats import TORCH_FLOATS, TORCH_UNFUSED
from graphproc.passes.base import Declined, Match, Pass


class LowerResample(Pass):
    """Lower `resample` to `resize` if its arithmetic has integer weights, and torch's of floats to `resize_floats`.

    Integer weights are Pillow's, and torch's for antialiased bytes. Other arithmetics are emitted as
    they stand.
    """

    name = "lower-resample"
    matches = (Resample,)

    def rewrite(self, match: Match) -> Sequence[Op] | Declined:
        """Return the lowered op, of the whole image."""
        (op,) = match.ops
        assert isinstance(op, Resample)
        lowered = op.lowered() or _of_floats(op)
        return [lowered] if lowered else Declined(f"the arithmetic {op.arithmetic} has no lowered op for it")


def _of_floats(op: Resample) -> Op | None:
    """Return the op for torch's floats, or None. Its rules are those of the resampling, so it is no part of these."""
    if op.arithmetic not in (TORCH_FLOATS, TORCH_UNFUSED) or op.weights:
        return None
    return ResizeFloats(op.height, op.width, op.filter, op.antialias, op.arithmetic)
