"""Join registration refuses half a join."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from graphproc.errors import ProgramError
from graphproc.ir.join import Join, join, registered_joins
from graphproc.joins import Stack

DOC = "Does nothing.\n\nShapes: any.\nDtypes: any.\nExample: none.\n"
NAMES = ("check", "numpy", "numpy_shape", "batch", "loop", "shape", "split")
RULES: dict[str, Any] = {rule: lambda self, *given: None for rule in NAMES}


def make(doc: str = DOC, **members: Any) -> type[Join]:
    """Return a join class that is not registered yet."""
    return dataclass(frozen=True)(type("Nothing", (Join,), {"__doc__": doc, **members}))


@pytest.mark.parametrize("rule", RULES)
def test_a_missing_rule_is_refused(rule: str) -> None:
    rest = {name: function for name, function in RULES.items() if name != rule}
    with pytest.raises(ProgramError, match=f"join 'nothing': expected the rules {', '.join(RULES)}, found no {rule}"):
        join("nothing")(make(**rest))
    assert "nothing" not in registered_joins()


@pytest.mark.parametrize("heading", ["Shapes:", "Dtypes:", "Example:"])
def test_a_missing_heading_is_refused(heading: str) -> None:
    with pytest.raises(ProgramError, match=f"join 'nothing': its docstring lacks {heading}"):
        join("nothing")(make(DOC.replace(heading, ""), **RULES))


def test_a_taken_name_is_refused() -> None:
    with pytest.raises(ProgramError, match="join 'stack': the name is already taken by Stack"):
        join("stack")(make(**RULES))
    assert registered_joins()["stack"] is Stack


def test_a_whole_join_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphproc.ir.join._JOINS", registered_joins())
    cls = join("nothing")(make(**RULES))
    assert (cls.name, registered_joins()["nothing"]) == ("nothing", cls)


@pytest.mark.parametrize("name", sorted(registered_joins()))
def test_joins_are_named_after_their_class(name: str) -> None:
    assert registered_joins()[name].__name__ == "".join(word.capitalize() for word in name.split("_"))
