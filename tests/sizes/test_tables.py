"""Tables in size expressions: element by element as Python computes, evaluated and in ONNX Runtime; reducers; bounds."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.graphs import run_expressions
from support.strategies import SYMBOLS, sides, table_expressions

from graphproc.emitters.onnx.builder import GraphBuilder
from graphproc.emitters.onnx.checks import CUDA_KERNELS
from graphproc.errors import ShapeError, TracedBranchError
from graphproc.sizes import num

H, W = num.symbol("height"), num.symbol("width")
INTS, FLOATS = (3, 1, 4, 1, 500), (0.5, 2.0, 224.0, 1 / 3, 2.0)
SIZES = ((1, 1), (1, 2), (3, 7), (7, 3), (480, 640), (641, 480), (9000, 8999))

# Each operation on numbers: of an int side, an element of the int table and one of the float table.
ELEMENTWISE: dict[str, Callable[[Any, Any, Any], Any]] = {
    "add": lambda a, b, c: a + b + c,
    "sub": lambda a, b, c: a - b - c,
    "rsub": lambda a, b, c: c - b - a,
    "mul": lambda a, b, c: a * b * c,
    "truediv": lambda a, b, c: a / b / c,
    "truediv_by_side": lambda a, b, c: b / a + c,
    "floordiv": lambda a, b, c: (a - 300) // b,
    "floordiv_by_side": lambda a, b, c: (b - 3) // a,
    "mod": lambda a, b, c: (a - 300) % b,
    "neg": lambda a, b, c: -(a * b),
    "minimum": lambda a, b, c: num.minimum(a, b),
    "minimum_mixed": lambda a, b, c: num.minimum(a, c),
    "maximum": lambda a, b, c: num.maximum(a * c, b),
    "trunc": lambda a, b, c: num.trunc((b - a) / c),
    "floor": lambda a, b, c: num.floor((b - a) / c),
    "ceil": lambda a, b, c: num.ceil((b - a) / c),
    "round": lambda a, b, c: num.round_half_even((b - a) / 2),
    "sqrt": lambda a, b, c: num.sqrt(a * b),
    "float": lambda a, b, c: num.as_float(a * b) + 0.1,
    "where": lambda a, b, c: num.where(a < b, a, c),
    "where_int": lambda a, b, c: num.where(num.eq(a, b), a + 1, b),
}
CONDITIONS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "lt": lambda a, b, c: a < b,
    "le": lambda a, b, c: a <= c,
    "gt": lambda a, b, c: a > b,
    "ge": lambda a, b, c: a >= c,
    "eq": lambda a, b, c: num.eq(a, b),
    "both": lambda a, b, c: num.both(a < b, b >= c),
    "either": lambda a, b, c: num.either(a < b, b >= c),
    "negate": lambda a, b, c: num.negate(a < b),
}


def bits(x: Any) -> Any:
    return (type(x), math.copysign(1, x), x)


@pytest.mark.parametrize("name", [*ELEMENTWISE, *CONDITIONS])
def test_elements_are_what_python_computes(name: str) -> None:
    function = {**ELEMENTWISE, **CONDITIONS}[name]
    traced = function(H, num.table(INTS), num.table(FLOATS))
    assert traced.length == len(INTS)
    run = run_expressions([num.take(traced, i) for i in range(len(INTS))], SYMBOLS)
    for height, width in SIZES:
        expected = [function(height, b, c) for b, c in zip(INTS, FLOATS, strict=True)]
        kind = {int: int, float: float, bool: bool}[type(num.evaluate(num.take(traced, 0), {"height": height}))]
        found = num.evaluate(traced, {"height": height}).tolist()
        assert [bits(x) for x in found] == [bits(kind(x)) for x in expected]
        assert [bits(x) for x in run(height=height, width=width)] == [bits(kind(x)) for x in expected]


REDUCERS: dict[str, tuple[Callable[[Any], Any], Callable[[list[Any]], Any]]] = {
    "argmin": (num.argmin, lambda x: x.index(min(x))),
    "argmax": (num.argmax, lambda x: x.index(max(x))),
    "smallest": (num.smallest, min),
    "largest": (num.largest, max),
}


@given(table_expressions(), sides, sides, st.integers(0, 4))
@example(num.minimum(num.table(INTS), H), 2, 2, 1)
@example(num.table(INTS) * 2**40 + H % 2, 2, 2, 1)
def test_reducers_three_ways(x: num.Sym, height: int, width: int, position: int) -> None:
    values = {"height": height, "width": width}
    elements = [num.evaluate(num.take(x, i), values) for i in range(5)]
    expressions = [reduce(x) for reduce, _ in REDUCERS.values()] + [num.take(x, (H + position) % 5), num.any_of(x > 10)]
    expected = [reduce(elements) for _, reduce in REDUCERS.values()]
    expected += [elements[(height + position) % 5], any(v > 10 for v in elements)]
    found = [num.evaluate(e, values) for e in expressions]
    assert [bits(v) for v in found] == [bits(v) for v in expected]
    for e, v in zip(expressions, found, strict=True):
        assert num.kind_of(e) == num.kind_of(v)
        assert num.kind_of(e) == "bool" or num.low(e) <= v <= num.high(e)
    traced = [i for i, e in enumerate(expressions) if num.is_sym(e)]
    run = run_expressions([expressions[i] for i in traced], SYMBOLS)
    assert [bits(v) for v in run(**values)] == [bits(found[i]) for i in traced]


@given(table_expressions(), sides, sides)
def test_bounds_hold_for_every_element(x: num.Sym, height: int, width: int) -> None:
    values = num.evaluate(x, {"height": height, "width": width})
    assert values.dtype == {"int": np.int64, "float": np.float64}[x.kind]
    assert num.low(x) <= values.min()
    assert values.max() <= num.high(x)


@given(table_expressions(), sides, sides)
def test_the_text_is_python_that_gives_the_values(x: num.Sym, height: int, width: int) -> None:
    names = {"table": lambda *v: np.array(v), "trunc": lambda v: np.trunc(v).astype(int), "where": np.where, "min": np.minimum}
    found = eval(str(x), {**names, "max": np.maximum, "height": height, "width": width})
    assert np.array_equal(num.evaluate(x, {"height": height, "width": width}), found)


def test_text() -> None:
    long = tuple(range(200))
    assert str(num.take(num.table(long), num.argmin(num.table([1, 2.5]) * H))) == (
        f"take(table({', '.join(map(str, long))}), argmin(table(1.0, 2.5) * height))"
    )


# --- known numbers


def test_known_numbers_are_computed_at_once() -> None:
    x = num.minimum(num.table(INTS) * 2, 7) / 4 + num.table(FLOATS)
    assert x.op == "table"
    found = (num.argmin(x), num.argmax(x), num.smallest(x), num.largest(x), num.any_of(x > 3), num.take(x, 1))
    assert [type(v) for v in found] == [int, int, float, float, bool, float]
    assert found == (3, 2, 0.5 + 1 / 3, 225.75, True, 2.5)
    assert type(num.largest(num.table(INTS))) is int
    assert num.take(num.table(INTS), num.argmax(num.table(INTS))) == 500


def test_a_number_stands_for_equal_elements() -> None:
    assert (num.argmin(H), num.argmax(3.5)) == (0, 0)
    assert num.smallest(H) is H
    assert num.largest(2) == 2
    assert num.any_of(False) is False
    assert num.take(H, W) is H
    # A comparison that bounds decide is a plain bool, which is true of every element.
    assert num.any_of(num.table(INTS) + H > 1) is True


def test_a_table_of_one_element() -> None:
    x = num.table([5]) * H
    assert num.argmin(x) == 0
    assert num.evaluate(num.smallest(x), {"height": 3}) == 15


def test_indices_may_be_a_table() -> None:
    x = num.take(num.table(FLOATS) * H, num.table([4, 0, 0]))
    assert x.length == 3
    assert num.evaluate(x, {"height": 2}).tolist() == [4.0, 1.0, 1.0]
    run = run_expressions([num.take(x, i) for i in range(3)], SYMBOLS)
    assert run(height=2, width=1) == [4.0, 1.0, 1.0]
    assert num.take(num.table(INTS), num.table([4, 0])) == num.table([500, 3])


def test_mixed_kinds_become_floats() -> None:
    assert num.table([1, 2.5]) == num.table([1.0, 2.5])
    assert num.table([1, 2]) != num.table([1.0, 2.0])
    assert num.table([True, False]) != num.table([1, 0])
    assert [type(v) for v in num.table([1, 2.5]).args] == [float, float]


# --- refusals and identity


def test_lengths_must_agree() -> None:
    with pytest.raises(ShapeError, match=r"add: expected tables of one length, got \[2, 3\]"):
        _ = num.table([1, 2]) * H + num.table([1, 2, 3])


def test_an_empty_table_is_refused() -> None:
    with pytest.raises(ShapeError, match="expected at least one value"):
        num.table([])


def test_a_table_has_no_truth_value() -> None:
    with pytest.raises(TracedBranchError):
        bool(num.table([True]))


@given(table_expressions())
def test_copies_and_pickles_are_equal(x: num.Sym) -> None:
    for other in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert other == x
        assert other.length == x.length == 5


def test_comparing_shared_subterms_takes_no_long() -> None:
    def deep() -> Any:
        x: Any = num.table(INTS) * H
        for _ in range(60):
            x = num.maximum(x, x + 1) - x
        return x

    assert deep() == deep()
    assert list(num.symbols(deep())) == ["height"]


# --- graphs


def test_graphs_run_on_gpus() -> None:
    g = GraphBuilder("cuda", 17, 0)
    for symbol in SYMBOLS:
        g.symbol(symbol, ir.Value(name=symbol, shape=ir.Shape([1]), type=ir.TensorType(ir.DataType.INT64)))
    for x in (num.table(INTS) * H, num.table(FLOATS) / W):
        for reduced in (*(reduce(x) for reduce, _ in REDUCERS.values()), num.any_of(x < 5), num.take(x, H % 5)):
            g.num(reduced)
    for node in g.nodes:
        data = node.inputs[1 if node.op_type == "Where" else 0]
        assert data is not None
        assert g.dtype(data) in CUDA_KERNELS[node.op_type]
