"""The IR text of every processor's default program is the stored one; `python tools/golden.py --update` rewrites it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import tiers

from graphproc.processors.registry import specs


@pytest.fixture(scope="module")
def golden(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden_tool", root / "tools" / "golden.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@tiers.each("name", sorted(specs()))
def test_program_text_is_the_stored_one(name: str, golden: ModuleType) -> None:
    if name not in golden.names():
        pytest.skip("no default program: it needs a setting of every model")
    stored = (golden.FOLDER / f"{name}.txt").read_text(encoding="utf-8")
    assert golden.golden_text(name) == stored, "python tools/golden.py --update, then review the difference"


def test_no_file_is_left_over(golden: ModuleType) -> None:
    assert {path.stem for path in golden.FOLDER.glob("*.txt")} == set(golden.names())


@pytest.mark.slow
def test_the_tool_notices_a_change(golden: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(golden, "FOLDER", tmp_path / "golden")
    assert len(golden.update()) == len(golden.names())
    assert golden.update() == []
    assert golden.differences() == []
    path = tmp_path / "golden" / "CLIPImageProcessor.txt"
    path.write_text(path.read_text(encoding="utf-8").replace("bicubic", "nearest"), encoding="utf-8")
    assert any(line.startswith("-  resize") and "nearest" in line for line in golden.differences())
    assert golden.update() == [path]
