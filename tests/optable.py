"""Rows for every op: an input, the op's settings, and what someone else's code says the result is.

A row runs on the numpy rule, ONNX Runtime with and without its optimisations, and onnx.reference; with and without a
batch axis; with sizes symbolic and known; for each target. Add rows here when you add an op.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from graphs import arity, one_step
from oracles import (
    byte_table,
    channels_first,
    elementwise,
    for_every,
    numpy_pad,
    per_plane,
    pick_channels,
    pillow_bordered,
    pillow_center_crop,
    pillow_crop,
    pillow_on_white,
    pillow_pad,
    pillow_resize,
    pillow_two_passes,
    rearranged,
    scalar_normalize,
    scalar_rescale,
)
from pixel_oracles import (
    per_image,
    pillow_content_box,
    pillow_reduce,
    pillow_resize_part,
    scalar_affine,
    scalar_interpolate,
    scipy_smooth_zoom,
    transformers_clusters,
    transformers_grayscale,
    transformers_standardize,
    transformers_warp,
)

from graphproc.ir.op import Op
from graphproc.ir.program import Program
from graphproc.ir.types import DTYPES
from graphproc.ops import (
    AffineWarp,
    Blank,
    ByteMap,
    Cast,
    CenterCrop,
    CompositeOnWhite,
    Concat,
    ContentBox,
    Crop,
    Extend,
    ForEach,
    Full,
    Grayscale,
    Grid,
    Interpolate,
    LookUp,
    MirrorPad,
    MultiplyAdd,
    NearestColor,
    Normalize,
    Numbers,
    Pad,
    Rearrange,
    ReduceBlocks,
    Rescale,
    Resize,
    Rotate,
    Select,
    SelectChannels,
    SmoothZoom,
    Standardize,
    Take,
    ToChannelsFirst,
)
from graphproc.sizes import num, rules
from graphproc.sizes.num import Num

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Case:
    """One row.

    Attributes:
        op: the op, or a function of the input's height and width that makes it.
        shape: the input's shape without a batch axis.
        layout: the input's layout.
        oracle: from an input (with any leading axes) to the expected result, also where sizes alone decide it.
        note: what the row is about; with the op's name, unique.
        dtype: the input's element type.
        portable: whether the op alone can be written for `portable` (float64 arithmetic cannot).
        reference: whether onnx.reference is exact and quick on it.
        operands: ops that make the op's operands of the input; None for the input itself, () for an op without operands.
    """

    op: Op | Callable[[Num, Num], Op]
    shape: tuple[int, ...]
    layout: str
    oracle: Callable[[Array], Array]
    note: str
    dtype: str = "u8"
    portable: bool = True
    reference: bool = True
    operands: tuple[Op | Callable[[Num, Num], Op], ...] | None = None

    def bound(self) -> Op:
        """The op for this row's sizes."""
        return self._made(self.op)

    def operands_of(self, x: Array) -> list[Array]:
        """What the op takes, of an input with any leading axes."""
        if self.operands is None:
            return [x]
        return [op.numpy(*[x][: arity(op)]) for op in map(self._made, self.operands)]

    def program(self) -> Program:
        """The op alone, for inputs of any height and width."""
        return one_step(self.op, self.dtype, self.shape, self.layout, self.operands)

    def _made(self, op: Op | Callable[[Num, Num], Op]) -> Op:
        return op if isinstance(op, Op) else op(self.shape[self.layout.index("H")], self.shape[self.layout.index("W")])


def _resize(
    size: tuple[int, int],
    new: tuple[int, int],
    filter: str,
    note: str,
    *,
    layout: str = "CHW",
    channels: int = 3,
    window: tuple[int, int, int, int] | None = None,
    reference: bool = True,
    traced: bool = False,
) -> Case:
    """A resize; `traced` makes the sizes expressions of the input's instead of numbers."""

    def oracle(x: Array) -> Array:
        y = pillow_resize(channels_first(x) if layout == "HWC" else x, *new, filter)
        return pillow_crop(y, *window) if window else y

    def make(height: Num, width: Num) -> Op:
        new_height, new_width = (n - have + side for n, have, side in zip(new, size, (height, width), strict=True))
        kept: tuple[Num, ...] = ()
        if window:
            kept = (new_height - (new[0] - window[0]), new_width - (new[1] - window[1]), *window[2:])
        return Resize(num.maximum(new_height, 1), num.maximum(new_width, 1), filter, window=kept, layout=layout)

    shape = (channels, *size) if layout == "CHW" else (*size, channels)
    op = Resize(*new, filter, window=window or (), layout=layout)
    return Case(make if traced else op, shape, layout, oracle, note, reference=reference)


RESIZE = (
    *(_resize((23, 37), (16, 11), f, f"{f} down") for f in ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")),
    *(_resize((9, 7), (20, 31), f, f"{f} up") for f in ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")),
    _resize((23, 37), (16, 11), "bicubic", "channels last", layout="HWC"),
    _resize((23, 37), (16, 11), "nearest", "nearest, channels last", layout="HWC"),
    _resize((23, 37), (23, 11), "bilinear", "height kept"),
    _resize((23, 37), (16, 37), "bilinear", "width kept", layout="HWC"),
    _resize((23, 37), (23, 37), "bicubic", "size kept"),
    _resize((21, 5), (8, 30), "lanczos", "down and up, vertical pass first"),
    _resize((5, 21), (30, 8), "lanczos", "up and down, horizontal pass first"),
    _resize((1, 1), (5, 3), "bicubic", "one pixel"),
    _resize((1, 1), (1, 1), "lanczos", "one pixel kept"),
    _resize((1, 19), (4, 6), "bilinear", "one row"),
    _resize((19, 1), (6, 4), "hamming", "one column", layout="HWC"),
    _resize((13, 11), (1, 1), "bicubic", "to one pixel"),
    _resize((13, 11), (1, 1), "nearest", "nearest to one pixel"),
    _resize((13, 11), (1, 4), "nearest", "nearest to one row, channels last", layout="HWC"),
    _resize((300, 8), (2, 5), "lanczos", "900 taps", reference=False),
    _resize((6, 400), (5, 3), "bicubic", "600 taps, channels last", layout="HWC", reference=False),
    _resize((700, 4), (1, 3), "box", "700 taps to one row", reference=False),
    _resize((30, 20), (17, 13), "bicubic", "one channel", channels=1),
    _resize((30, 20), (17, 13), "bicubic", "four channels", channels=4, layout="HWC"),
    _resize((30, 20), (25, 19), "bicubic", "window", window=(4, 3, 16, 12)),
    _resize((30, 20), (25, 19), "lanczos", "window at the corner, channels last", window=(9, 7, 16, 12), layout="HWC"),
    _resize((30, 20), (45, 39), "bilinear", "window of one pixel", window=(44, 0, 1, 1)),
    _resize((30, 20), (25, 19), "nearest", "nearest window", window=(4, 3, 16, 12), layout="HWC"),
    _resize((200, 20), (9, 7), "box", "window of a strong reduction", window=(2, 1, 5, 5), reference=False),
    _resize((23, 37), (16, 11), "bicubic", "traced sizes", traced=True),
    _resize((30, 20), (25, 19), "lanczos", "traced sizes and window", window=(4, 3, 16, 12), traced=True, layout="HWC"),
    _resize((9, 7), (20, 31), "nearest", "traced sizes, nearest", traced=True),
    _resize((30, 26), (14, 18), "bilinear", "traced sizes, the order of passes is not known", traced=True),
    Case(
        lambda h, w: Resize(*rules.shortest_edge(h, w, 12), "bicubic", layout="HWC"),
        (17, 29, 3),
        "HWC",
        lambda x: pillow_resize(channels_first(x), 12, 20, "bicubic"),
        "shortest edge",
    ),
    Case(
        Resize(15, 10, "bicubic", order="pillow-12"),
        (3, 40, 17),
        "CHW",
        lambda x: pillow_two_passes(x, 15, 10, "bicubic", vertical_first=False),
        "order of older Pillow",
    ),
    Case(
        Resize(7, 9, "bilinear"),
        (2, 3, 15, 12),
        "NCHW",
        partial(pillow_resize, height=7, width=9, filter="bilinear"),
        "tiles",
    ),
)

CROP = (
    *(
        Case(CenterCrop(*crop), (3, *size), "CHW", partial(pillow_center_crop, height=crop[0], width=crop[1]), note)
        for size, crop, note in (
            ((23, 37), (11, 18), "inside, odd surplus"),
            ((22, 36), (10, 18), "inside, even surplus"),
            ((23, 37), (23, 37), "whole"),
            ((7, 37), (12, 12), "higher than the image, odd shortfall"),
            ((37, 7), (12, 12), "wider than the image"),
            ((5, 6), (10, 13), "larger on both sides"),
            ((1, 1), (1, 1), "one pixel"),
            ((1, 1), (4, 3), "around one pixel"),
            ((23, 37), (1, 1), "to one pixel"),
        )
    ),
    Case(
        lambda h, w: CenterCrop(num.minimum(h, w), num.minimum(h, w)),
        (3, 9, 14),
        "CHW",
        partial(pillow_center_crop, height=9, width=9),
        "traced sides",
    ),
    Case(CenterCrop(4, 9), (2, 3, 7, 6), "NCHW", partial(pillow_center_crop, height=4, width=9), "tiles"),
    Case(
        CenterCrop(4, 3),
        (2, 5, 2),
        "CHW",
        lambda x: np.pad(x[..., :4, :], [(0, 0)] * (x.ndim - 1) + [(1, 0)]),
        "float pixels",
        dtype="f32",
    ),
)

PAD = (
    *(
        Case(
            Pad(*box, value),
            (3, *size),
            "CHW",
            partial(pillow_pad, top=box[0], left=box[1], height=box[2], width=box[3], value=value),
            note,
        )
        for size, box, value, note in (
            ((5, 8), (2, 1, 9, 12), 7, "all four sides"),
            ((5, 8), (0, 0, 9, 12), 0, "bottom and right"),
            ((5, 8), (4, 4, 9, 12), 255, "top and left"),
            ((5, 8), (0, 0, 5, 8), 3, "nothing"),
            ((5, 8), (0, 3, 5, 12), 3, "one axis"),
            ((1, 1), (1, 0, 3, 1), 9, "one pixel"),
        )
    ),
    Case(
        lambda h, w: Pad(0, 0, num.maximum(h, w), num.maximum(h, w), 9),
        (3, 5, 8),
        "CHW",
        partial(pillow_pad, top=0, left=0, height=8, width=8, value=9),
        "to a traced square",
    ),
    *(
        Case(
            Pad(2, 1, 9, 12, (7, 0, 255)),
            (*lead, 3, 5, 8),
            "CHW" if not lead else "NCHW",
            partial(pillow_bordered, top=2, left=1, height=9, width=12, color=(7, 0, 255)),
            f"a colour{', tiles' if lead else ''}",
        )
        for lead in ((), (2,))
    ),
    Case(
        lambda h, w: Pad(0, w - 5, num.maximum(h, w), num.maximum(h, w), (3, 1, 2)),
        (3, 8, 5),
        "CHW",
        partial(pillow_bordered, top=0, left=0, height=8, width=8, color=(3, 1, 2)),
        "a colour, to a traced square",
    ),
    Case(Pad(1, 0, 4, 5, 2), (2, 1, 3, 4), "NCHW", partial(pillow_pad, top=1, left=0, height=4, width=5, value=2), "tiles"),
    Case(
        Pad(1, 2, 4, 6, -1.5),
        (1, 3, 4),
        "CHW",
        lambda x: np.pad(x, [(0, 0)] * (x.ndim - 2) + [(1, 0), (2, 0)], constant_values=np.float32(-1.5)),
        "float pixels",
        dtype="f32",
    ),
)

SELECT = tuple(
    Case(SelectChannels(order), shape, layout, partial(pick_channels, order=order), note)
    for order, shape, layout, note in (
        ((2, 1, 0), (3, 4, 5), "CHW", "reverse"),
        ((0, 0, 0), (1, 4, 5), "CHW", "gray to three"),
        ((1,), (3, 4, 5), "CHW", "one of three"),
        ((0, 1, 2), (4, 1, 1), "CHW", "drop the last"),
        ((2, 0, 1, 0), (2, 3, 4, 5), "NCHW", "repeat in tiles"),
    )
)

LAYOUT = tuple(
    Case(ToChannelsFirst(), shape, layout, channels_first, note, dtype=dtype)
    for shape, layout, dtype, note in (
        ((4, 5, 3), "HWC", "u8", "three channels"),
        ((4, 5, 1), "HWC", "u8", "one channel"),
        ((1, 1, 4), "HWC", "u8", "one pixel"),
        ((2, 4, 5, 3), "NHWC", "u8", "tiles"),
        ((4, 5, 2), "HWC", "f32", "float pixels"),
    )
)

BLANK = (
    Case(Blank(False), (3, 4, 5), "CHW", lambda x: x, "kept"),
    Case(Blank(True), (3, 4, 5), "CHW", np.zeros_like, "blanked"),
    Case(Blank(True), (3, 1, 1), "CHW", np.zeros_like, "one pixel of floats", dtype="f32"),
)

COMPOSITE = (
    Case(CompositeOnWhite(), (40, 33, 4), "HWC", pillow_on_white, "noise"),
    Case(CompositeOnWhite(), (1, 1, 4), "HWC", pillow_on_white, "one pixel"),
    Case(CompositeOnWhite(), (2, 7, 9, 4), "NHWC", pillow_on_white, "tiles"),
)

# Every byte occurs in a plane of noise this large.
ALL_BYTES = (3, 61, 83)


def _scaled(factor: float) -> Callable[[int, int], np.float32]:
    return lambda byte, c: scalar_rescale(byte, factor)


RESCALE = (
    *(
        Case(Rescale(factor), ALL_BYTES, "CHW", byte_table(_scaled(factor), 3), note, portable=False)
        for factor, note in ((1 / 255, "by 1/255"), (0.0078, "by 0.0078"), (2.0, "by 2"), (-1 / 3, "negative"), (0.0, "by 0"))
    ),
    Case(
        Rescale(1 / 255),
        (2, 5, 7),
        "CHW",
        lambda x: elementwise(x, lambda v: scalar_rescale(v, 1 / 255)),
        "float pixels",
        dtype="f32",
        portable=False,
    ),
    Case(
        Rescale(0.1),
        (5, 7, 2),
        "HWC",
        lambda x: elementwise(x, lambda v: scalar_rescale(v, 0.1)),
        "channels last",
        portable=False,
    ),
)

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def _normalized(mean: tuple[float, ...], std: tuple[float, ...]) -> Callable[[Array], Array]:
    def oracle(x: Array) -> Array:
        planes = [
            elementwise(x[..., c, :, :], lambda v, c=c: scalar_normalize(v, mean[c % len(mean)], std[c % len(std)]))  # type: ignore[misc]
            for c in range(x.shape[-3])
        ]
        return np.stack(planes, axis=-3)

    return oracle


NORMALIZE = tuple(
    Case(Normalize(mean, std), shape, "CHW", _normalized(mean, std), note, dtype=dtype)
    for mean, std, shape, dtype, note in (
        (MEAN, STD, (3, 7, 9), "f32", "per channel"),
        (MEAN, STD, (3, 7, 9), "u8", "bytes"),
        ((0.5,), (0.25,), (3, 7, 9), "f32", "one value for all channels"),
        ((0.5, 0.5), (0.5, 0.25), (2, 1, 1), "f32", "one pixel"),
        (MEAN, (0.5,), (3, 4, 5), "f32", "mean per channel, one std"),
        ((0.5,), STD, (3, 4, 5), "f32", "one mean, std per channel"),
        ((3.0, 255.0), (0.0, 0.0), (2, 61, 83), "u8", "std of 0 gives infinities and NaN"),
    )
)

_F = np.float32
BYTE_MAP = tuple(
    Case(ByteMap(forms), ALL_BYTES, "CHW", byte_table(function, 3), note)
    for forms, function, note in (
        ((("div", (255.0,)),), lambda b, c: _F(b) / _F(255), "div"),
        ((("mul", (1 / 3,)), ("add", (0.1,))), lambda b, c: _F(b) * _F(1 / 3) + _F(0.1), "mul, add"),
        (
            (("div", (255.0,)), ("sub", MEAN), ("div", STD)),
            lambda b, c: (_F(b) / _F(255) - _F(MEAN[c])) / _F(STD[c]),
            "div, sub, div per channel",
        ),
        (
            (("split", (0.00390625, 1.5318627e-05)),),
            lambda b, c: _F(b) * _F(0.00390625) + _F(b) * _F(1.5318627e-05),
            "split",
        ),
        (
            (("table", tuple(float(_F(b) / 7) for b in range(256))), ("sub", (0.25,))),
            lambda b, c: _F(float(_F(b) / 7)) - _F(0.25),
            "table, sub",
        ),
        ((), lambda b, c: _F(b), "nothing but float32"),
    )
)

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
    """A rearrangement of which `given` is told and `lengths` is what the parts are."""
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

_ROWS = Rearrange("c h w -> (h w) c", layout="PF")
WINDOWS = (
    *(
        Case(Crop(*box), shape, layout, lambda x, b=box: x[..., b[0] : b[0] + b[2], b[1] : b[1] + b[3]], note, dtype)
        for box, shape, layout, dtype, note in (
            ((1, 2, 3, 4), (3, 5, 8), "CHW", "u8", "inside"),
            ((0, 0, 5, 8), (3, 5, 8), "CHW", "f32", "whole"),
            ((4, 7, 1, 1), (2, 3, 5, 8), "NCHW", "u8", "one pixel of tiles"),
        )
    ),
    Case(
        lambda h, w: Crop(h - 3, w // 2, num.minimum(h, 2), w - w // 2),
        (3, 5, 7),
        "CHW",
        lambda x: x[..., 2:4, 3:],
        "traced",
    ),
    Case(Take(-3, 1, 2), (3, 5, 8), "CHW", lambda x: x[..., 1:3, :, :], "channels"),
    Case(Take(-1, 0, 1), (3, 5, 8), "CHW", lambda x: x[..., :1], "a column", dtype="f32"),
    Case(
        lambda h, w: Take(-2, h, h * w - 2 * h),
        (2, 3, 4),
        "CHW",
        lambda x: np.moveaxis(x.reshape(*x.shape[:-2], -1), -1, -2)[..., 3:9, :],
        "patches",
        operands=(_ROWS,),
    ),
    Case(
        lambda h, w: Extend(-2, h * w + h, 7),
        (2, 3, 4),
        "CHW",
        lambda x: np.concatenate(
            [np.moveaxis(x.reshape(*x.shape[:-2], -1), -1, -2), np.full((*x.shape[:-3], 3, 2), 7, x.dtype)], axis=-2
        ),
        "patches",
        operands=(_ROWS,),
    ),
    *(
        Case(
            Extend(axis, length, value),
            (2, 3, 4),
            "CHW",
            lambda x, n=length - (2, 3, 4)[axis], v=value, a=axis, t=dtype: np.concatenate(
                [x.astype(DTYPES[t]), np.full(tuple(n if i == x.ndim + a else s for i, s in enumerate(x.shape)), v, DTYPES[t])],
                axis=a,
            ),
            f"{dtype}, axis {axis}",
            operands=(Cast(dtype),),
        )
        for axis, length, value, dtype in (
            (-1, 6, -1, "i64"),
            (-1, 4, 0, "f32"),
            (-2, 5, -1.5, "f32"),
            (-3, 4, 255, "u8"),
            (-3, 3, True, "bool"),
            (-2, 4, 2**31 - 1, "i32"),
        )
    ),
)

JOINS = (
    *(
        Case(
            Concat(-2),
            (3, 5, 4),
            "CHW",
            lambda x: x[..., [0, 1, 0, 1, 2, 3, 4, 4], :],
            f"rows of {dtype}",
            dtype=dtype,
            operands=(Crop(0, 0, 2, 4), lambda h, w: Crop(0, 0, h, 4), lambda h, w: Crop(h - 1, 0, 1, 4)),
        )
        for dtype in ("u8", "f32")
    ),
    Case(
        Concat(-1),
        (3, 2, 2),
        "CHW",
        lambda x: np.concatenate([x, x], -1).astype(np.int64),
        "ints",
        operands=(Cast("i64"), Cast("i64")),
    ),
    Case(Concat(-1), (3, 5, 4), "CHW", lambda x: x, "one value", operands=(Crop(0, 0, 5, 4),)),
    Case(
        Concat(-4),
        (3, 5, 4),
        "CHW",
        lambda x: np.stack([x, x, x], axis=-4),
        "a stack",
        operands=(Rearrange("c h w -> 1 c h w", layout="NCHW"), Rearrange("c h w -> n c h w", (("n", 2),), "NCHW")),
    ),
    *(
        Case(op, (3, 5, 8), "CHW", oracle, note, operands=(lambda h, w: Crop(0, 1, h, 2), Crop(2, 0, 3, 4)))
        for op, oracle, note in (
            (Select(True), lambda x: x[..., 1:3], "first"),
            (Select(False), lambda x: x[..., 2:, :4], "second"),
            (lambda h, w: Select(h < w), lambda x: x[..., 1:3], "traced, first"),
            (lambda h, w: Select(w < h), lambda x: x[..., 2:, :4], "traced, second"),
        )
    ),
)

MIRROR_PAD = tuple(
    Case(
        (lambda h, w, b=box, s=size, m=mode: MirrorPad(b[0], w - s[1] + b[1], h - s[0] + b[2], b[3], m))
        if traced
        else MirrorPad(*box, mode),
        (2, *size),
        "CHW",
        partial(numpy_pad, mode=mode, widths=((box[0], box[2] - box[0] - size[0]), (box[1], box[3] - box[1] - size[1]))),
        f"{mode}, {note}",
        dtype,
    )
    for mode in ("symmetric", "reflect", "edge")
    for size, box, traced, dtype, note in (
        ((5, 7), (0, 0, 8, 8), False, "f32", "bottom and right"),
        ((5, 7), (2, 3, 9, 11), False, "u8", "all four sides"),
        ((5, 7), (2, 3, 9, 11), True, "f32", "traced"),
        ((3, 2), (11, 7, 20, 30), True, "u8", "many times as large"),
        ((1, 4), (3, 1, 9, 6), True, "f32", "one row"),
        ((1, 1), (1, 2, 3, 4), False, "u8", "one pixel"),
        ((5, 7), (0, 0, 5, 9), True, "u8", "one axis"),
    )
)

ROTATE = (
    *(
        Case(Rotate(True, turns), (2, 4, 5), "CHW", partial(np.rot90, k=turns, axes=(-2, -1)), f"{turns} turns", dtype=dtype)
        for turns, dtype in ((0, "u8"), (1, "u8"), (2, "f32"), (3, "u8"), (-1, "f32"), (6, "u8"))
    ),
    Case(Rotate(False, 3), (2, 4, 5), "CHW", lambda x: x, "not turned"),
    *(
        Case(lambda h, w: Rotate(h < w, 3), (3, *size), "CHW", partial(np.rot90, k=k, axes=(-2, -1)), note)
        for size, k, note in (((4, 6), 3, "traced, wide"), ((6, 4), 0, "traced, tall"), ((1, 3), 3, "traced, one row"))
    ),
    Case(lambda h, w: Rotate(w > 2, 1), (2, 3, 4, 5), "NCHW", partial(np.rot90, axes=(-2, -1)), "traced, tiles"),
)

CAST = (
    *(
        Case(Cast(to), (2, 30, 40), "CHW", lambda x, t=to: x.astype(DTYPES[t]), f"u8 to {to}")
        for to in ("u8", "bool", "i32", "i64", "f32", "f64")
    ),
    *(
        Case(
            Cast(to),
            (2, 30, 40),
            "CHW",
            lambda x, t=to, f=have: x.astype(DTYPES[f]).astype(DTYPES[t]),
            f"{have} to {to}",
            operands=(Cast(have),),
        )
        for have in ("bool", "i32", "i64")
        for to in ("u8", "bool", "i64", "f32")
    ),
)

_NUMBER_ROWS: tuple[tuple[Callable[[Num, Num], Op], Array, str], ...] = (
    (lambda h, w: Full((2, 3), 1, "i64"), np.ones((2, 3), np.int64), "ones"),
    (lambda h, w: Full((h, w), 1, "i64", "HW"), np.ones((5, 8), np.int64), "a mask"),
    (lambda h, w: Full((2, w - 1), True, "bool"), np.ones((2, 7), np.bool_), "bools"),
    (lambda h, w: Full((h // 2,), 0.1, "f32"), np.full(2, 0.1, np.float32), "floats"),
    (lambda h, w: Full((3, h, w), 127, "u8", "CHW"), np.full((3, 5, 8), 127, np.uint8), "bytes"),
    (lambda h, w: Full((), -3, "i32"), np.full((), -3, np.int32), "a scalar"),
    (lambda h, w: Full((h - 5, 2), -1, "i64"), np.zeros((0, 2), np.int64), "nothing"),
    (lambda h, w: Numbers((h, w)), np.array([5, 8]), "sides"),
    (lambda h, w: Numbers((1, h // 2, w // 3), shape=(1, 3)), np.array([[1, 2, 2]]), "a row"),
    (lambda h, w: Numbers((h * w,), shape=()), np.array(40), "a scalar"),
    (lambda h, w: Numbers((7,), "i32", ()), np.array(7, np.int32), "a known scalar"),
    (lambda h, w: Numbers((h, w, 3), "i32", layout="F"), np.array([5, 8, 3], np.int32), "int32"),
    (lambda h, w: Numbers((h, w / 3, 0.1), "f32"), np.array([5, 8 / 3, 0.1]).astype(np.float32), "float32"),
    (lambda h, w: Numbers((h, num.sqrt(w), 0.1), "f64"), np.array([5, math.sqrt(8), 0.1]), "float64"),
    (lambda h, w: Numbers((h < w, w < h, True), "bool"), np.array([True, False, True]), "bools"),
    (lambda h, w: Numbers((h < w, h), "i64", (2, 1)), np.array([[1], [5]]), "bools and ints"),
    (lambda h, w: Numbers((h,), "f64"), np.array([5.0]), "one"),
    *(
        (
            lambda h, w, first=first, order=order, t=dtype: Grid(h - 2, w // 2, first, order, t),
            np.array([(r, c) if order == "yx" else (c, r) for r in range(3) for c in range(4)]).astype(DTYPES[dtype])
            + DTYPES[dtype].type(first),
            f"{order} from {first}, {dtype}",
        )
        for first, order, dtype in ((0, "yx", "i64"), (1, "yx", "f32"), (0, "xy", "i64"), (1, "xy", "i32"))
    ),
    (lambda h, w: Grid(1, w - 7), np.zeros((1, 2), np.int64), "one cell"),
    (lambda h, w: Grid(h - 5, w), np.zeros((0, 2), np.int64), "no cell"),
)
FROM_SIZES = tuple(Case(make, (3, 5, 8), "CHW", for_every(value), note, operands=()) for make, value, note in _NUMBER_ROWS)

COLORS = tuple(map(tuple, np.random.default_rng(5).integers(-8, 9, (40, 3)) / 8))
_BOX = (3.5, -2.0, 11.0, 9.0)
COMPUTED = (
    *(
        Case(MultiplyAdd(*form), (3, 5, 7), "CHW", partial(scalar_affine, scale=form[0], offset=form[1]), note, dtype="f32")
        for form, note in (((1.0, -1.0), "less 1"), ((1 - 2 * 0.1, 0.1), "times 0.8 plus 0.1"), ((2.0, 0.0), "doubled"))
    ),
    Case(Grayscale(), (3, 5, 7), "CHW", per_image(transformers_grayscale), "colours", dtype="f32"),
    Case(Grayscale(), (1, 5, 7), "CHW", per_image(transformers_grayscale), "one channel", dtype="f32"),
    Case(
        Grayscale(),
        (3, 5, 7),
        "CHW",
        lambda x: np.concatenate([x[..., 1:2, :, :]] * 3, axis=-3),
        "equal channels",
        dtype="f32",
        operands=(SelectChannels((1, 1, 1)),),
    ),
    Case(Grayscale(), (2, 3, 1, 1), "NCHW", per_image(transformers_grayscale), "tiles of one pixel", dtype="f32"),
    *(
        Case(Standardize(), (c, *size), "CHW", per_image(transformers_standardize), f"{c} x {size}")
        for c, size in ((3, (1, 1)), (1, (1, 7)), (3, (2, 4)), (3, (4, 11)), (1, (8, 17)), (3, (10, 41)), (3, (64, 91)))
    ),
    Case(Standardize(), (3, 19, 23), "CHW", per_image(transformers_standardize), "floats", dtype="f32"),
    Case(NearestColor(COLORS), (3, 9, 11), "CHW", transformers_clusters(COLORS), "40 colours", dtype="f32", portable=False),
    Case(
        NearestColor((*COLORS, *COLORS)),
        (3, 16, 17),
        "CHW",
        transformers_clusters((*COLORS, *COLORS)),
        "every colour twice",
        dtype="f32",
        portable=False,
    ),
    *(
        Case(
            Interpolate(*new, mode),
            (2, *size),
            "CHW",
            per_image(partial(scalar_interpolate, height=new[0], width=new[1], mode=mode)),
            f"{mode} {size} to {new}",
            dtype="f32",
        )
        for mode in ("antialias", "align_corners")
        for size, new in (
            ((23, 37), (16, 11)),
            ((9, 7), (20, 31)),
            ((9, 7), (9, 3)),
            ((1, 1), (3, 2)),
            ((13, 1), (1, 4)),
            ((90, 5), (4, 5)),
        )
    ),
    *(
        Case(
            lambda h, w, n=new, m=mode: Interpolate(h - 20 + n[0], w - 30 + n[1], m),
            (2, 3, 20, 30),
            "NCHW",
            per_image(partial(scalar_interpolate, height=new[0], width=new[1], mode=mode)),
            f"{mode}, traced, tiles, to {new}",
            dtype="f32",
        )
        for mode in ("antialias", "align_corners")
        for new in ((7, 41), (31, 9))
    ),
    *(
        Case(
            SmoothZoom(*new),
            (2, *size),
            "CHW",
            per_image(partial(scipy_smooth_zoom, height=new[0], width=new[1])),
            f"{size} to {new}",
            dtype="f32",
            portable=False,
        )
        for size, new in (
            ((23, 37), (9, 11)),
            ((9, 7), (20, 31)),
            ((9, 30), (20, 3)),
            ((1, 1), (3, 2)),
            ((5, 1), (1, 4)),
            ((90, 6), (3, 5)),
        )
    ),
    Case(
        lambda h, w: SmoothZoom(h - 20 + 6, w - 30 + 41),
        (2, 3, 20, 30),
        "NCHW",
        per_image(partial(scipy_smooth_zoom, height=6, width=41)),
        "traced, tiles",
        dtype="f32",
        portable=False,
    ),
    *(
        Case(
            ReduceBlocks(*factors),
            (3, *size),
            "CHW",
            per_image(partial(pillow_reduce, vertical=factors[0], horizontal=factors[1])),
            f"{size} by {factors}",
        )
        for size, factors in (
            ((23, 37), (2, 3)),
            ((23, 37), (1, 5)),
            ((23, 37), (7, 1)),
            ((23, 37), (1, 1)),
            ((5, 7), (9, 8)),
            ((64, 90), (31, 29)),
        )
    ),
    Case(
        lambda h, w: ReduceBlocks(num.maximum(h // 8, 1), num.maximum(w // 20, 1)),
        (2, 3, 25, 19),
        "NCHW",
        per_image(partial(pillow_reduce, vertical=3, horizontal=1)),
        "traced, tiles",
    ),
    *(
        Case(
            lambda h, w, n=new, f=filter, less=less: Resize(*n, f, extent=(h - less[0], w - less[1])),
            (3, *size),
            "CHW",
            partial(
                pillow_resize_part,
                height=new[0],
                width=new[1],
                code=code,
                extent=(size[0] - less[0], size[1] - less[1]),
            ),
            f"{size}, all but {less} of it, to {new}",
        )
        for size, new, filter, code, less in (
            ((23, 37), (16, 11), "bicubic", 3, (0.75, 0.0)),
            ((23, 37), (16, 37), "bicubic", 3, (0.0, 0.4)),
            ((9, 7), (20, 31), "bilinear", 2, (0.5, 0.25)),
            ((30, 20), (9, 25), "lanczos", 1, (2 / 3, 0.3)),
        )
    ),
    *(
        Case(ContentBox(), (3, *size), "CHW", per_image(pillow_content_box), f"{size}")
        for size in ((23, 37), (1, 1), (1, 9), (5, 1), (2, 2))
    ),
    *(
        Case(
            ContentBox(),
            (3, 11, 13),
            "CHW",
            lambda x, b=box: per_image(pillow_content_box)(Pad(*b, 255).numpy(x)),
            f"a page with margins, {box}",
            operands=(Pad(*box, 255),),
        )
        for box in ((4, 7, 30, 25), (0, 0, 11, 40), (9, 12, 20, 25))
    ),
    Case(ContentBox(), (3, 6, 5), "CHW", per_image(lambda image: np.array([0, 0, 6, 5])), "one gray", operands=(Blank(True),)),
    *(
        Case(
            AffineWarp(*size, factor),
            (3, 17, 23),
            "CHW",
            per_image(partial(transformers_warp, box=box, height=size[0], width=size[1], factor=factor)),
            f"{box} to {size}",
            portable=False,
            operands=(Take(-1, 0, 23), Numbers(box, "f64", layout="F")),
        )
        for box, size, factor in (
            (_BOX, (16, 12), 200.0),
            ((0.0, 0.0, 23.0, 17.0), (8, 40), 200.0),
            ((5.25, 3.1, 2.2, 9.7), (32, 24), 180.0),
            ((-40.0, -40.0, 3.0, 3.0), (4, 4), 200.0),
        )
    ),
)


def _painted(x: Array, tables: tuple[tuple[int, ...], ...]) -> Array:
    """`Image.point` of the one channel, by each table."""
    return np.concatenate([per_plane(x, lambda image, t=table: image.point(list(t))) for table in tables], axis=-3)


LOOK_UP = tuple(
    Case(LookUp(tables), shape, layout, partial(_painted, tables=tables), note)
    for tables, shape, layout, note in (
        (((255, *range(254), 255),), (1, 9, 7), "CHW", "one table"),
        ((tuple(range(256)), tuple(range(255, -1, -1)), (7,) * 256), (1, 5, 8), "CHW", "three tables"),
        ((tuple(v // 2 for v in range(256)), tuple(v * v % 256 for v in range(256))), (2, 1, 3, 4), "NCHW", "tiles"),
    )
)

_INDEX = num.symbol("index", 0)


def _bands(x: Array, count: int, rows: int, height: int, width: int) -> Array:
    bands = [pillow_resize(x[..., i * rows : (i + 1) * rows, :], height, width, "bilinear") for i in range(count)]
    return np.stack(bands, axis=-4)


FOR_EACH = (
    Case(
        lambda h, w: ForEach(3, (Crop(_INDEX * 4, 0, num.minimum(h - _INDEX * 4, 4), w), Resize(5, 6, "bilinear"))),
        (3, 10, 9),
        "CHW",
        lambda x: _bands(x, 3, 4, 5, 6),
        "bands, the last one short",
        reference=False,  # onnx.reference has no Scan along other axes
    ),
    Case(
        lambda h, w: ForEach(w // 4, (Crop(0, _INDEX * 4, h, 4),)),
        (3, 10, 9),
        "CHW",
        lambda x: np.stack([x[..., :4], x[..., 4:8]], axis=-4),
        "a count that depends on the width",
        reference=False,
    ),
)


CASES: tuple[Case, ...] = (
    *RESIZE,
    *FOR_EACH,
    *CROP,
    *PAD,
    *SELECT,
    *LAYOUT,
    *BLANK,
    *COMPOSITE,
    *RESCALE,
    *NORMALIZE,
    *BYTE_MAP,
    *REARRANGE,
    *WINDOWS,
    *JOINS,
    *MIRROR_PAD,
    *ROTATE,
    *CAST,
    *FROM_SIZES,
    *COMPUTED,
    *LOOK_UP,
)
