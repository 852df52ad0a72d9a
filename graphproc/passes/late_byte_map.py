"""Move bytes, not floats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from graphproc.ir.op import Op
from graphproc.ir.types import TensorType
from graphproc.ops import ByteMap, Pad, Rearrange, RearrangeMapped, SelectChannels
from graphproc.passes.base import Declined, Match, Pass


class LateByteMap(Pass):
    """Move bytes, not floats: `byte_map; move` becomes `move; byte_map`.

    A move of bytes copies a quarter of the memory. The constants of a map follow its channels,
    which may end up among the features of patches. A rearrangement that repeats every channel
    becomes one op with its map, `rearrange_mapped`, which maps each channel once.
    """

    name = "late-byte-map"
    matches = (ByteMap, Rearrange | Pad | SelectChannels)

    def rewrite(self, match: Match) -> Sequence[Op] | Declined:
        """Return the move, then the map; decline if that leaves more to map."""
        mapped, move = match.ops
        assert isinstance(mapped, ByteMap)
        x = match.x.type
        if isinstance(move, SelectChannels):
            return _selected(mapped, move, x)
        if isinstance(move, Pad) and move.mode == "constant":
            return Declined("the canvas has a value that is not the map's")
        if isinstance(move, Pad) and mapped.channels > 1 and mapped.axis in move.axes:
            return Declined("the canvas has more channels")
        if isinstance(move, Rearrange) and move.repeats(x):
            return _repeated(mapped, move, x)
        if isinstance(move, Rearrange) and mapped.channels > 1:
            place = move.destination(x, mapped.axis)
            if place is None:
                return Declined("the elements of a channel end up in no even stretch of one axis")
            return [move, replace(mapped, axis=place[0], each=place[1] * mapped.each)]
        return [move, mapped]


def _selected(mapped: ByteMap, move: SelectChannels, x: TensorType) -> Sequence[Op] | Declined:
    """Return the selection, then a map with the selected channels' constants.

    A selection that repeats channels is declined.
    """
    if len(move.order) > x.channels:
        return Declined("the selection repeats channels, which leaves more to map")
    if mapped.channels == 1:
        return [move, mapped]
    if (mapped.axis, mapped.each) != (-3, 1):
        return Declined("the constants of the map do not follow channels of planes")
    return [move, mapped.of_channels(move.order)]


def _repeated(mapped: ByteMap, move: Rearrange, x: TensorType) -> Sequence[Op] | Declined:
    """Return a rearrangement with the map; decline unless whole channels of an image are repeated, along the last axis."""
    if not x.layout.endswith("CHW"):
        return Declined("the rearrangement repeats values that are not an image's")
    place = move.destination(x, mapped.axis)
    if place is None or (mapped.axis, mapped.each, place[0]) != (-3, 1, -1):
        return Declined("the rearrangement repeats values, and channels do not end up on the last axis")
    both = RearrangeMapped.of(move, replace(mapped, axis=-1, each=place[1]))
    if both.repeated_each(x) is None:
        return Declined("the rearrangement repeats other than whole channels")
    return [both]
