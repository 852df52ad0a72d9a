"""Many sizes at once give what `evaluate` gives for each."""

from __future__ import annotations

import numpy as np
import pytest
import tiers
from cases.every_class import Variant, program

from graphproc.kits.questions import subterms
from graphproc.processors.registry import specs
from graphproc.sizes import num
from graphproc.sizes.many import evaluate_many

SIZES = [(1, 1), (1, 200), (17, 31), (31, 17), (224, 224), (300, 451), (640, 2), (1000, 3000), (64, 63), (5, 3)]


@pytest.mark.parametrize("name", tiers.names(list(specs())))
def test_every_expression_of_every_class(name: str) -> None:
    variant = Variant(name)
    found = program(variant)
    terms = subterms(found)
    values = {
        key: np.array([size[key.endswith("width")] for size in SIZES]) for key in found.symbols if not key.endswith("count")
    }
    many = evaluate_many(terms, values)
    wanted = [x for x in terms if set(num.symbols(x)) <= set(values)]
    assert set(wanted) <= set(many)
    for place in range(len(SIZES)):
        memo: dict[num.Sym, object] = {}
        for x in wanted:
            try:
                one = num.evaluate(x, {key: int(rows[place]) for key, rows in values.items()}, memo)
            except (ZeroDivisionError, OverflowError, ValueError):
                continue  # of sizes that a precondition refuses
            row = many[x][place if len(many[x]) > 1 else 0]
            assert np.array_equal(row, np.atleast_1d(one)), x


def test_tables_and_choices() -> None:
    x, y = num.symbol("x"), num.symbol("y", 0)
    scores = num.table([3, 1, 4, 1]) * x - y
    terms = [scores, num.argmin(scores), num.argmax(scores), num.take(num.table([10, 20, 30, 40]), num.argmin(scores))]
    terms += [num.smallest(scores), num.largest(scores), num.any_of(scores < 0), num.where(x < y, scores, -1)]
    values = {"x": np.array([1, 2, 5]), "y": np.array([0, 7, 4])}
    many = evaluate_many(terms, values)
    for place in range(3):
        for term in terms:
            assert np.array_equal(
                many[term][place], np.atleast_1d(num.evaluate(term, {k: int(v[place]) for k, v in values.items()}))
            )


def test_other_symbols_are_left_out() -> None:
    x, z = num.symbol("x"), num.symbol("z")
    found = evaluate_many([x + 1, x + z], {"x": np.array([1, 2])})
    assert (x + 1) in found
    assert (x + z) not in found
    assert z not in found
