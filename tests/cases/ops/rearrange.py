"""Rows of rearrangements."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from cases.ops.case import Case
from oracles.ops import rearranged

from graphproc.ops import ByteMap, Rearrange, RearrangeMapped

Array = np.ndarray[Any, Any]

_PARTS = {"c": 3, "gh": 2, "m": 2, "p": 2, "gw": 2, "n": 2, "q": 3, "t": 2}
_GIVEN = tuple((name, _PARTS[name]) for name in "mpnq")


def _rearrange(
    pattern: str,
    given: tuple[tuple[str, int], ...],
    layout: str,
    note: str,
    shape: tuple[int, ...] = (3, 8, 12),
    of: str = "CHW",
    dtype: str = "f32",
    **lengths: int,
) -> Case:
    """Return a row of a rearrangement: the op gets the lengths in `given`, the oracle all parts' in `lengths`."""
    return Case(Rearrange(pattern, given, layout), shape, of, partial(rearranged, pattern=pattern, **lengths), note, dtype)


def _of_no_tiles(x: Array, right: str) -> Array:
    tiles = np.empty((*x.shape[:-3], 0, *x.shape[-3:]), x.dtype)
    return rearranged(tiles, f"n c h w -> {right}", n=0, c=3, h=4, w=5)


_QWEN = "c (gh m p) (gw n q) -> (gh gw m n) (c t p q)"
_BIG = {"c": 3, "gh": 4, "p": 2, "gw": 4, "q": 3}
_TILE = {"c": 3, "r": 2, "h": 4, "k": 3, "w": 4}
REARRANGE = (
    _rearrange(_QWEN, (*_GIVEN, ("t", 2)), "PF", "blocks of patches, repeated in time", **_PARTS),
    _rearrange(_QWEN, (*_GIVEN, ("t", 1)), "PF", "blocks of patches", **{**_PARTS, "t": 1}),
    _rearrange("c (gh p) (gw q) -> (gh gw) (t c p q)", (("p", 2), ("q", 3), ("t", 2)), "PF", "time first", **_BIG, t=2),
    _rearrange("c (gh p) (gw q) -> (gh gw) (p q c t)", (("p", 2), ("q", 3), ("t", 2)), "PF", "time last", **_BIG, t=2),
    _rearrange("c (gh p) (gw q) -> (gh gw) (p q c)", (("gh", 4), ("q", 3)), "PF", "bytes", dtype="u8", **_BIG),
    _rearrange("c (gh p) (gw q) -> (gh gw) c p q", (("p", 2), ("q", 3)), "PCHW", "patches of four axes", **_BIG),
    _rearrange("c (gh p) (gw q) -> c p (gh gw q)", (("p", 2), ("q", 3)), "CHW", "a strip", **_BIG),
    _rearrange("c (r h) (k w) -> (r k) c h w", (("r", 2), ("k", 3)), "NCHW", "tiles", dtype="u8", **_TILE),
    _rearrange("(r k) c h w -> c (r h) (k w)", (("r", 2), ("k", 3)), "CHW", "of tiles", (6, 3, 4, 4), "NCHW", **_TILE),
    _rearrange("n c h w -> (n c) h w", (), "CHW", "merged axes", (2, 3, 4, 5), "NCHW", n=2, c=3, h=4, w=5),
    _rearrange("c h w -> c h w", (), "NHW", "other names", c=3, h=8, w=12),
    _rearrange("c h w -> n c h w", (("n", 4),), "NCHW", "repeated", dtype="u8", c=3, h=8, w=12, n=4),
    _rearrange("c h w -> a h b (c d) w", (("a", 2), ("b", 1), ("d", 2)), "", "repeats between", a=2, b=1, d=2, c=3, h=8, w=12),
    _rearrange("c 1 w -> w 1 c 1", (), "", "axes of one", (3, 1, 5), c=3, w=5),
    _rearrange("(a b) h w -> h w (b a)", (("a", 2),), "HWC", "channels", (6, 2, 3), a=2, b=3, h=2, w=3),
    _rearrange("c h w -> (c h w)", (), "F", "flat", c=3, h=8, w=12),
    Case(
        lambda h, w: Rearrange("c (gh p) (gw q) -> (gh gw) (c p q)", (("gh", h // 2), ("p", 2), ("gw", w // 3), ("q", 3)), "PF"),
        (3, 8, 12),
        "CHW",
        partial(rearranged, pattern="c (gh p) (gw q) -> (gh gw) (c p q)", **_BIG),
        "traced parts",
    ),
    Case(
        lambda h, w: Rearrange("c h w -> w (n c) h", (("n", h - 4),), "WCH"),
        (3, 4, 5),
        "CHW",
        partial(rearranged, pattern="c h w -> w (n c) h", c=3, h=4, w=5, n=0),
        "repeated no times",
        reference=False,  # it copies the input's length where allowzero is given
    ),
    *(
        Case(
            Rearrange(f"n c h w -> {right}", layout=layout),
            (3, 4, 5),
            "CHW",
            partial(_of_no_tiles, right=right),
            f"of no tiles, {layout}",
            reference=False,
            operands=(lambda h, w: Rearrange("c h w -> n c h w", (("n", h - 4),), "NCHW"),),
        )
        for right, layout in (("(n h w) c", "PF"), ("c (n h) w", "CHW"), ("(n c h w)", "F"))
    ),
)

_BYTES = "c (gh p) (gw q) -> (gh gw) (p q c)"
_MEAN, _STD = (0.25, 117.3, 0.1), (58.4, 0.3, 255.0)


def _mapped(
    pattern: str, given: tuple[tuple[str, int], ...], layout: str, axis: int, each: int, note: str, **lengths: int
) -> Case:
    """Return a row of a rearrangement with a map. The oracle maps the image, then moves floats."""

    def oracle(x: Array) -> Array:
        mean, std = (np.float32(v).reshape(3, 1, 1) for v in (_MEAN, _STD))
        return rearranged((x.astype(np.float32) - mean) / std, pattern, **lengths)

    map = ByteMap((("sub", _MEAN), ("div", _STD)), axis, each)
    return Case(RearrangeMapped(pattern, given, layout, map=map), (3, 8, 12), "CHW", oracle, note)


REARRANGE_MAPPED = (
    _mapped(_QWEN, (*_GIVEN, ("t", 2)), "PF", -1, 12, "blocks of patches, repeated in time", **_PARTS),
    _mapped(_QWEN, (*_GIVEN, ("t", 1)), "PF", -1, 6, "blocks of patches", **{**_PARTS, "t": 1}),
    _mapped("c (gh p) (gw q) -> (gh gw) (p q c)", (("p", 2), ("q", 3)), "PF", -1, 1, "channels last", **_BIG),
    _mapped("c (gh p) (gw q) -> (gh gw) (t c p q)", (("p", 2), ("q", 3), ("t", 2)), "PF", -1, 6, "time first", **_BIG, t=2),
    _mapped("c (gh p) (gw q) -> (gh gw) (p q c t)", (("p", 2), ("q", 3), ("t", 2)), "PF", -1, 2, "time last", **_BIG, t=2),
    _mapped("c (r h) (k w) -> (r k) c h w", (("r", 2), ("k", 3)), "NCHW", -3, 1, "tiles", **_TILE),
    Case(
        lambda h, w: RearrangeMapped(
            "c (gh p) (gw q) -> (gh gw) (c p q)",
            (("gh", h // 2), ("p", 2), ("gw", w // 3)),
            "PF",
            map=ByteMap((("mul", (0.1,)),)),
        ),
        (3, 8, 12),
        "CHW",
        lambda x: rearranged(x.astype(np.float32) * np.float32(0.1), "c (gh p) (gw q) -> (gh gw) (c p q)", **_BIG),
        "traced parts, one map for all channels",
    ),
    Case(
        RearrangeMapped(_BYTES, (("p", 2), ("q", 3)), "PF", map=ByteMap((("sub", (0.1,) * 3), ("div", (0.2,) * 3)))),
        (3, 8, 12),
        "CHW",
        lambda x: rearranged((x - np.float32(0.1)) / np.float32(0.2), _BYTES, **_BIG),
        "constants of three channels that are the same, for an axis that the result lacks",
    ),
)

CASES: tuple[Case, ...] = (*REARRANGE, *REARRANGE_MAPPED)
