"""Size functions as steps: what has a name, in which order, what is checked, and what is refused."""

from __future__ import annotations

import pytest
from support.size_functions import H, W, of_classes

from graphproc.emitters.source.assignments import (
    EXACT,
    IMPOSSIBLE,
    LIMIT,
    TOO_LARGE,
    Assign,
    Body,
    Loop,
    Names,
    Require,
    elements,
    flatten,
)
from graphproc.errors import EmitError, ProgramError
from graphproc.sizes import num
from graphproc.sizes.function import SizeFunction
from graphproc.sizes.num import Num


def body(*results: Num, **options: object) -> Body:
    return flatten(SizeFunction("f", ("height", "width"), {"value": tuple(results)}), **options)  # type: ignore[arg-type]


def names(found: Body) -> list[str]:
    return [found.names[step.value] for step in found.steps if isinstance(step, Assign)]


def test_a_subterm_that_is_used_twice_is_one_assignment() -> None:
    once = num.maximum(H // 2, W)
    assert names(body(once + 1)) == []
    assert [str(step.value) for step in body(once + 1, once + 2).steps if isinstance(step, Assign)] == [str(once)]


def test_long_statements_are_cut() -> None:
    x: Num = H
    for i in range(20):
        x = num.maximum(x // 2, W + i)
    found = body(x)
    assert 2 <= len(names(found)) <= 10
    assert len(set(names(found))) == len(names(found))


def test_names_follow_results_and_operations() -> None:
    height, width = num.maximum(H, 9), H * W
    results = {"resized": (height, width), "shape": (1, height, width), "count": width // 3, "more": width // 3 + height}
    found = flatten(SizeFunction("f", ("height", "width"), results))
    assert names(found) == ["resized_0", "resized_1", "count"]
    assert Names({"a"}).new("a") == "a_2"
    assert [Names().new(name) for name in ("7 up", "", "b-c")] == ["n7_up", "n", "b_c"]


def test_elements_of_one_length_are_one_loop_until_a_table_must_be_whole() -> None:
    table = num.table([3, 1, 2])
    first, second = table * H, table % W
    best = num.where(num.eq(first, num.largest(first)), second, 0)
    found = body(num.take(table, num.argmax(best)), num.argmin(second))
    shape = [(type(step).__name__, len(step.steps) if isinstance(step, Loop) else 0) for step in found.steps]
    assert shape == [("Loop", 2), ("Assign", 0), ("Loop", 1)]
    assert {found.names[x] for x in found.kept} == {"product", "remainder", "choice"}
    assert [found.names[x] for x in found.tables] == ["table"]


def test_preconditions_come_first_and_in_order() -> None:
    conditions = ((H <= 20 * W, "too tall"), (10 // num.maximum(W - 3, 0) < 5, "second"))
    steps = flatten(SizeFunction("f", ("height", "width"), {"value": H * 2}, conditions)).steps
    assert [step.message for step in steps if isinstance(step, Require)] == ["too tall", IMPOSSIBLE, "second"]


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (H * W * 10**9, TOO_LARGE),
        (num.trunc(H * 1e16), TOO_LARGE),
        (H * W * 10**6 / W, TOO_LARGE),  # both ints, which Python divides with one rounding
        (H // (W - 5), IMPOSSIBLE),
        (num.sqrt(H - W), IMPOSSIBLE),
    ],
)
def test_what_bounds_do_not_prove_is_checked(x: Num, message: str) -> None:
    assert message in [step.message for step in body(x).steps if isinstance(step, Require)]
    assert not [step for step in body(x, limit=None).steps if isinstance(step, Require)], "Python needs no checks"


@pytest.mark.parametrize("x", [H * W * 10**3, num.trunc(H * 1e9), H / W, H // (W + 5), num.sqrt(H * W), H % num.maximum(W, 7)])
def test_what_bounds_prove_is_not_checked(x: Num) -> None:
    assert not [step for step in body(x).steps if isinstance(step, Require)]


@pytest.mark.slow
def test_most_classes_need_no_checks() -> None:
    """Checks are for rules of three and more factors; a weaker proof would need them everywhere."""
    bodies = [flatten(function) for function in of_classes()]
    flat = [[s for step in found.steps for s in (step.steps if isinstance(step, Loop) else (step,))] for found in bodies]
    checked = [any(isinstance(s, Require) and s.message in (TOO_LARGE, IMPOSSIBLE) for s in steps) for steps in flat]
    assert 0 < sum(checked) < len(checked) / 4
    assert all(argument.high == LIMIT for found in bodies for argument in found.arguments)


def test_results_are_exact_in_float64() -> None:
    found = body(H * W * 10**4)
    assert not found.within(next(iter(elements(found.function.results["value"]))), EXACT)
    assert [step.message for step in found.steps if isinstance(step, Require)] == [TOO_LARGE]


def test_refusals() -> None:
    with pytest.raises(ProgramError, match=r"f: always\. No image is taken"):
        flatten(SizeFunction("f", ("height",), {"value": H}, ((False, "always."),)))
    with pytest.raises(EmitError, match="pixels decide all numbers"):
        flatten(SizeFunction("f", ("height",), {}))
