"""`exported/` holds what the code exports, and README's table and example are current."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from nets import detector

import graphproc

ROOT = Path(__file__).resolve().parent.parent


def tool(name):
    """A script of tools/ as a module."""
    spec = importlib.util.spec_from_file_location(f"tools_{name}", ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_exported_graphs_are_what_the_code_exports():
    assert list(tool("exported").differences()) == []


def test_a_changed_graph_is_noticed(tmp_path, monkeypatch):
    exported = tool("exported")
    for path in exported.FOLDER.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    graph = tmp_path / "CLIPImageProcessor.onnx"
    graph.write_bytes(graph.read_bytes() + b"\0")
    monkeypatch.setattr(exported, "FOLDER", tmp_path)
    monkeypatch.setattr(exported, "exports", lambda: [("CLIPImageProcessor", None)])
    assert any("CLIPImageProcessor.onnx" in line for line in exported.differences())


def test_the_table_in_readme_is_current():
    support_table = tool("support_table")
    text = support_table.README.read_text()
    assert support_table.replaced(text) == text


def example(number):
    """One of README's examples, compiled."""
    return compile(
        re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)[number], "README", "exec"
    )


def test_the_example_in_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "graphproc" / "data").mkdir(parents=True)
    (tmp_path / "graphproc" / "data" / "cat.png").write_bytes((ROOT / "graphproc" / "data" / "cat.png").read_bytes())
    exec(example(0), {})
    assert capsys.readouterr().out == "True True\n"
    assert (tmp_path / "preprocessing.onnx").is_file()


def test_the_example_of_post_processing_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "detr.onnx").write_bytes(detector().SerializeToString())
    outputs = {"logits": np.zeros((1, 6, 5), np.float32), "pred_boxes": np.zeros((1, 6, 4), np.float32)}
    exec(example(1), {"gp": graphproc, "outputs": outputs})
    assert graphproc.Session(tmp_path / "detector.onnx").outputs == ["scores", "labels", "boxes", "count"]


def test_the_oldest_runtime_of_the_readme_is_the_one_that_is_tried():
    oldest = tool("oldest_runtime").OLDEST
    assert f"ONNX Runtime {oldest.removesuffix('.0')} on" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("script", ["class_cost", "exported", "fixed_dimensions", "golden", "oldest_runtime", "support_table"])
def test_help_starts_no_job(script):
    command = [sys.executable, ROOT / "tools" / f"{script}.py", "--help"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert result.stdout.startswith("usage: ")


@pytest.mark.parametrize("name", ["README.md", "graphproc/ARCHITECTURE.md", "graphproc/AUTHORING.md", ".github/CONTRIBUTING.md"])
def test_files_that_the_documents_name_exist(name):
    text = (ROOT / name).read_text()
    for path in re.findall(r"`((?:graphproc|tests|tools|exported)/[\w/.-]*)`", text):
        if path.startswith("tests/") and path.endswith("test_layers.py"):
            continue
        assert (ROOT / path).exists(), path
