"""Rows of ops that number segments and paint them."""

from __future__ import annotations

from typing import Any

import numpy as np
from cases.ops.case import Case
from cases.ops.scores import row
from oracles.pixels import per_image

from graphproc.ops import Binary, Cast, CumSum, PathSum, Range, Rearrange, Reduce, Where
from graphproc.ops.resample import NEAREST_EXACT, TORCH_NEAREST, Resample

Array = np.ndarray[Any, Any]

ABOVE = Binary("greater", 0)
FLAT = Rearrange("h w -> (h w)")


def chosen(when: Array, x: Array, otherwise: float = 0) -> Array:
    """Return the choice spelled out."""
    when, x = np.broadcast_arrays(when, x)
    picked = [value if flag else x.dtype.type(otherwise) for flag, value in zip(when.flat, x.flat, strict=True)]
    return np.array(picked, dtype=x.dtype).reshape(x.shape)


CHOOSE = (
    *(
        row(
            Where(value),
            lambda a, b, v=value: chosen(a, b, v),
            f"{dtype} or {value}",
            ABOVE,
            Cast(dtype),
            dtype="i64",
            whole=(-9, 10),
        )
        for dtype, value in (("f32", 0), ("f32", -np.inf), ("f32", 0.1), ("i32", -7), ("i64", 2**40))
    ),
    row(
        Where(-1),
        lambda a, b: chosen(a, b, -1),
        "a row for each column",
        (Reduce("sum", -2, keep=True), ABOVE),
        Cast("i64"),
        dtype="i64",
        whole=(-9, 10),
    ),
    row(
        Where(-1),
        lambda a, b: chosen(a, b, -1),
        "a number for each map",
        ABOVE,
        (Reduce("max", -2, keep=True), Reduce("max", -1, keep=True)),
        dtype="i64",
        whole=(-9, 10),
    ),
)


def counted(x: Array) -> Array:
    """Return sums of all elements so far, one by one."""
    rows = [[sum(int(v) for v in line[: k + 1]) for k in range(len(line))] for line in x.reshape(-1, x.shape[-1])]
    return np.array(rows, dtype=np.int64).reshape(x.shape)


RUNNING_SUM = (
    row(CumSum(), counted, "whole numbers", dtype="i64", whole=(-9, 10)),
    row(CumSum(), counted, "bools", ABOVE, dtype="i64", whole=(-3, 4)),
    row(CumSum(), counted, "one element", dtype="i64", whole=(-9, 10), shape=(2, 3, 1)),
)

COUNT_UP = (
    Case(
        lambda h, w: Range(w - 2),
        (3, 4, 7),
        "CHW",
        lambda x: np.broadcast_to(np.array([0, 1, 2, 3, 4]), (*x.shape[:-3], 5)),
        "by the width",
        operands=(),
    ),
    Case(Range(3), (3, 4, 7), "CHW", lambda x: np.broadcast_to(np.array([0, 1, 2]), (*x.shape[:-3], 3)), "known", operands=()),
    Case(lambda h, w: Range(w - 7), (3, 4, 7), "CHW", lambda x: np.empty((*x.shape[:-3], 0), np.int64), "none", operands=()),
)


def walked(x: Array, parents: Array) -> Array:
    """Sum from each element to its root, step by step."""
    sums = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        at = place
        sums[place] = x[at]
        while parents[at] != at[-1]:
            at = (*at[:-1], int(parents[at]))
            sums[place] += x[at]
    return sums


def paths(parents: tuple[Any, ...], note: str, shape: tuple[int, int] = (5, 7)) -> Case:
    return row(PathSum(), walked, note, FLAT, (FLAT, *parents), dtype="i64", whole=(-9, 10), shape=shape, layout="HW")


_NUMBERED = (CumSum(), Binary("subtract", 1), Binary("maximum", 0))
PATH_SUM = (
    paths((ABOVE, *_NUMBERED), "a forest"),
    paths((Binary("greater", -10), CumSum(), Binary("subtract", 2), Binary("maximum", 0)), "one path of 35"),
    paths((Binary("greater", -10), CumSum(), Binary("subtract", 1)), "roots alone"),
    paths((Binary("greater", 10), *_NUMBERED), "one root"),
    paths((Binary("greater", 10), *_NUMBERED), "one element", (1, 1)),
)


def torch_nearest(height: int, width: int, mode: str = "nearest") -> Any:
    def oracle(image: Array) -> Array:
        import torch

        floats = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))[None]
        return torch.nn.functional.interpolate(floats, size=(height, width), mode=mode)[0].numpy().astype(image.dtype)

    return per_image(oracle)


NEAREST = (
    *(
        Case(
            Resample(*new, "nearest", False, TORCH_NEAREST),
            (3, *size),
            "CHW",
            torch_nearest(*new),
            f"nearest, {size} to {new}, {dtype}",
            dtype=dtype,
        )
        for size, new, dtype in (
            ((23, 37), (9, 61), "f32"),
            ((23, 37), (41, 11), "u8"),
            ((23, 37), (46, 37), "f32"),
            ((23, 37), (23, 37), "f32"),
            ((1, 1), (3, 2), "f32"),
            ((49, 50), (7, 33), "f32"),
        )
    ),
    *(
        Case(
            Resample(*new, NEAREST_EXACT, False, TORCH_NEAREST),
            (3, *size),
            "CHW",
            torch_nearest(*new, "nearest-exact"),
            f"centres, {size} to {new}",
            dtype="f32",
        )
        for size, new in (((23, 37), (9, 61)), ((23, 37), (41, 11)), ((1, 1), (3, 2)), ((49, 50), (7, 33)), ((6, 6), (3, 12)))
    ),
    Case(
        lambda h, w: Resample(w, h + 5, NEAREST_EXACT, False, TORCH_NEAREST),
        (2, 30, 41),
        "CHW",
        torch_nearest(41, 35, "nearest-exact"),
        "centres, traced",
        dtype="f32",
    ),
    Case(
        lambda h, w: Resample(w, h + 5, "nearest", False, TORCH_NEAREST),
        (2, 30, 41),
        "CHW",
        torch_nearest(41, 35),
        "nearest, traced",
        dtype="f32",
    ),
    row(
        lambda h, w: Resample(h // 2, w, "nearest", False, TORCH_NEAREST),
        lambda x: torch_nearest(15, 41)(x),
        "bools, one side the same",
        Binary("greater", 0.5),
        shape=(2, 30, 41),
    ),
)

CASES: tuple[Case, ...] = (*CHOOSE, *RUNNING_SUM, *COUNT_UP, *PATH_SUM, *NEAREST)
