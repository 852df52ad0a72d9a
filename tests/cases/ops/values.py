"""Rows of ops on each element: scaling, statistics, tables, types."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from cases.ops.case import Case
from oracles.ops import byte_table, elementwise, per_plane, scalar_normalize, scalar_rescale
from oracles.pixels import transformers_depths

from graphproc.ir.types import DTYPES
from graphproc.ops import Binary, ByteMap, Cast, Distinct, LookUp, Normalize, ReduceLabels, Rescale

Array = np.ndarray[Any, Any]

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
        Rescale(0.0078, "f32"),
        ALL_BYTES,
        "CHW",
        byte_table(lambda byte, c: np.float32(byte) * np.float32(0.0078), 3),
        "in float32",
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


def _along(axis: int, each: int) -> Callable[[Array], Array]:
    """Return bytes less the mean of the channel that stands on an axis, `each` elements of one after the other."""

    def oracle(x: Array) -> Array:
        planes = np.moveaxis(x, axis, 0)
        return np.moveaxis(np.stack([plane.astype(_F) - _F(MEAN[i // each % 3]) for i, plane in enumerate(planes)]), 0, axis)

    return oracle


BYTE_MAP += tuple(
    Case(ByteMap((("sub", MEAN),), axis=axis, each=each), shape, layout, _along(axis, each), note)
    for shape, layout, axis, each, note in (
        ((7, 5, 12), "HWF", -1, 4, "channels among features"),
        ((7, 5, 12), "HWF", -1, 1, "channels last among features, repeated"),
        ((5, 12, 4), "HFW", -2, 2, "channels in the middle, repeated"),
        ((6, 5, 4), "CHW", -3, 2, "channels of two"),
    )
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


def _painted(x: Array, tables: tuple[tuple[int, ...], ...]) -> Array:
    """Apply `Image.point` to the single channel, by each table."""
    return np.concatenate([per_plane(x, lambda image, t=table: image.point(list(t))) for table in tables], axis=-3)


LOOK_UP = tuple(
    Case(LookUp(tables), shape, layout, partial(_painted, tables=tables), note)
    for tables, shape, layout, note in (
        (((255, *range(254), 255),), (1, 9, 7), "CHW", "one table"),
        ((tuple(range(256)), tuple(range(255, -1, -1)), (7,) * 256), (1, 5, 8), "CHW", "three tables"),
        ((tuple(v // 2 for v in range(256)), tuple(v * v % 256 for v in range(256))), (2, 1, 3, 4), "NCHW", "tiles"),
    )
)


def _reduced(x: Array) -> Array:
    """Return one number after the other."""
    return np.vectorize(lambda v: 255 if v in (0, 255) else v - 1, otypes=[x.dtype])(x)


REDUCE_LABELS = (
    Case(ReduceLabels(), (1, 30, 40), "CHW", _reduced, "bytes"),
    Case(ReduceLabels(), (1, 30, 40), "CHW", lambda x: _reduced(x.astype(np.int64)), "i64", operands=(Cast("i64"),)),
)

DISTINCT = (
    *(
        Case(
            Distinct(scale),
            shape,
            "HW",
            partial(transformers_depths, scale=scale),
            note,
            portable=False,
            operands=(Cast("i32"),),
        )
        for scale, shape, note in (
            (0.001, (5, 7), "millimetres"),
            (1 / 3, (31, 2), "rounded once"),
            (0.001, (1, 1), "one value"),
            (0.0, (5, 7), "equal products"),
        )
    ),
    Case(Distinct(0.001), (4, 3), "HW", partial(transformers_depths, scale=0.001), "zeros", dtype="i32", portable=False),
    Case(Distinct(1 / 3), (4, 3), "HW", lambda x: x * np.float32(1 / 3), "floats", dtype="f32"),
    Case(
        Distinct(0.0, 1 / 3),
        (4, 3),
        "HW",
        lambda x: np.broadcast_to(np.float32([[1 / 3], [0], [0], [0]]), x.shape).copy(),
        "floats, equal products",
        dtype="f32",
    ),
    Case(
        Distinct(0.5, 0.25),
        (4, 3),
        "HW",
        lambda x: np.broadcast_to(np.float32([[0.25], [0], [0], [0]]), x.shape).copy(),
        "another amount",
        dtype="i32",
        portable=False,
    ),
)


def _nearest_byte(value: float) -> np.uint8:
    """Return Python's `round`, half to even, within the bytes."""
    return np.uint8(min(max(round(value), 0), 255))


ROUND_TO_BYTES = (
    Case(
        Cast("u8", "to nearest byte"),
        ALL_BYTES,
        "CHW",
        lambda x: np.vectorize(lambda v: _nearest_byte((int(v) - 8) / 2), "B")(x),
        "halves, and beyond the bytes",
        operands=((Cast("f32"), Binary("subtract", 8), Binary("divide", 2)),),
    ),
    Case(
        Cast("u8", "to nearest byte"),
        (1, 9, 7),
        "CHW",
        lambda x: np.vectorize(lambda v: _nearest_byte(np.float32(v * np.float32(2.7)).item()), "B")(x),
        "above the bytes",
        operands=((Cast("f32"), Binary("multiply", 2.7)),),
    ),
)

CASES: tuple[Case, ...] = (*ROUND_TO_BYTES, *RESCALE, *NORMALIZE, *BYTE_MAP, *CAST, *LOOK_UP, *REDUCE_LABELS, *DISTINCT)
