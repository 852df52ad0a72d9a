"""Rows of ops that compute from sizes alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from cases.ops.case import Case
from oracles.ops import for_every

from graphproc.ir.op import Op
from graphproc.ir.types import DTYPES
from graphproc.ops import Full, Indices, Numbers
from graphproc.sizes import num
from graphproc.sizes.num import Num

Array = np.ndarray[Any, Any]

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
            lambda h, w, first=first, order=order, t=dtype: Indices(h - 2, w // 2, first, order, t),
            np.array([(r, c) if order == "yx" else (c, r) for r in range(3) for c in range(4)]).astype(DTYPES[dtype])
            + DTYPES[dtype].type(first),
            f"{order} from {first}, {dtype}",
        )
        for first, order, dtype in ((0, "yx", "i64"), (1, "yx", "f32"), (0, "xy", "i64"), (1, "xy", "i32"))
    ),
    (lambda h, w: Indices(1, w - 7), np.zeros((1, 2), np.int64), "one cell"),
    (lambda h, w: Indices(h - 5, w), np.zeros((0, 2), np.int64), "no cell"),
)
FROM_SIZES = tuple(Case(make, (3, 5, 8), "CHW", for_every(value), note, operands=()) for make, value, note in _NUMBER_ROWS)

CASES: tuple[Case, ...] = (*FROM_SIZES,)
