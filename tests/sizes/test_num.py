"""Traced size arithmetic: the same values as Python, as an expression and in ONNX Runtime; bounds; text; refusals."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from support.graphs import run_expressions
from support.strategies import SYMBOLS, conditions, expressions, sides

from graphproc.errors import EmitError, TracedBranchError
from graphproc.sizes import evaluation, num, text

H, W = num.symbol("height"), num.symbol("width")
EXACT = 2**53
"""Whole numbers below this are exact in float64, as size arithmetic in graphs needs."""


def values_inside(x: Any, **values: int) -> Any:
    """Return the value of an expression, for examples in which every subterm is well within int64 and exact in float64."""
    memo: dict[num.Sym, Any] = {}
    result = num.evaluate(x, values, memo)
    assume(all(abs(v) < EXACT for v in memo.values()))
    return result


# --- three ways to compute one thing


@given(expressions(), sides, sides)
def test_evaluate_equals_onnx_runtime(x: num.Num, height: int, width: int) -> None:
    assume(num.is_sym(x))
    expected = values_inside(x, height=height, width=width)
    (found,) = run_expressions([x], SYMBOLS)(height=height, width=width)
    assert found == expected


@given(conditions(expressions(4)), sides, sides)
def test_conditions_equal_onnx_runtime(x: num.Bool, height: int, width: int) -> None:
    assume(num.is_sym(x))
    expected = values_inside(x, height=height, width=width)
    (found,) = run_expressions([x], SYMBOLS)(height=height, width=width)
    assert found is bool(expected)


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "truediv": lambda a, b: a / b,
    "floordiv": lambda a, b: a // b,
    "mod": lambda a, b: a % b,
    "minimum": num.minimum,
    "maximum": num.maximum,
    "where": lambda a, b: num.where(a < b, a, b),
    "trunc": lambda a, b: num.trunc(-a / b),
    "floor": lambda a, b: num.floor(-a / b),
    "ceil": lambda a, b: num.ceil(-a / b),
    "round": lambda a, b: num.round_half_even(a / 2 - b),
    "sqrt": lambda a, b: num.sqrt(a * b),
    "float": lambda a, b: num.as_float(a) + 0.1,
    "to_float32": lambda a, b: num.to_float32(a / b),
    "single of an int": lambda a, b: num.to_float32(a * 1000003 + b),
    "neg": lambda a, b: -a + b,
}
CONDITIONS: dict[str, Callable[[Any, Any], Any]] = {
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "eq": num.eq,
    "both": lambda a, b: num.both(a < b, a >= 2),
    "either": lambda a, b: num.either(a < b, a >= 2),
    "negate": lambda a, b: num.negate(a < b),
}


@pytest.mark.parametrize("name", [*OPERATIONS, *CONDITIONS])
def test_each_operation_on_ints_as_an_expression_and_in_onnx_runtime(name: str) -> None:
    function = {**OPERATIONS, **CONDITIONS}[name]
    traced = function(H, W)
    run = run_expressions([traced], SYMBOLS)
    for height, width in ((1, 1), (1, 2), (2, 1), (3, 7), (7, 3), (480, 640), (641, 480), (9000, 8999)):
        expected = function(height, width)
        assert type(expected) in (int, float, bool)
        evaluated = num.evaluate(traced, {"height": height, "width": width})
        assert (evaluated, type(evaluated)) == (expected, type(expected))
        assert run(height=height, width=width) == [expected]


@pytest.mark.parametrize("divisor", [-7, -2, -1, 1, 2, 7])
def test_int_division_rounds_down_for_every_sign(divisor: int) -> None:
    x = H - W
    run = run_expressions([x // divisor, x % divisor], SYMBOLS)
    for height in range(1, 18):
        assert run(height=height, width=9) == [(height - 9) // divisor, (height - 9) % divisor]


def test_reflected_operators() -> None:
    found = [10 + H, 10 - H, 10 * H, 10 / H, 10 // H, 10 % H, 2.5 - H]
    assert [num.evaluate(x, {"height": 4}) for x in found] == [14, 6, 40, 2.5, 2, 2, -1.5]


def test_logical_operators() -> None:
    a, b = H < 3, W < 3
    for height in (2, 4):
        for width in (2, 4):
            values = {"height": height, "width": width}
            found = [num.evaluate(x, values) for x in (a & b, a | b, ~a, True & a, False | a)]
            assert found == [height < 3 and width < 3, height < 3 or width < 3, height >= 3, height < 3, height < 3]


def test_round_half_even_is_pythons() -> None:
    halves = num.round_half_even(H / 2)
    assert [num.evaluate(halves, {"height": h}) for h in range(1, 8)] == [0, 1, 2, 2, 2, 3, 4]


@pytest.mark.parametrize("make", [lambda: num.as_float(H) // 0.1, lambda: num.as_float(H) % 0.3], ids=["floordiv", "mod"])
def test_float_division_with_remainder_has_no_onnx_form(make: Callable[[], num.Num]) -> None:
    """Python's comes from an exact remainder: `1.0 // 0.1` is 9, but `floor(1.0 / 0.1)` is 10."""
    with pytest.raises(EmitError, match="has no ONNX form"):
        run_expressions([make()], SYMBOLS)


# --- bounds


@given(expressions(12), sides, sides)
@example(H - W, 1, 9000)
@example((num.as_float(H) + 0.1) * 3.0, 1, 1)
def test_bounds_hold(x: num.Num, height: int, width: int) -> None:
    value = values_inside(x, height=height, width=width)
    assert num.low(x) <= value <= num.high(x)


@pytest.mark.parametrize("divisor", [0.1, 0.3, 1.1])
def test_bounds_of_float_floor_division_hold(divisor: float) -> None:
    x = num.as_float(H) // divisor
    for height in range(1, 40):
        assert num.low(x) <= num.evaluate(x, {"height": height}) <= num.high(x)


def test_decided_comparisons_disappear() -> None:
    assert (H >= 1) is True
    assert (H < 1) is False
    assert (H + 3 > 2) is True
    assert num.eq(H, 0) is False
    assert num.eq(H, H) is True
    assert num.minimum(H, 1) == 1
    assert num.maximum(H, 1) is H
    assert num.maximum(224, num.minimum(H, 224)) == 224


def test_undecided_comparisons_stay() -> None:
    for condition in (H > 1, W >= H, num.eq(H, 1), H * 2 < W):
        assert num.is_sym(condition)
        assert num.kind_of(condition) == "bool"


def test_trivial_arithmetic_disappears() -> None:
    assert H + 0 is H
    assert 0 + H is H
    assert H - 0 is H
    assert H * 1 is H
    assert 1 * H is H
    assert H // 1 is H
    assert H - H == 0
    assert num.where(True, H, W) is H
    assert num.where(H < W, H, H) is H
    assert num.trunc(H) is H


def test_what_is_known_of_a_number_makes_it_no_other() -> None:
    height = num.symbol("height", 0)
    larger = num.assume_at_least(height - 5, 1)
    assert larger == height - 5
    assert (num.low(larger), num.low(num.assume_at_least(height, -3)), num.assume_at_least(7, 9)) == (1, 0, 7)


def test_a_decided_minimum_keeps_the_kind() -> None:
    assert num.kind_of(num.minimum(H, 0.5)) == "float"
    assert num.kind_of(num.maximum(H, 0.5)) == "float"
    assert type(num.maximum(3, 2.0)) is float


# --- refusals, identity, text


@pytest.mark.parametrize("use", [bool, lambda c: 1 if c else 2, lambda c: c and True, lambda c: not c])
def test_branching_is_refused(use: Callable[[Any], Any]) -> None:
    with pytest.raises(TracedBranchError, match=r"branched on the traced value `height < width`: write num\.where"):
        use(H < W)


def test_chained_comparison_is_refused() -> None:
    with pytest.raises(TracedBranchError):
        _ = 1 < H < 5


def test_known_refuses_expressions() -> None:
    assert num.known(3) == 3
    with pytest.raises(TracedBranchError, match="bind the program's sizes first"):
        num.known(H)


def test_immutable() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        H.low = 0
    with pytest.raises(AttributeError):
        H.extra = 0  # type: ignore[attr-defined]


def test_equal_expressions_are_equal_and_hash_alike() -> None:
    a, b = num.trunc(224 * H / W), num.trunc(224 * num.symbol("height") / num.symbol("width"))
    assert a == b
    assert hash(a) == hash(b)
    assert len({a, b}) == 1


@pytest.mark.parametrize(
    ("a", "b"),
    [(H + 2, H + 3), (H + W, W + H), (H + 1, H + 1.0), (H + 2, H - 2), (H, W), (num.floor(H / 2), num.ceil(H / 2))],
    ids=str,
)
def test_different_expressions_differ(a: num.Num, b: num.Num) -> None:
    assert a != b
    assert len({a, b}) == 2


def test_a_sym_is_no_number() -> None:
    assert H != 1
    assert H != "height"
    assert (H == None) is False  # noqa: E711


@given(expressions())
def test_copies_and_pickles_are_equal(x: num.Num) -> None:
    for other in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert other == x
        assert (num.low(other), num.high(other)) == (num.low(x), num.high(x))


FUNCTIONS = {
    "trunc": int,
    "floor": math.floor,
    "ceil": math.ceil,
    "sqrt": math.sqrt,
    "negate": lambda a: not a,
    "to_float32": lambda x: float(np.float32(x)),
    "where": lambda condition, a, b: a if condition else b,
}
"""The functions in an expression's text that Python has no name for; `not` is a keyword there, so the test calls it `negate`."""


def test_every_function_in_a_text_can_be_evaluated() -> None:
    """A random expression seldom has the rare ones."""
    for op in evaluation.COMPUTE:
        if not set(str(num.Sym(op, (H, W), "int")).split()) & set(text.BINDING):  # no sign, so a function
            assert op in {*FUNCTIONS, "not", "round", "min", "max", "float"}


@given(expressions(), sides, sides)
def test_the_text_is_python_that_gives_the_value(x: num.Num, height: int, width: int) -> None:
    """Precedence and brackets are right when Python reads the text back to the same value."""
    expected = values_inside(x, height=height, width=width)
    written = str(x).replace("not(", "negate(")
    assert eval(written, {**FUNCTIONS, "height": height, "width": width}) == expected


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (num.maximum(224, num.trunc(224 * H / W)), "max(224, trunc(224 * height / width))"),
        ((H - 224) // 2, "(height - 224) // 2"),
        (H - (W - 1), "height - (width - 1)"),
        (H * (W // 2), "height * (width // 2)"),
        (num.both(H < W, num.either(W <= 3, num.eq(H, 5))), "height < width and (width <= 3 or height == 5)"),
    ],
)
def test_text(x: num.Sym, text: str) -> None:
    assert str(x) == text
    assert repr(x) == f"Sym({text})"


@given(st.lists(expressions(), max_size=3))
def test_symbols_are_those_in_the_text(many: list[num.Num]) -> None:
    for x in many:
        assert set(num.symbols(x)) == {name for name in SYMBOLS if name in str(x)}


def test_a_missing_symbol_is_named() -> None:
    with pytest.raises(KeyError, match="width"):
        num.evaluate(H + W, {"height": 1})


def test_a_memo_shares_subterms() -> None:
    memo: dict[num.Sym, Any] = {}
    shared = num.trunc(H / 2)
    assert num.evaluate(shared + 1, {"height": 9}, memo) == 5
    assert memo[shared] == 4
    memo[shared] = 100
    assert num.evaluate(shared + 2, {"height": 9}, memo) == 102
