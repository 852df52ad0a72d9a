"""Operators of values: each writes the step that a person would write, and computes what numpy's operator does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from graphproc.errors import ProgramError, ShapeError
from graphproc.executors import reference
from graphproc.ir.op import Op
from graphproc.ir.program import Parity, Program, ProgramBuilder, Step, ValueInfo
from graphproc.ir.types import DTYPES, TensorType
from graphproc.ir.value import Value, concatenate, maximum, minimum, where
from graphproc.ops import (
    Binary,
    Cast,
    Concat,
    CumSum,
    Gather,
    MatMul,
    Numbers,
    Rearrange,
    Reduce,
    Slice,
    Softmax,
    TopK,
    Unary,
    Where,
)
from graphproc.sizes import num

Array = np.ndarray[Any, Any]
SHAPE = (3, 4)


def written(write: Callable[..., Value], *dtypes: str) -> Program:
    """Return the program of a function of values [3, 4]."""
    b = ProgramBuilder("Example", Parity("itself"))
    b.output("y", write(*(b.input(name, TensorType(dtype, SHAPE)) for name, dtype in zip("abc", dtypes, strict=False))))
    return b.finish()


def by_hand(program: Program, *chain: tuple[Op, tuple[str, ...]]) -> tuple[Step, ...]:
    """Return the steps of ops, each with the names of its operands; the last result is called `.`."""
    types = {v.name: v.type for v in program.inputs}
    steps: list[Step] = []
    for op, names in chain:
        inputs = tuple(steps[-1].output.name if name == "." else name for name in names)
        same = sum(step.op.name == op.name for step in steps)
        result = ValueInfo(f"{op.name}_{same + 1}" if same else op.name, op.infer(*(types[name] for name in inputs)))
        types[result.name] = result.type
        steps.append(Step(op, inputs, result))
    return tuple(steps)


def data(dtype: str, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.random(SHAPE) < 0.5
    return (rng.random(SHAPE) * 4 + 0.5 if dtype.startswith("f") else rng.integers(1, 9, SHAPE)).astype(DTYPES[dtype])


def one(op: Op) -> tuple[tuple[Op, tuple[str, ...]], ...]:
    return ((op, ("a",)),)


def two(op: Op) -> tuple[tuple[Op, tuple[str, ...]], ...]:
    return ((op, ("a", "b")),)


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)), dtype=x.dtype)


def on_both(function: Callable[..., Any], *dtypes: str) -> Any:
    """Return a row with a function for both values and arrays."""
    return function, function, dtypes


ROW = (1, 2, 3, 4)

ROWS: dict[str, tuple[Callable[..., Value], Callable[..., Any], tuple[str, ...], tuple[tuple[Op, tuple[str, ...]], ...]]] = {
    "add": (*on_both(lambda a, b: a + b, "f32", "f32"), two(Binary("add"))),
    "add a number": (*on_both(lambda a: a + 3, "i64"), one(Binary("add", 3))),
    "number first": (*on_both(lambda a: 3 + a, "i64"), one(Binary("add", 3))),
    "a row of numbers": (*on_both(lambda a: a + ROW, "i64"), one(Binary("add", ROW))),
    "subtract": (*on_both(lambda a, b: a - b, "f32", "f32"), two(Binary("subtract"))),
    "subtract from": (*on_both(lambda a: 1 - a, "f32"), ((Unary("negative"), ("a",)), (Binary("add", 1), (".",)))),
    "multiply": (*on_both(lambda a, b: a * b, "f32", "f32"), two(Binary("multiply"))),
    "times": (*on_both(lambda a: 2 * a * 3, "i64"), ((Binary("multiply", 2), ("a",)), (Binary("multiply", 3), (".",)))),
    "divide": (*on_both(lambda a, b: a / b, "f32", "f32"), two(Binary("divide"))),
    "divide by": (*on_both(lambda a: a / 3, "f32"), one(Binary("divide", 3))),
    "divide a number": (
        *on_both(lambda a: 1 / a, "f32"),
        ((Numbers((1.0,), "f32", (1, 1)), ()), (Binary("divide"), (".", "a"))),
    ),
    "quotient": (*on_both(lambda a, b: a // b, "i64", "i64"), two(Binary("quotient"))),
    "remainder": (*on_both(lambda a: a % 3, "i64"), one(Binary("remainder", 3))),
    "less": (*on_both(lambda a, b: a < b, "f32", "f32"), two(Binary("less"))),
    "at most": (*on_both(lambda a: a <= 3, "i64"), one(Binary("less_or_equal", 3))),
    "greater": (*on_both(lambda a: a > 3, "i64"), one(Binary("greater", 3))),
    "at least": (*on_both(lambda a: a >= 3, "i64"), one(Binary("greater_or_equal", 3))),
    "equal": (*on_both(lambda a, b: a == b, "i64", "i64"), two(Binary("equal"))),
    "not equal": (*on_both(lambda a: a != 3, "i64"), ((Binary("equal", 3), ("a",)), (Unary("not"), (".",)))),
    "and": (*on_both(lambda a, b: a & b, "bool", "bool"), two(Binary("and"))),
    "or": (*on_both(lambda a, b: a | b, "bool", "bool"), two(Binary("or"))),
    "not": (*on_both(lambda a: ~a, "bool"), one(Unary("not"))),
    "negative": (*on_both(lambda a: -a, "f32"), one(Unary("negative"))),
    "abs": (*on_both(lambda a: abs(-a), "f32"), ((Unary("negative"), ("a",)), (Unary("abs"), (".",)))),
    "rows": (lambda a, b: a[b.argmax()], lambda a, b: a[b.argmax(-1)], ("f32", "f32"), ()),
    "maximum": (lambda a, b: maximum(a, b), np.maximum, ("f32", "f32"), two(Binary("maximum"))),
    "minimum": (lambda a: minimum(a, 2), lambda a: np.minimum(a, 2), ("i64",), one(Binary("minimum", 2))),
    "clip": (
        *on_both(lambda a: a.clip(1, 3), "f32"),
        ((Binary("maximum", 1), ("a",)), (Binary("minimum", 3), (".",))),
    ),
    "where": (lambda c, x: where(c, x, 7), lambda c, x: np.where(c, x, 7), ("bool", "i64"), two(Where(7))),
    "where not": (
        lambda c, x: where(c, 7, x),
        lambda c, x: np.where(c, 7, x),
        ("bool", "i64"),
        ((Unary("not"), ("a",)), (Where(7), (".", "b"))),
    ),
    "cast": (lambda a: a.cast("f32"), lambda a: a.astype("f"), ("i64",), one(Cast("f32"))),
    **{
        name: (lambda a, name=name: getattr(a, name)(), getattr(np, name), ("f32",), one(Unary(name)))
        for name in ("exp", "log", "sin", "cos", "sqrt", "floor")
    },
    "sigmoid": (lambda a: a.sigmoid(), sigmoid, ("f32",), one(Unary("sigmoid"))),
    "round": (*on_both(lambda a: a.round(), "f32"), one(Unary("round"))),
    "sum": (*on_both(lambda a: a.sum(-2), "i64"), one(Reduce("sum", -2))),
    "count": (*on_both(lambda a: a.sum(-1, keepdims=True), "bool"), one(Reduce("count", -1, True))),
    "max": (lambda a: a.max(), lambda a: a.max(-1), ("f32",), one(Reduce("max"))),
    "min": (*on_both(lambda a: a.min(-2, keepdims=True), "f32"), one(Reduce("min", -2, True))),
    "argmax": (lambda a: a.argmax(), lambda a: a.argmax(-1), ("f32",), one(Reduce("argmax"))),
    "cumsum": (lambda a: a.cumsum(), lambda a: a.cumsum(-1), ("bool",), one(CumSum())),
    "softmax": (lambda a: a.softmax(), lambda a: np.exp(a) / np.exp(a).sum(-1, keepdims=True), ("f32",), one(Softmax(-1))),
    "top_k": (lambda a: a.top_k(2), lambda a: np.argsort(-a, -1, kind="stable")[:, :2], ("f32",), one(TopK(2))),
    "narrow": (lambda a: a.narrow(-1, 1, 2), lambda a: a[:, 1:3], ("f32",), one(Slice((-1,), (1,), (2,)))),
    "rearrange": (
        lambda a: a.rearrange("h (w two) -> (h two) w", "HW", two=2),
        lambda a: a.reshape(3, 2, 2).transpose(0, 2, 1).reshape(6, 2),
        ("f32",),
        one(Rearrange("h (w two) -> (h two) w", (("two", 2),), "HW")),
    ),
    "concatenate": (
        lambda a, b: concatenate((a, b), axis=-2),
        lambda a, b: np.concatenate((a, b), axis=-2),
        ("f32", "f32"),
        two(Concat(-2)),
    ),
    "matmul": (
        lambda a, b: a @ b.rearrange("m n -> n m"),
        lambda a, b: a @ b.T,
        ("f32", "f32"),
        ((Rearrange("m n -> n m"), ("b",)), (MatMul(), ("a", "."))),
    ),
}
ROWS["rows"] = (*ROWS["rows"][:3], ((Reduce("argmax"), ("b",)), (Gather(-2), ("a", "."))))


@pytest.mark.parametrize("name", ROWS)
def test_steps_are_those_written_by_hand(name: str) -> None:
    write, _, dtypes, chain = ROWS[name]
    program = written(write, *dtypes)
    assert program.steps == by_hand(program, *chain)


@pytest.mark.parametrize("name", ROWS)
def test_results_are_numpys(name: str) -> None:
    write, oracle, dtypes, _ = ROWS[name]
    given = [data(dtype, seed) for seed, dtype in enumerate(dtypes)]
    found = reference.run(written(write, *dtypes), dict(zip("abc", given, strict=False)))["y"]
    expected = np.asarray(oracle(*given))
    if expected.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected)
        return
    assert found.dtype == given[-1].dtype or name == "cast"
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_sizes_are_numbers() -> None:
    b = ProgramBuilder("Example", Parity("itself"))
    x = b.input("x", TensorType("f32", (num.symbol("height"), 2)))
    y = x * (x.shape[0], 0.5)
    assert y.shape == x.shape
    assert b.steps[-1].op == Binary("multiply", (num.symbol("height"), 0.5))
    height = num.symbol("height")
    for write, op in (
        (lambda: height * x, Binary("multiply", height)),
        (lambda: height - x, Binary("add", height)),
        (lambda: height / x, Binary("divide")),
        (lambda: height < x, Binary("greater", height)),
        (lambda: height == x, Binary("equal", height)),
    ):
        write()
        assert b.steps[-1].op == op
    assert (x.dtype, repr(y)) == ("f32", "<value binary: f32[height, 2]>")


def test_operators_need_no_import_of_ops() -> None:
    code = """
from graphproc.ir.program import Parity, ProgramBuilder
from graphproc.ir.types import TensorType
b = ProgramBuilder("Example", Parity("itself"))
print(b.input("x", TensorType("f32", (2,))) + 1)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "<value binary: f32[2]>\n"


# ---- what is refused -------------------------------------------------------------------------------------------


def values() -> tuple[Value, Value]:
    builders = [ProgramBuilder(name, Parity("itself")) for name in ("One", "Other")]
    one, other = (b.input("x", TensorType("f32", SHAPE)) for b in builders)
    return one, other


@pytest.mark.parametrize(
    "write",
    [
        lambda x, y: x + y,
        lambda x, y: where(x > 0, y, 0),
        lambda x, y: concatenate((x, y)),
        lambda x, y: x.builder.add(Binary("add"), x, y),
        lambda x, y: x.builder.output("y", y),
        lambda x, y: x.builder.name_sizes(y, count=0),
    ],
)
def test_values_of_two_builders(write: Callable[[Value, Value], Any]) -> None:
    with pytest.raises(ProgramError, match=r"program One: \w+( y)? reads 'x' of another builder \(Other\)\. Use values of one"):
        write(*values())


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda x: x + None, "add of x: expected a value, a number or a tuple of numbers, got NoneType None"),
        (lambda x: x == "3", "equal of x: expected a value, a number or a tuple of numbers, got str '3'"),
        (lambda x: np.ones(4) * x, "multiply of x: expected a value, .*got ndarray"),
        (lambda x: [1, 2] * x, r"multiply of x: .*got list \[1, 2\]"),
        (lambda x: "one" / x, "divide of x: .*got str 'one'"),
        (lambda x: x[0], r"x: expected places in the first axis, a value, got 0\. See Value\.narrow"),
        (lambda x: where(x > 0, x, x), "where: expected a value and a number to choose from"),
        (lambda x: where(x > 0, 1, 0), "where: expected a value and a number to choose from"),
        (lambda x: x and 1, r"x: a value is true or false only when the program runs\. Write where\(\.\.\.\), `&`, `\|` and `~`"),
        (lambda x: 0 < x < 1, "binary: a value is true or false only when the program runs"),
    ],
)
def test_refused(write: Callable[[Value], Any], message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        write(values()[0])


def test_sizes_of_an_input() -> None:
    x, _ = values()
    with pytest.raises(
        ProgramError, match=r"name_sizes: expected the result of a step, got the input 'x'\. Name the sizes where the input"
    ):
        x.builder.name_sizes(x, count=0)


def test_types_do_not_mix() -> None:
    x, _ = values()
    with pytest.raises(ShapeError, match=r"binary: add takes .*, got f32.*i64"):
        x + x.argmax(keepdims=True)
    with pytest.raises(TypeError, match="not iterable"):
        list(x)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="unhashable"):
        hash(x)
