"""The two tiers of the tests: what the quick one leaves out.

    pytest          the quick tier, README's second command: under three minutes on two cores
    pytest -m ""    all tests, as `.ci/run` runs them

Two marks tell the tiers apart. `slow`: a test that takes over half a second. `wide`: a row of a matrix (every class, or every row
of an op, times something) beyond the few that stand for the rest. Whatever has either mark has a quick test of its kind beside
it, so that no kind of failure is seen in `.ci/run` alone. Wide rows are not even collected in the quick tier.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import update_wrapper
from itertools import product
from operator import is_
from typing import Any, TypeVar

import pytest
from cases.every_class import FAMILIES, PIL, VARIANTS, Variant
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from graphproc.ir.backends import BACKENDS
from graphproc.processors.registry import family, lookup

T = TypeVar("T")

QUICK = "not wide and not slow"
"""The expression of marks that pyproject.toml gives pytest where the command line has no `-m`."""

LARGE = ("DonutImageProcessor", "Owlv2ImageProcessor")
"""Classes with defaults that make images of about a million pixels and more."""

STANDARD = "CLIPImageProcessor"
"""The class that stands for those of the standard steps alone."""

_everything = False


def choose(expression: str) -> None:
    """Choose the tier by pytest's `-m`; `conftest.py` calls this before any test is collected."""
    global _everything
    _everything = expression != QUICK
    load_profiles()


def everything() -> bool:
    """Tell whether this run has all tests."""
    return _everything


def load_profiles() -> None:
    """Set how many examples hypothesis tries. `--hypothesis-profile thorough` tries many more, with new seeds on each run."""
    for name, examples in (("quick", 10), ("everything", 30)):
        hypothesis_settings.register_profile(name, max_examples=examples, deadline=None, derandomize=True, database=None)
    calm = [HealthCheck.too_slow, HealthCheck.data_too_large]
    hypothesis_settings.register_profile("thorough", max_examples=1000, deadline=None, suppress_health_check=calm)
    hypothesis_settings.load_profile("everything" if everything() else "quick")


def rows(every: Iterable[T], few: Collection[T]) -> list[Any]:
    """Return the rows of a matrix for `parametrize`: in the quick tier those among `few`, else all, the others marked `wide`.

    A row that is a tuple has a value for each argument of the test.
    """
    chosen = [spec for spec in every if everything() or spec in few]
    return [spec if spec in few else _wide(spec) for spec in chosen]


def _wide(spec: Any) -> Any:
    return pytest.param(*(spec if type(spec) is tuple else (spec,)), marks=pytest.mark.wide)


def each(names: str, every: Iterable[Any], few: Collection[Any] | None = None) -> Callable[[Callable[..., None]], Any]:
    """Make one test of a matrix of cheap rows, which a test of its own each would cost more than what they test.

    Args:
        names: the arguments that a row gives values to: `"name"`, or `"name, backend"`.
        every: the rows. All are tried, and a failure shows each that fails.
        few: the rows that the quick tier has; None for all.
    """
    arguments = [name.strip() for name in names.split(",")]
    chosen = [row for row in every if few is None or everything() or row in few]

    def decorated(test: Callable[..., None]) -> Any:
        def rows(**fixtures: Any) -> None:
            values = ((row, row if len(arguments) > 1 else (row,)) for row in chosen)
            tried = [(row, _error(test, {**dict(zip(arguments, given, strict=True)), **fixtures})) for row, given in values]
            if failed := [(row, error) for row, error in tried if error is not None]:
                shown = "\n".join(f"{row}: {type(error).__name__}: {error}" for row, error in failed)
                raise AssertionError(f"{len(failed)} of {len(chosen)} rows failed:\n{shown}") from failed[0][1]

        signature = inspect.signature(test)
        others = [parameter for name, parameter in signature.parameters.items() if name not in arguments]
        update_wrapper(rows, test)
        del rows.__wrapped__  # type: ignore[attr-defined]  # pytest would ask for the arguments of the test itself
        rows.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]
        return rows

    return decorated


def _error(test: Callable[..., None], given: Mapping[str, Any]) -> Exception | None:
    try:
        test(**given)
    except pytest.skip.Exception:
        pass
    except Exception as error:
        return error
    return None


def crossed(*axes: tuple[str, Iterable[Any] | Mapping[str, Any]]) -> pytest.MarkDecorator:
    """Parametrize a test with all combinations of several axes: in the quick tier with each value of each axis alone.

    Args:
        *axes: the arguments that an axis gives values to (`"name"`, or `"form, library"`), and its values; those of a
            mapping, with its keys as ids. Values may be `pytest.param`s, as `rows` returns them.
    """
    sides = [[_param(names, label, value) for label, value in _labelled(values)] for names, values in axes]
    plain = [[one for one in side if not any(mark.name == "wide" for mark in one.marks)] for side in sides]
    few = [tuple(side[turn % len(side)] for side in plain) for turn in range(max(map(len, plain)))]
    combined = []
    for combination in product(*sides):
        if (chosen := any(all(map(is_, combination, other)) for other in few)) or everything():
            marks = [mark for one in combination for mark in one.marks] + [pytest.mark.wide] * (not chosen)
            values = [value for one in combination for value in one.values]
            combined.append(pytest.param(*values, marks=marks, id="-".join(one.id for one in combination)))
    return pytest.mark.parametrize([name.strip() for names, _ in axes for name in names.split(",")], combined)


def _labelled(values: Iterable[Any] | Mapping[str, Any]) -> Iterable[tuple[str | None, Any]]:
    return values.items() if isinstance(values, Mapping) else ((None, value) for value in values)


def _param(names: str, label: str | None, value: Any) -> Any:
    """Return a value, or a tuple of values for several arguments, as a `pytest.param` with an id."""
    param = value if hasattr(value, "marks") else pytest.param(*(value if "," in names else (value,)))
    shown = [getattr(one, "__name__", None) or str(one) for one in param.values]
    return pytest.param(*param.values, marks=param.marks, id=label or param.id or "-".join(shown))


def classes(every: Iterable[Variant] = VARIANTS) -> list[Any]:
    """Return the programs of every class, or of one class of each family and two with Pillow's resizes."""
    return rows(every, (*FAMILIES, *PIL[:2]))


def names(every: Sequence[str]) -> list[Any]:
    """Return the names of all classes, or of the first class of each family."""
    return rows(every, firsts(every))


def firsts(names: Iterable[str]) -> Collection[str]:
    """Return the first class of each family."""
    return {family(name): name for name in reversed(list(names))}.values()


def settings(labels: Mapping[tuple[str, str], Sequence[str]], own: Mapping[str, Sequence[str]]) -> list[Any]:
    """Return a class, a backend and the label of settings in each row: all `labels` of every class and backend, or a few.

    The few are all of the plain class CLIP in its default backend, and of the first class of each family in its default backend
    the defaults, unless these make `LARGE` images, and every eighth of its `own`; of every second one also the other backend's
    defaults.
    """
    few = {(STANDARD, BACKENDS[0], label) for label in labels[STANDARD, BACKENDS[0]]}
    for backend in BACKENDS:
        for number, name in enumerate(firsts(n for n, b in labels if b == backend)):
            at_home = lookup(name).backends[0] == backend
            few |= {(name, backend, "default")} if name not in LARGE and (at_home or number % 2 == 0) else set()
            few |= {(name, backend, label) for label in own[name][::8] if at_home}
    return rows([(*row, label) for row in labels for label in labels[row]], few)


def images(every: Sequence[T]) -> Sequence[T]:
    """Return the images or sizes that one test goes through: all, or the first three."""
    return every if everything() else every[:3]


def forms(every: Sequence[T], few: Sequence[T]) -> Sequence[T]:
    """Return the forms of a graph that one test goes through: all, or a few."""
    return every if everything() else few


def tries(every: int, few: int) -> int:
    """Return how many random cases one test goes through."""
    return every if everything() else few
