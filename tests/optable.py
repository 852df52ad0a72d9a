"""Rows for every op: an input, the op's settings, and what someone else's code says the result is.

A row runs on the numpy rule, ONNX Runtime with and without its optimisations, and onnx.reference; with and without a
batch axis; with sizes symbolic and known; for each target. Add rows here when you add an op.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from oracles import (
    byte_table,
    channels_first,
    elementwise,
    pick_channels,
    pillow_center_crop,
    pillow_crop,
    pillow_on_white,
    pillow_pad,
    pillow_resize,
    pillow_two_passes,
    scalar_normalize,
    scalar_rescale,
)

from graphproc.ir.op import Op
from graphproc.ops import (
    Blank,
    ByteMap,
    CenterCrop,
    CompositeOnWhite,
    Normalize,
    Pad,
    Rescale,
    Resize,
    SelectChannels,
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
        oracle: from an input (with any leading axes) to the expected result.
        note: what the row is about; with the op's name, unique.
        dtype: the input's element type.
        portable: whether the op alone can be written for `portable` (float64 arithmetic cannot).
        reference: whether onnx.reference is exact and quick on it.
    """

    op: Op | Callable[[Num, Num], Op]
    shape: tuple[int, ...]
    layout: str
    oracle: Callable[[Array], Array]
    note: str
    dtype: str = "u8"
    portable: bool = True
    reference: bool = True

    def bound(self) -> Op:
        """The op for this row's sizes."""
        return (
            self.op
            if isinstance(self.op, Op)
            else self.op(self.shape[self.layout.index("H")], self.shape[self.layout.index("W")])
        )


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

CASES: tuple[Case, ...] = (
    *RESIZE,
    *CROP,
    *PAD,
    *SELECT,
    *LAYOUT,
    *BLANK,
    *COMPOSITE,
    *RESCALE,
    *NORMALIZE,
    *BYTE_MAP,
)
