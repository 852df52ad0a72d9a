"""`exported/` holds what the code exports, and its page says what that is."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def tool(name):
    """Load a script of tools/ as a module."""
    spec = importlib.util.spec_from_file_location(f"tools_{name}", ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_exported_graphs_are_what_the_code_exports():
    assert list(tool("exported").differences()) == []


def test_a_changed_graph_is_noticed(tmp_path, monkeypatch):
    exported = tool("exported")
    for path in filter(Path.is_file, exported.FOLDER.iterdir()):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    graph = tmp_path / "CLIPImageProcessor.onnx"
    graph.write_bytes(graph.read_bytes() + b"\0")
    monkeypatch.setattr(exported, "FOLDER", tmp_path)
    monkeypatch.setattr(exported, "exports", lambda: [("CLIPImageProcessor", None)])
    assert any("CLIPImageProcessor.onnx" in line for line in exported.differences())


def test_the_page_of_graphs_and_classes_is_current():
    support_table = tool("support_table")
    assert support_table.PAGE.read_text(encoding="utf-8") == support_table.page()


def test_the_page_has_a_line_for_every_graph_and_class():
    text = tool("support_table").PAGE.read_text(encoding="utf-8")
    graphs = json.loads((ROOT / "exported/manifest.json").read_text())["graphs"]
    for name, entry in graphs.items():
        assert f"\n| {name.removesuffix('Pil')} | " in text
        if "file" in entry:
            assert f" | [{entry['file']}]({entry['file']}) | {entry['backend']} | " in text
            assert hashlib.sha256((ROOT / "exported" / entry["file"]).read_bytes()).hexdigest() in text
        else:
            assert re.search(rf"\n\| {entry['same_graph_as']}, .*\b{name}\b.* \| \[{entry['same_graph_as']}.onnx\]", text), name


def test_the_oldest_runtime_that_the_page_names_is_the_one_that_is_tried():
    oldest = tool("oldest_runtime").OLDEST
    assert f"ONNX Runtime {oldest.removesuffix('.0')} on" in tool("support_table").PAGE.read_text(encoding="utf-8")


SCRIPTS = ("class_cost", "exported", "fixed_dimensions", "golden", "oldest_runtime", "pictures", "same_graphs", "support_table")


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_help_starts_no_job(script):
    command = [sys.executable, ROOT / "tools" / f"{script}.py", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert result.stdout.startswith("usage: ")
