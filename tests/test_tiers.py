"""The quick tier has what it says: rows of each kind."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import tiers


def rows_of(decorator: Any) -> list[tuple[tuple[Any, ...], str, list[str]]]:
    """Return the rows of a `parametrize`: values, id, names of marks."""
    return [(row.values, row.id, [mark.name for mark in row.marks]) for row in decorator.mark.args[1]]


@pytest.mark.parametrize("everything", [False, True])
def test_crossed_axes_have_each_value_in_the_quick_tier(everything: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers, "_everything", everything)
    slow = pytest.param(3, marks=pytest.mark.slow, id="three")
    decorator = tiers.crossed(("a, b", [(1, 2), (3, 4)]), ("c", {"first": {}, "second": {"x": 1}}), ("d", [1, 2, slow]))
    assert decorator.mark.args[0] == ["a", "b", "c", "d"]
    rows = rows_of(decorator)
    quick = [(values, id, marks) for values, id, marks in rows if "wide" not in marks]
    assert quick == [
        ((1, 2, {}, 1), "1-2-first-1", []),
        ((1, 2, {}, 3), "1-2-first-three", ["slow"]),
        ((3, 4, {"x": 1}, 2), "3-4-second-2", []),
    ]
    assert len(rows) == (12 if everything else 3)


def test_crossed_axes_leave_wide_values_to_all_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers, "_everything", True)
    rows = rows_of(tiers.crossed(("a", tiers.rows("xyz", "xz")), ("b", [1, 2])))
    assert [values for values, _, marks in rows if not marks] == [("x", 1), ("z", 2)]
    assert len(rows) == 6


def test_rows_of_one_test_are_all_tried_and_each_failure_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiers, "_everything", False)
    tried: list[tuple[int, str, str]] = []

    def test(a: int, folder: str, b: str) -> None:
        """Look at a row."""
        tried.append((a, folder, b))
        if a == 2:
            pytest.skip("not this one")
        assert a != 3, "three"

    rows = [(1, "x"), (2, "x"), (3, "y"), (4, "z"), (5, "z")]
    made = tiers.each("a, b", rows, rows[:4])(test)
    assert [*inspect.signature(made).parameters] == ["folder"]
    assert (made.__name__, made.__doc__) == ("test", "Look at a row.")
    with pytest.raises(AssertionError, match=r"^1 of 4 rows failed:\n\(3, 'y'\): AssertionError: three") as caught:
        made(folder="here")
    assert caught.value.__cause__ is not None
    assert tried == [(a, "here", b) for a, b in rows[:4]]
    tiers.each("a, b", rows[:2])(test)(folder="there")
    assert len(tried) == 6
