"""Functions made of expressions: what they compute is what `evaluate` computes, in its types."""

from __future__ import annotations

import inspect
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import SYMBOLS, conditions, expressions, sides, table_expressions

from graphproc.sizes import num
from graphproc.sizes.generated import generated

H, W = num.symbol("height"), num.symbol("width")


def same(found: Any, wanted: Any) -> None:
    assert type(found) is type(wanted)
    assert found == wanted or (math.isnan(found) and math.isnan(wanted))


@given(st.lists(expressions(12), min_size=1, max_size=4), sides, sides)
def test_numbers(results: list[num.Num], height: int, width: int) -> None:
    values = {"height": height, "width": width}
    found = generated(SYMBOLS, [], [*results, tuple(results)])(height, width)
    assert found is not None
    for one, other, expression in zip(found, found[-1], results, strict=False):
        same(one, num.evaluate(expression, values))
        same(other, one)


@given(table_expressions(), sides, sides)
def test_tables(table: num.Sym, height: int, width: int) -> None:
    index = num.argmin(table)
    results = [index, num.argmax(table), num.smallest(table), num.largest(table), num.any_of(table < 1), num.take(table, index)]
    results += [num.smallest(f(table)) for f in (num.floor, num.ceil, num.round_half_even, num.as_float, num.trunc)]
    results += [num.smallest(num.take(num.table([3, 1, 2]), num.table([2, 2, 0]) * num.minimum(H, 1)))]
    results += [num.smallest(num.to_float32(num.minimum(table, 1e30))), num.smallest(num.sqrt(num.maximum(table, 0)))]
    results += [num.take(num.table([5, 7]), num.minimum(H, 2) - 1), num.any_of(num.both(table < 3, num.negate(table < W)))]
    results += [num.any_of(num.either(num.eq(table, 2), table <= H)), num.largest(num.where(table < W, table, 0.5) % 7)]
    found = generated(SYMBOLS, [], results)(height, width)
    assert found is not None
    for one, expression in zip(found, results, strict=True):
        same(one, num.evaluate(expression, {"height": height, "width": width}))


@given(st.lists(conditions(expressions()), max_size=3), sides, sides)
def test_conditions(holds: list[num.Bool], height: int, width: int) -> None:
    values = {"height": height, "width": width}
    found = generated(SYMBOLS, holds, [1, None])(height, width)
    assert found == ((1, None) if all(num.evaluate(one, values) for one in holds) else None)


def test_conditions_come_before_what_fails_without_them() -> None:
    function = generated(SYMBOLS, [H >= 2, 5 // (H - 1) >= 1], [10 // (H - 1)])
    assert function(1, 1) is None
    assert function(3, 1) == (5,)


def test_constants_of_every_kind() -> None:
    infinite = num.where(H < 3, math.inf, num.as_float(H))
    assert generated(SYMBOLS, [], [infinite, -3, 0.1, True, (), (H, None)])(1, 9) == (math.inf, -3, 0.1, True, (), (1, None))


def test_names_of_strangers_are_no_code() -> None:
    evil = num.symbol("__import__('os').abort()")
    function = generated(("__import__('os').abort()",), [], [evil + 1])
    assert function(2) == (3,)
    assert list(inspect.signature(function).parameters) == ["a0"]


def test_expressions_are_as_deep_as_they_like() -> None:
    deep: num.Num = H
    for _ in range(5000):
        deep = deep % 1000 + W
    assert generated(SYMBOLS, [], [deep])(3, 4) == (_deep(3, 4),)


def _deep(height: int, width: int) -> int:
    for _ in range(5000):
        height = height % 1000 + width
    return height


def test_another_symbol_is_an_error() -> None:
    with pytest.raises(KeyError, match="depth"):
        generated(SYMBOLS, [], [num.symbol("depth")])
