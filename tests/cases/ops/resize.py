"""Rows of the lowered resize, and of resampling in the two arithmetics that have it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from cases.ops.case import Case
from oracles.ops import channels_first, pillow_crop, pillow_resize, torch_resize

from graphproc.ir.op import Op
from graphproc.ops import ByteMap, Pad, Resize
from graphproc.ops.resample import NEAREST, PILLOW, TORCH_BYTES, Resample
from graphproc.sizes import num, rules
from graphproc.sizes.num import Num

Array = np.ndarray[Any, Any]


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
    arithmetic: str = PILLOW,
) -> Case:
    """Return a row of a resize; with `traced`, sizes are expressions of the input's sides instead of numbers."""
    resize = torch_resize if arithmetic == TORCH_BYTES else pillow_resize

    def oracle(x: Array) -> Array:
        y = resize(channels_first(x) if layout == "HWC" else x, *new, filter)
        return pillow_crop(y, *window) if window else y

    def make(height: Num, width: Num) -> Op:
        new_height, new_width = (n - have + side for n, have, side in zip(new, size, (height, width), strict=True))
        kept: tuple[Num, ...] = ()
        if window:
            kept = (new_height - (new[0] - window[0]), new_width - (new[1] - window[1]), *window[2:])
        return Resize(num.maximum(new_height, 1), num.maximum(new_width, 1), filter, arithmetic, kept, layout)

    shape = (channels, *size) if layout == "CHW" else (*size, channels)
    op = Resize(*new, filter, arithmetic, window or (), layout)
    return Case(make if traced else op, shape, layout, oracle, note, reference=reference)


def _on_canvas(y: Array, before: tuple[int, int], lengths: tuple[int, int], fill: tuple[float, ...]) -> Array:
    """Return a result on a canvas of a colour."""
    canvas = np.broadcast_to(np.array(fill, y.dtype)[:, None, None], (*y.shape[:-2], *lengths)).copy()
    canvas[..., before[0] : before[0] + y.shape[-2], before[1] : before[1] + y.shape[-1]] = y
    return canvas


RESIZE = (
    *(_resize((23, 37), (16, 11), f, f"{f} down") for f in ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")),
    *(_resize((9, 7), (20, 31), f, f"{f} up") for f in ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")),
    _resize((23, 37), (16, 11), "bicubic", "channels last", layout="HWC"),
    _resize((23, 37), (16, 11), "nearest", "nearest, channels last", layout="HWC"),
    _resize((23, 37), (23, 11), "bilinear", "height kept"),
    _resize((23, 37), (16, 37), "bilinear", "width kept", layout="HWC"),
    _resize((23, 37), (23, 37), "bicubic", "size kept"),
    _resize((21, 5), (8, 30), "lanczos", "down and up, vertical axis first"),
    _resize((5, 21), (30, 8), "lanczos", "up and down, horizontal axis first"),
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
        lambda h, w: Resize(h // 2 + 1, w // 2 + 1, "bicubic", layout="HWC", pad=Pad.canvas(2, 3, h + 4, w + 3, (7, 0, 255))),
        (30, 26, 3),
        "HWC",
        lambda x: _on_canvas(pillow_resize(channels_first(x), 16, 14, "bicubic"), (2, 3), (34, 29), (7, 0, 255)),
        "on a canvas of a colour, traced",
    ),
    Case(
        Resize(9, 8, "lanczos", window=(1, 2, 5, 4), map=ByteMap((("mul", (0.5,)),)), pad=Pad.canvas(0, 3, 5, 9, -0.25)),
        (3, 17, 12),
        "CHW",
        lambda x: _on_canvas(
            pillow_resize(x, 9, 8, "lanczos")[..., 1:6, 2:6].astype(np.float32) * np.float32(0.5), (0, 3), (5, 9), (-0.25,) * 3
        ),
        "window and map on a canvas",
    ),
    Case(
        Resize(7, 9, "bilinear"),
        (2, 3, 15, 12),
        "NCHW",
        partial(pillow_resize, height=7, width=9, filter="bilinear"),
        "tiles",
    ),
    *(
        _resize(size, new, f, f"torchvision, {f} {note}", traced=traced, layout=layout, arithmetic=TORCH_BYTES)
        for size, new, note, traced, layout in (
            ((23, 37), (16, 11), "down", False, "CHW"),
            ((9, 7), (20, 31), "up", False, "HWC"),
            ((40, 50), (23, 21), "down, traced", True, "HWC"),
            ((10, 90), (33, 12), "up and down, traced", True, "CHW"),
        )
        for f in ("bilinear", "bicubic")
    ),
    _resize((30, 20), (25, 19), "bicubic", "torchvision, window", window=(4, 3, 16, 12), arithmetic=TORCH_BYTES),
    *(
        # At the edges weights are larger than in the window, which decides how many bits all have.
        _resize((90, 60), new, f, f"torchvision, {f} window, traced", window=window, traced=True, arithmetic=TORCH_BYTES)
        for f, new, window in (("bilinear", (23, 29), (9, 12, 5, 5)), ("bicubic", (45, 29), (9, 12, 5, 5)))
    ),
    _resize((200, 90), (7, 9), "bilinear", "torchvision, 60 taps, traced", traced=True, reference=False, arithmetic=TORCH_BYTES),
)

RESAMPLE = (
    *(
        Case(
            Resample(*new, filter, filter != NEAREST),
            (3, *size),
            "CHW",
            partial(pillow_resize, height=new[0], width=new[1], filter=filter),
            f"pillow, {filter}, {size} to {new}",
        )
        for filter in ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
        for size, new in (((23, 37), (16, 11)), ((9, 7), (20, 31)))
    ),
    *(
        Case(
            lambda h, w, k=filter: Resample(num.maximum(h // 2, 1), w + 3, k, arithmetic=TORCH_BYTES),
            (3, *size),
            "CHW",
            partial(torch_resize, height=max(size[0] // 2, 1), width=size[1] + 3, filter=filter),
            f"torch_bytes, {filter}, traced, {size}",
        )
        for filter in ("lanczos", "bilinear", "bicubic")
        for size in ((23, 37), (1, 1))
    ),
)

CASES: tuple[Case, ...] = (*RESIZE, *RESAMPLE)
