"""Rows of ops that work on what models return: scores, places and boxes."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from cases.ops.case import Case
from support.graphs import Chain, after

from graphproc.ir.types import DTYPES
from graphproc.ops import (
    Binary,
    Cast,
    Compress,
    Gather,
    MatMul,
    Rearrange,
    Reduce,
    Slice,
    Softmax,
    TopK,
    Unary,
)
from graphproc.sizes import num

Array = np.ndarray[Any, Any]

EXPONENTIALS = "exponentials are the runtime's"
ANGLES = "sines and cosines are the runtime's"
ORDER = "the order of the sums, and fused products, are the runtime's"


def row(op: Any, function: Callable[..., Array], note: str, *operands: Chain, **settings: Any) -> Case:
    """Return a row with a function of the operands as its oracle."""
    shape, layout = settings.pop("shape", (3, 5, 7)), settings.pop("layout", "CHW")
    sides = dict(zip(layout, shape, strict=True))

    def made(make: Any) -> Any:
        return make(sides["H"], sides["W"]) if callable(make) and not hasattr(make, "infer") else make

    def oracle(x: Array) -> Array:
        return np.asarray(function(*([after(chain, x, made) for chain in operands] if operands else [x])))

    settings = {"dtype": "f32", **settings}
    return Case(op, shape, layout, oracle, note, operands=operands or None, **settings)


def torch_function(name: str, **settings: Any) -> Callable[[Array], Array]:
    """Return a function of torch, for arrays."""

    def apply(x: Array) -> Array:
        import torch

        return np.asarray(getattr(torch, name)(torch.from_numpy(np.ascontiguousarray(x)), **settings).numpy())

    return apply


# Of noise in [0, 1): logits from -20 to 20.


def affine(scale: float, offset: float) -> tuple[Binary, Binary]:
    """Return the ops that multiply by a number and add another."""
    return Binary("multiply", scale), Binary("add", offset)


LOGITS = affine(40.0, -20.0)

SOFTMAX = (
    *(
        row(Softmax(axis), torch_function("softmax", dim=axis), f"axis {axis}", LOGITS, within=1e-6, cause=EXPONENTIALS)
        for axis in (-1, -2, -3)
    ),
    *(
        row(
            Softmax(),
            torch_function("softmax", dim=-1),
            note,
            operand,
            shape=shape,
            layout="HW",
            within=1e-6,
            cause=EXPONENTIALS,
        )
        for note, operand, shape in (
            ("one class", LOGITS, (5, 1)),
            ("beyond the range of exp", affine(140.0, 900.0), (5, 3)),
        )
    ),
)

FUNCTIONS = (
    row(Unary("sigmoid"), torch_function("sigmoid"), "sigmoid", LOGITS, within=1e-6, cause=EXPONENTIALS),
    row(Unary("exp"), torch_function("exp"), "exp", LOGITS, within=1e-6, cause=EXPONENTIALS),
    row(
        Unary("exp"),
        torch_function("exp"),
        "exp of f64",
        (*LOGITS, Cast("f64")),
        within=1e-14,
        cause=EXPONENTIALS,
        portable=False,
    ),
    row(Unary("log"), torch_function("log"), "log", affine(40.0, 2.0), within=1e-6, cause=EXPONENTIALS),
    *(row(Unary(name), torch_function(name), name, affine(8.0, -4.0), within=1e-6, cause=ANGLES) for name in ("sin", "cos")),
    row(Unary("sqrt"), np.vectorize(math.sqrt, "f"), "sqrt"),
    row(Unary("sqrt"), np.vectorize(math.sqrt, "d"), "sqrt of f64", Cast("f64"), portable=False),
    *(
        row(
            Unary(name),
            oracle,
            f"{name} of {dtype}",
            *((Cast("f64"),) if dtype == "f64" else ()),
            dtype="f32" if dtype == "f64" else dtype,
            portable=dtype != "f64",
            whole=(-9, 10) if dtype.startswith("i") else None,
        )
        for name, oracle, dtypes in (
            ("abs", torch_function("abs"), ("f32", "f64", "i32", "i64")),
            ("negative", torch_function("neg"), ("f32", "f64", "i32", "i64")),
            ("floor", torch_function("floor"), ("f64",)),
        )
        for dtype in dtypes
    ),
    row(Unary("floor"), torch_function("floor"), "floor of f32", LOGITS),
    row(Unary("not"), torch_function("logical_not"), "not", dtype="bool", whole=(0, 2)),
)

_WHOLE = ("i32", "i64")
_NUMBERS = ("f32", "f64", *_WHOLE)
_ORACLES: dict[str, tuple[Callable[[Any, Any], Any], tuple[str, ...]]] = {
    "add": (operator.add, _NUMBERS),
    "subtract": (operator.sub, _NUMBERS),
    "multiply": (operator.mul, _NUMBERS),
    "divide": (operator.truediv, ("f32", "f64")),
    "quotient": (operator.floordiv, _WHOLE),
    "remainder": (operator.mod, _WHOLE),
    "minimum": (lambda a, b: np.where(a < b, a, b), _NUMBERS),
    "maximum": (lambda a, b: np.where(a > b, a, b), _NUMBERS),
    "greater": (operator.gt, _NUMBERS),
    "greater_or_equal": (operator.ge, _NUMBERS),
    "less": (operator.lt, _NUMBERS),
    "less_or_equal": (operator.le, _NUMBERS),
    "equal": (operator.eq, (*_NUMBERS, "bool")),
    "and": (operator.and_, ("bool",)),
    "or": (operator.or_, ("bool",)),
}
_ROUNDED = ("add", "subtract", "multiply", "divide")


def _first(name: str, dtype: str) -> tuple[Any, ...]:
    """Return noise if floats are rounded, else small whole numbers, so that some are equal; not negative for quotients."""
    given = (Cast("f64"),) if dtype == "f64" else ()
    return (*given, Unary("abs")) if name == "quotient" else given


def _input(name: str, dtype: str) -> dict[str, Any]:
    rounded = name in _ROUNDED and dtype.startswith("f")
    return {
        "dtype": "f32" if dtype == "f64" else dtype,
        "portable": dtype != "f64",
        "whole": None if rounded else (0, 2) if dtype == "bool" else (-4, 5),
    }


def _number(name: str, dtype: str) -> Case:
    number: Any = 0.3 if name in _ROUNDED and dtype.startswith("f") else 1 if dtype == "bool" else 3
    function = _ORACLES[name][0]

    def oracle(x: Array) -> Array:
        return np.asarray(function(x, x.dtype.type(number)))

    first = _first(name, dtype)
    return row(Binary(name, number), oracle, f"{name}, {dtype} and a number", *((first,) if first else ()), **_input(name, dtype))


def _pair(name: str, dtype: str) -> Case:
    """Return a row for an op on all columns and one of them; divisors are 1 to 5."""
    first = _first(name, dtype)
    second: tuple[Any, ...] = (*first, Slice((-1,), (2,), (1,)))
    if name in ("quotient", "remainder"):
        second = (*second, Binary("remainder", 5), Binary("add", 1))
    elif name == "divide":
        second = (*second, Binary("add", 1))
    first = first or (Rearrange("c h w -> c h w"),)
    return row(Binary(name), _ORACLES[name][0], f"{name}, two of {dtype}", first, second, **_input(name, dtype))


SIZES = (
    row(
        Binary("multiply", (0.5, 2, 3.25, 0.1)),
        lambda x: x * np.float32([0.5, 2, 3.25, 0.1]),
        "a number for each last element",
        shape=(5, 3, 4),
        layout="HWF",
    ),
    row(
        lambda h, w: Binary("multiply", (w, h, w, h)),
        lambda x: x * np.float32([3, 5, 3, 5]),
        "sizes for each last element",
        shape=(5, 3, 4),
        layout="HWF",
    ),
    row(
        lambda h, w: Binary("multiply", (w, 0.5, h, 2)),
        lambda x: x * np.float32([3, 0.5, 5, 2]),
        "sizes and numbers for each last element",
        shape=(5, 3, 4),
        layout="HWF",
    ),
    row(lambda h, w: Binary("divide", num.maximum(h, w)), lambda x: x / np.float32(7), "divided by the larger side"),
    row(lambda h, w: Binary("multiply", h / w), lambda x: x * np.float32(5 / 7), "times a quotient of sizes"),
    row(lambda h, w: Binary("remainder", w), lambda x: x % 7, "remainder of a size", dtype="i64", whole=(-40, 40)),
    row(lambda h, w: Binary("less", h * w), lambda x: x < 35, "less than a size", dtype="i64", whole=(30, 40)),
    row(
        Binary("subtract"),
        operator.sub,
        "each has sizes of 1",
        Reduce("max", -1, keep=True),
        Reduce("min", -3, keep=True),
    ),
    row(Binary("add"), operator.add, "the first is the smaller", Slice((-2,), (0,), (1,)), LOGITS),
)

COMBINE = (
    # How a number becomes an operand depends on the dtype alone.
    *(_number("add", dtype) for dtype in _NUMBERS),
    _number("equal", "bool"),
    *(_pair(name, dtype) for name, (_, dtypes) in _ORACLES.items() for dtype in dtypes),
    *SIZES,
)

REDUCE = (
    *(
        row(
            Reduce(kind, axis, keep),
            torch_function("amax" if kind == "max" else "amin", dim=axis, keepdim=keep),
            f"{kind} of {dtype}, axis {axis}{', kept' if keep else ''}",
            *((Cast("f64"),) if dtype == "f64" else ()),
            dtype="f32" if dtype == "f64" else dtype,
            portable=dtype != "f64",
            whole=(-90, 90) if dtype in _WHOLE else None,
        )
        for kind in ("max", "min")
        for dtype in _NUMBERS
        for axis, keep in (((-1, False), (-3, True)) if dtype == "f32" else ((-2, False),))
    ),
    *(
        row(Reduce("sum", axis, keep), lambda x, a=axis, k=keep: np.sum(x, axis=a, keepdims=k), note, dtype="i64", whole=(-9, 10))
        for axis, keep, note in ((-1, False, "sum of i64"), (-3, True, "sum of i64, kept"))
    ),
    row(Reduce("sum", -2), lambda x: np.sum(x, axis=-2, dtype=np.int32), "sum of i32", dtype="i32", whole=(-9, 10)),
    row(Reduce("sum"), torch_function("sum", dim=-1), "sum of f32", shape=(3, 5, 70), within=1e-6, cause=ORDER),
    row(Reduce("sum", -3, True), torch_function("sum", dim=-3, keepdim=True), "sum of f32, kept", within=1e-6, cause=ORDER),
    row(
        Reduce("sum"),
        torch_function("sum", dim=-1),
        "sum of f64",
        Cast("f64"),
        within=1e-14,
        cause=ORDER,
        portable=False,
    ),
    *(
        row(Reduce("count", axis, keep), torch_function("count_nonzero", dim=axis), note, dtype="bool", whole=(0, 2))
        for axis, keep, note in ((-1, False, "count"), (-3, False, "count of channels"))
    ),
    row(
        Reduce("count", -1, True), lambda x: x.astype(np.int64).sum(-1, keepdims=True), "count, kept", dtype="bool", whole=(0, 2)
    ),
    row(Reduce("argmax"), torch_function("argmax", dim=-1), "argmax"),
    row(Reduce("argmax", -3, True), torch_function("argmax", dim=-3, keepdim=True), "argmax of channels, kept"),
    row(Reduce("argmax", -2), lambda x: np.argmax(x, axis=-2), "argmax, the first of equal ones", whole=(0, 3)),
)


def sorted_places(count: int) -> Callable[[Array], Array]:
    """Return the places of the largest elements by Python's sort, which leaves equal ones in their order."""

    def apply(x: Array) -> Array:
        rows = [sorted(range(len(row)), key=lambda i, row=row: -row[i])[:count] for row in x.reshape(-1, x.shape[-1])]
        return np.array(rows, dtype=np.int64).reshape(*x.shape[:-1], count)

    return apply


TOP_K = (
    row(TopK(3), sorted_places(3), "three"),
    row(TopK(7), sorted_places(7), "all"),
    row(TopK(5), sorted_places(5), "ties", whole=(0, 3), reference=False),
    row(TopK(30), sorted_places(30), "many ties", shape=(2, 40), layout="HW", whole=(0, 4), reference=False),
    row(lambda h, w: TopK(num.minimum(w, 100)), sorted_places(7), "no more than there are"),
    row(lambda h, w: TopK(h), sorted_places(5), "a size"),
)

_PLACES = (Reduce("max"), TopK(4))  # of 9 rows
_ROWS = (Rearrange("h w -> h w"),)
PICK = (
    row(
        Gather(),
        lambda x, places: np.take_along_axis(x, places, -1),
        "one element each",
        (Reduce("min"),),
        _PLACES,
        shape=(9, 5),
        layout="HW",
        reference=False,
    ),
    row(
        Gather(),
        lambda x, places: np.take_along_axis(x, places, -1),
        "of whole numbers",
        (Reduce("min"),),
        (Cast("f32"), *_PLACES),
        shape=(9, 5),
        layout="HW",
        reference=False,
        dtype="i64",
        whole=(-99, 100),
    ),
    row(
        Gather(-2),
        lambda x, places: np.take_along_axis(x, places[..., None], -2),
        "rows",
        _ROWS,
        _PLACES,
        shape=(9, 5),
        layout="HW",
    ),
    row(
        Gather(-2),
        lambda x, places: np.take_along_axis(x, places[..., None], -2),
        "rows, some twice",
        _ROWS,
        (Reduce("argmax"),),
        shape=(9, 5),
        layout="HW",
    ),
    row(
        Gather(-3),
        lambda x, places: np.take_along_axis(x, places[..., None, None], -3),
        "maps",
        Rearrange("c h w -> c h w"),
        (Reduce("max"), Reduce("max"), TopK(4)),
        shape=(9, 5, 2),
    ),
)


def kept_first(x: Array, kept: Array, pad_value: float = 0) -> Array:
    """Return `x[kept]` of every image, with padding after it."""
    lead = kept.shape[:-1]
    result = np.full_like(x, pad_value)
    for index in np.ndindex(*lead):
        rows = x[index][kept[index]]
        result[index][: len(rows)] = rows
    return result


def _compress(note: str, threshold: float, pad_value: float = 0, shape: tuple[int, ...] = (9, 4), **settings: Any) -> Case:
    layout = "HW" if len(shape) == 2 else "CHW"
    letters = " ".join(layout.lower())
    of_rows = [Reduce("max")] * (len(shape) - 1)
    kept = (*of_rows, Binary("greater", threshold))
    same = Rearrange(f"{letters} -> {letters}")
    return row(
        Compress(pad_value),
        lambda x, kept: kept_first(x, kept, pad_value),
        note,
        same,
        kept,
        shape=shape,
        layout=layout,
        **settings,
    )


COMPACT = (
    _compress("some rows", 0.8),
    _compress("some rows, padded", 0.8, -1),
    _compress("no row", 2.0, 7),
    _compress("every row", -1.0, 7),
    _compress("maps", 0.93, 0.5, (9, 3, 4)),
    _compress("one row", 0.5, 0, (1, 4)),
    _compress("whole numbers", 60, -1, dtype="i64", whole=(-99, 100)),
    _compress("short whole numbers", 60, -1, dtype="i32", whole=(-99, 100)),
    row(
        Compress(-1),
        lambda x, kept: kept_first(x, kept, -1),
        "single elements",
        (Reduce("max"),),
        (Reduce("min"), Binary("less", 0.2)),
        shape=(9, 4),
        layout="HW",
    ),
)


PRODUCTS = (
    row(
        MatMul(),
        lambda a, b: a @ b,
        "two matrices",
        (Slice((-3,), (0,), (1,)), Rearrange("c h w -> h (c w)", layout="")),
        (Slice((-3,), (1,), (1,)), Rearrange("c h w -> (c w) h", layout="")),
        within=1e-6,
        cause=ORDER,
    ),
    row(
        MatMul(),
        lambda a, b: np.einsum("...ij,...jk->...ik", a, b),
        "queries by classes and queries by pixels",
        (Reduce("max"), Rearrange("c h -> h c", layout="")),
        (Rearrange("c h w -> c (h w)", layout=""),),
        shape=(30, 5, 7),
        within=1e-6,
        cause=ORDER,
    ),
)


def whole(dtype: str) -> Callable[[Array], Array]:
    """Make a function that drops the digits after the decimal point."""
    return lambda x: np.trunc(x).astype(DTYPES[dtype])


WHOLE = tuple(
    row(Cast(dtype, "toward zero"), whole(dtype), f"toward zero, {dtype}", (Binary("multiply", 1000.0),))
    for dtype in ("i32", "i64")
)

CASES: tuple[Case, ...] = (*SOFTMAX, *FUNCTIONS, *COMBINE, *REDUCE, *TOP_K, *PICK, *COMPACT, *PRODUCTS, *WHOLE)
