"""Rows of ops that crop, pad, mirror and turn."""

from __future__ import annotations

from functools import partial

import numpy as np
from cases.ops.case import Case
from oracles.ops import numpy_pad, pillow_bordered, pillow_center_crop, pillow_pad

from graphproc.ops import CenterCrop, Pad, Rotate
from graphproc.sizes import num

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
    Case(
        CenterCrop(8, 12, "after"),
        (3, 5, 15),
        "CHW",
        lambda x: np.pad(x[..., 1:13], [(0, 0)] * (x.ndim - 2) + [(1, 2), (0, 0)]),
        "odd shortfall, the extra zero after",
    ),
    Case(
        lambda h, w: CenterCrop(h + 3, num.minimum(h, w), "after"),
        (3, 6, 9),
        "CHW",
        lambda x: np.pad(x[..., 1:7], [(0, 0)] * (x.ndim - 2) + [(1, 2), (0, 0)]),
        "traced sides, the extra zero after",
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
            Pad.canvas(*box, value),
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
        lambda h, w: Pad.canvas(0, 0, num.maximum(h, w), num.maximum(h, w), 9),
        (3, 5, 8),
        "CHW",
        partial(pillow_pad, top=0, left=0, height=8, width=8, value=9),
        "to a traced square",
    ),
    *(
        Case(
            Pad.canvas(2, 1, 9, 12, (7, 0, 255)),
            (*lead, 3, 5, 8),
            "CHW" if not lead else "NCHW",
            partial(pillow_bordered, top=2, left=1, height=9, width=12, color=(7, 0, 255)),
            f"a colour{', tiles' if lead else ''}",
        )
        for lead in ((), (2,))
    ),
    Case(
        lambda h, w: Pad.canvas(0, w - 5, num.maximum(h, w), num.maximum(h, w), (3, 1, 2)),
        (3, 8, 5),
        "CHW",
        partial(pillow_bordered, top=0, left=0, height=8, width=8, color=(3, 1, 2)),
        "a colour, to a traced square",
    ),
    Case(
        Pad.canvas(1, 0, 4, 5, 2), (2, 1, 3, 4), "NCHW", partial(pillow_pad, top=1, left=0, height=4, width=5, value=2), "tiles"
    ),
    Case(
        Pad.canvas(1, 2, 4, 6, -1.5),
        (1, 3, 4),
        "CHW",
        lambda x: np.pad(x, [(0, 0)] * (x.ndim - 2) + [(1, 0), (2, 0)], constant_values=np.float32(-1.5)),
        "float pixels",
        dtype="f32",
    ),
)

MIRRORED = tuple(
    Case(
        (lambda h, w, b=box, s=size, m=mode: Pad.canvas(b[0], w - s[1] + b[1], h - s[0] + b[2], b[3], mode=m))
        if traced
        else Pad.canvas(*box, mode=mode),
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

CHANNELS = tuple(
    Case(
        lambda h, w, m=mode: Pad((-1, -3), (w - 2, 1), (9, 7), mode=m),
        (2, 4, 3),
        "CHW",
        lambda x, m=mode: np.pad(x, [(0, 0)] * (x.ndim - 3) + [(1, 4), (0, 0), (1, 5)], mode=m),
        f"{mode}, channels and columns",
    )
    for mode in ("constant", "symmetric", "reflect", "edge")
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

CASES: tuple[Case, ...] = (*CROP, *PAD, *MIRRORED, *CHANNELS, *ROTATE)
