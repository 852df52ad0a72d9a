"""Rows of ops that take values apart, bring them together or repeat a chain."""

from __future__ import annotations

from typing import Any

import numpy as np
from cases.ops.case import Case
from oracles.ops import pillow_resize

from graphproc.ir.types import DTYPES
from graphproc.ops import Cast, Concat, ForEach, Pad, Rearrange, Resample, Slice
from graphproc.sizes import num

Array = np.ndarray[Any, Any]

_ROWS = Rearrange("c h w -> (h w) c", layout="PF")
WINDOWS = (
    *(
        Case(Slice.window(*box), shape, layout, lambda x, b=box: x[..., b[0] : b[0] + b[2], b[1] : b[1] + b[3]], note, dtype)
        for box, shape, layout, dtype, note in (
            ((1, 2, 3, 4), (3, 5, 8), "CHW", "u8", "inside"),
            ((0, 0, 5, 8), (3, 5, 8), "CHW", "f32", "whole"),
            ((4, 7, 1, 1), (2, 3, 5, 8), "NCHW", "u8", "one pixel of tiles"),
        )
    ),
    Case(
        lambda h, w: Slice.window(h - 3, w // 2, num.minimum(h, 2), w - w // 2),
        (3, 5, 7),
        "CHW",
        lambda x: x[..., 2:4, 3:],
        "traced",
    ),
    Case(Slice((-3,), (1,), (2,)), (3, 5, 8), "CHW", lambda x: x[..., 1:3, :, :], "channels"),
    Case(Slice((-1,), (0,), (1,)), (3, 5, 8), "CHW", lambda x: x[..., :1], "a column", dtype="f32"),
    Case(
        lambda h, w: Slice((-1, -3), (w - 3, 1), (num.minimum(h, 2), 2)),
        (3, 5, 8),
        "CHW",
        lambda x: x[..., 1:3, :, 5:7],
        "axes in any order",
    ),
    Case(
        lambda h, w: Slice((-2,), (h,), (h * w - 2 * h,)),
        (2, 3, 4),
        "CHW",
        lambda x: np.moveaxis(x.reshape(*x.shape[:-2], -1), -1, -2)[..., 3:9, :],
        "patches",
        operands=(_ROWS,),
    ),
    Case(
        lambda h, w: Pad.end(-2, h * w + h, 7),
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
            Pad.end(axis, length, value),
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
            operands=(Slice.window(0, 0, 2, 4), lambda h, w: Slice.window(0, 0, h, 4), lambda h, w: Slice.window(h - 1, 0, 1, 4)),
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
    Case(Concat(-1), (3, 5, 4), "CHW", lambda x: x, "one value", operands=(Slice.window(0, 0, 5, 4),)),
    Case(
        Concat(-4),
        (3, 5, 4),
        "CHW",
        lambda x: np.stack([x, x, x], axis=-4),
        "a stack",
        operands=(Rearrange("c h w -> 1 c h w", layout="NCHW"), Rearrange("c h w -> n c h w", (("n", 2),), "NCHW")),
    ),
)

_INDEX = num.symbol("index", 0)


def _bands(x: Array, count: int, rows: int, height: int, width: int) -> Array:
    bands = [pillow_resize(x[..., i * rows : (i + 1) * rows, :], height, width, "bilinear") for i in range(count)]
    return np.stack(bands, axis=-4)


FOR_EACH = (
    Case(
        lambda h, w: ForEach(3, (Slice.window(_INDEX * 4, 0, num.minimum(h - _INDEX * 4, 4), w), Resample(5, 6, "bilinear"))),
        (3, 10, 9),
        "CHW",
        lambda x: _bands(x, 3, 4, 5, 6),
        "bands, the last one short",
        reference=False,  # onnx.reference has no Scan along other axes
    ),
    Case(
        lambda h, w: ForEach(w // 4, (Slice.window(0, _INDEX * 4, h, 4),)),
        (3, 10, 9),
        "CHW",
        lambda x: np.stack([x[..., :4], x[..., 4:8]], axis=-4),
        "a count that depends on the width",
        reference=False,
    ),
)

CASES: tuple[Case, ...] = (*WINDOWS, *JOINS, *FOR_EACH)
