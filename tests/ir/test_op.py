"""Op registration refuses half an op, and binding evaluates every field."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from graphproc.errors import ProgramError, ShapeError
from graphproc.ir.op import Op, op, registered_ops, require_dtype, require_layout
from graphproc.ir.types import TensorType
from graphproc.ops import CenterCrop, Normalize, Resize
from graphproc.sizes import num

H, W = num.symbol("height"), num.symbol("width")
DOC = "Does nothing.\n\nShapes: any.\nDtypes: any.\nRounding: none.\nSource: none.\n"
RULES: dict[str, Any] = {
    "infer": lambda self, x: x,
    "numpy": lambda self, x: x,
    "onnx": lambda self, g, x: x,
}


def make(doc: str | None = DOC, **members: Any) -> type[Op]:
    """Return an op class that is not registered yet."""
    return dataclass(frozen=True)(type("Nothing", (Op,), {"__doc__": doc, **members}))


@pytest.mark.parametrize("rule", RULES)
def test_a_missing_rule_is_refused(rule: str) -> None:
    rest = {name: function for name, function in RULES.items() if name != rule}
    with pytest.raises(ProgramError, match=f"op 'nothing': expected the rules infer, numpy, onnx, found no {rule}"):
        op("nothing")(make(**rest))
    assert "nothing" not in registered_ops()


@pytest.mark.parametrize("heading", ["Shapes:", "Dtypes:", "Rounding:", "Source:"])
def test_a_missing_heading_is_refused(heading: str) -> None:
    with pytest.raises(ProgramError, match=f"op 'nothing': its docstring lacks {heading}"):
        op("nothing")(make(DOC.replace(heading, ""), **RULES))
    assert "nothing" not in registered_ops()


def test_a_taken_name_is_refused() -> None:
    with pytest.raises(ProgramError, match="op 'resize': the name is already taken by Resize"):
        op("resize")(make(**RULES))
    assert registered_ops()["resize"] is Resize


def test_a_whole_op_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphproc.ir.op._OPS", registered_ops())
    cls = op("nothing")(make(**RULES))
    assert cls.name == "nothing"
    assert registered_ops()["nothing"] is cls


def test_stripped_docstrings_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -OO` drops docstrings."""
    monkeypatch.setattr("graphproc.ir.op._OPS", registered_ops())
    cls = make(**RULES)
    cls.__doc__ = None
    assert op("nothing")(cls) is cls


def test_the_registry_cannot_be_changed_from_outside() -> None:
    registered_ops().clear()
    assert "resize" in registered_ops()


@pytest.mark.parametrize("name", sorted(registered_ops()))
def test_ops_are_frozen_dataclasses_named_after_their_class(name: str) -> None:
    cls = registered_ops()[name]
    words = "".join(word.capitalize() for word in name.split("_"))
    assert cls.__name__ == words
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        object.__new__(cls).extra = 1  # type: ignore[attr-defined]


def test_bind_evaluates_fields_and_tuples() -> None:
    traced = Resize(H * 2, W, "bicubic", window=(0, W // 2, H, 1))
    bound = traced.bind({"height": 5, "width": 7})
    assert bound == Resize(10, 7, "bicubic", window=(0, 3, 5, 1))
    assert traced.height == H * 2


def test_bind_returns_a_bound_op_as_it_is() -> None:
    bound = Normalize((0.5, 0.5), (1.0, 2.0))
    assert bound.bind({"height": 5}) is bound


def test_requirements() -> None:
    crop, flat = CenterCrop(1, 1), TensorType("f32", (3, 4))
    with pytest.raises(ShapeError, match="center_crop: expected the last axes CHW, got f32"):
        require_layout(crop, flat, "CHW")
    with pytest.raises(ShapeError, match="center_crop: expected u8 or i64, got f32"):
        require_dtype(crop, flat, "u8", "i64")


@pytest.mark.parametrize(("folder", "decorator"), [("ops", "op"), ("joins", "join")])
def test_every_file_is_imported_by_its_package(root: Path, folder: str, decorator: str) -> None:
    """A class that no one imports would be registered in some programs and unknown in others."""
    package = import_module(f"graphproc.{folder}")
    for path in (root / "graphproc" / folder).rglob("*.py"):
        for name in re.findall(rf"^@{decorator}\(.*\n(?:@.*\n)*class (\w+)", path.read_text(encoding="utf-8"), re.MULTILINE):
            assert name in package.__all__, path
