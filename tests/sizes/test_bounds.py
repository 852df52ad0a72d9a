"""Bounds of expressions for sides up to a limit, and the table of operations that they and texts are read by."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.strategies import expressions, table_expressions

from graphproc.emitters.source.assignments import in_order
from graphproc.sizes import evaluation, num, tables
from graphproc.sizes.bounds import bounds
from graphproc.sizes.operations import OPERATIONS

LIMIT = 3000
H, W = num.symbol("height"), num.symbol("width")
sides = st.one_of(st.sampled_from((1, 2, LIMIT - 1, LIMIT)), st.integers(1, LIMIT))


@given(st.one_of(expressions(12), table_expressions()), sides, sides)
def test_bounds_hold_and_are_closer(x: num.Num, height: int, width: int) -> None:
    every = list(in_order([x]))
    memo: dict[num.Sym, object] = {}
    for y, (low, high) in bounds(every, LIMIT).items():
        value = num.evaluate(y, {"height": height, "width": width}, memo)
        assert low <= np.min(value)
        assert np.max(value) <= high
        assert y.low <= low <= high <= y.high


def test_a_limit_bounds_products_and_quotients() -> None:
    product, ratio = H * W * 7, H / W
    found = bounds(list(in_order([product, ratio])), 100)
    assert found[product] == (7, 70000)  # type: ignore[index]
    low, high = found[ratio]  # type: ignore[index]
    assert 0 < low <= 0.01
    assert 100 <= high < 100.1


def test_every_operation_has_its_function() -> None:
    assert set(OPERATIONS) == {*evaluation.COMPUTE, *tables.COMPUTE}
