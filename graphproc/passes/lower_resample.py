"""Lower resampling to the ops that the other passes fuse with their neighbours."""

from __future__ import annotations

from collections.abc import Sequence

from graphproc.ir.op import Op
from graphproc.ops import Resample
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
        lowered = op.lowered()
        return [lowered] if lowered else Declined(f"the arithmetic {op.arithmetic} has no lowered op for it")
