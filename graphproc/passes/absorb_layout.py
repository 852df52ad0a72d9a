"""Let the resize read channels-last pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphproc.ir.op import Op
from graphproc.ir.types import TensorType
from graphproc.ops import Resize, ToChannelsFirst
from graphproc.passes.base import Declined, Match, Pass
from graphproc.sizes import num


class AbsorbLayout(Pass):
    """Read HWC in the resize: `to_channels_first; resize` becomes one op that moves no whole image.

    If others read the image as well, only resizes to a size of their own are changed. A resize that
    may find that the image has its size already passes it on as it is, channels first. Kernels do
    not: they read pixels channels last in any case, which is what they do fastest.
    """

    name = "absorb-layout"
    matches = (ToChannelsFirst, Resize)
    alone = False

    def __init__(self, kernels: bool = False) -> None:
        """Take every resize for graphs with kernels, or those that profit without."""
        self.kernels = kernels

    def rewrite(self, match: Match) -> Sequence[Op] | Declined:
        """Return the resize, with another layout."""
        _, resize = match.ops
        assert isinstance(resize, Resize)
        if max(match.readers) > 1 and not self.kernels and not _has_own_size(resize, match.steps[0].output.type):
            return Declined("other steps read the image as well, and it may have the new size already")
        return [replace(resize, layout="HWC")]


def _has_own_size(resize: Resize, x: TensorType) -> bool:
    """Return whether a resize is to a known size that is not known to be the image's."""
    same = num.both(num.eq(x.size("H"), resize.height), num.eq(x.size("W"), resize.width))
    return isinstance(resize.height, int) and isinstance(resize.width, int) and same is not True
