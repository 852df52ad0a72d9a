"""Let the resize of floats normalize what it computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphproc.ir.op import Op
from graphproc.ops import Normalize, ResizeFloats
from graphproc.passes.base import Declined, Match, Pass


class NormalizeInResize(Pass):
    """Normalize pixels while they are in registers: `resize_floats; normalize` becomes one op."""

    name = "normalize-in-resize"
    matches = (ResizeFloats, Normalize)

    def rewrite(self, match: Match) -> Sequence[Op] | Declined:
        """Return the resize with the normalization."""
        resize, normalize = match.ops
        assert isinstance(resize, ResizeFloats)
        assert isinstance(normalize, Normalize)
        if resize.normalize is not None:
            return Declined("the resize normalizes already")
        return [replace(resize, normalize=normalize)]
