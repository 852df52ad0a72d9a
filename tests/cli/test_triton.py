"""`graphproc triton`: what it writes, prints and refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import onnx
import pytest
from support.nets import conv
from support.triton_server import ServerChain
from typer.testing import CliRunner

import graphproc as gp
from graphproc.cli.main import app

SOURCE = ("ViTImageProcessor", "--set", "size=32")

runner = CliRunner()


def run(*args: object, code: int = 0) -> Any:
    result = runner.invoke(app, [str(a) for a in args], env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, with a model, its fused graph and the names of its classes."""
    monkeypatch.chdir(tmp_path)
    onnx.save(conv(), "model.onnx")
    gp.fuse(gp.ViTImageProcessor(size=32), conv(), output="cats v2.onnx")
    Path("config.json").write_text(json.dumps({"id2label": {"0": "a", "1": "b", "2": "c", "3": "d"}}))
    return tmp_path


def test_a_fused_graph(folder: Path) -> None:
    result = run("triton", "cats v2.onnx", "-o", "models", "--labels", "config.json", "--max-batch-size", 16)
    assert "Wrote cats_v2 to models" in result.stdout
    assert "up to 16 images of one size" in result.stdout
    assert result.stderr == ""
    found = ServerChain(folder / "models").configs["cats_v2"]
    assert found.max_batch_size == 16
    assert (folder / "models/cats_v2/labels.txt").read_text() == "a\nb\nc\nd\n"


def test_an_ensemble_as_json(folder: Path) -> None:
    options = ("--instances", 2, "--color", "bgr", "--backend", "pil", "--image-size", "60x90", "--gpu", "--no-warm-up")
    result = run("triton", *SOURCE, "--model", "model.onnx", "-o", "models", *options, "--json")
    assert result.stderr == ""
    found = json.loads(result.stdout)
    assert found["models"] == ["model_preprocessing", "model_model", "model"]
    assert (found["repository"], found["max_batch_size"]) == ("models", 8)
    assert found["notes"] == ["joined pixel_values to input.1, the only image on each side; say otherwise with map"]
    configs = ServerChain(folder / "models").configs
    own = configs["model_preprocessing"]
    known = {key: own.parameters[f"graphproc.{key}"].string_value for key in ("color", "backend", "target")}
    assert known == {"color": "bgr", "backend": "pil", "target": "cuda"}
    assert list(configs["model"].input[0].dims) == [60, 90, 3]
    assert own.instance_group[0].count == 2
    assert not own.model_warmup


def test_a_processor_alone_again(folder: Path) -> None:
    run("triton", *SOURCE, "-o", "models", "--name", "a")
    assert "a: exists." in run("triton", *SOURCE, "-o", "models", "--name", "a", code=2).stderr
    result = run("triton", *SOURCE, "-o", "models", "--name", "a", "--overwrite", "--input", "image")
    assert "batches" in result.stdout
    assert "graphproc: note: max_batch_size is 0" in result.stderr
    assert ServerChain(folder / "models").configs["a"].max_batch_size == 0


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--map", "pixel_values"), "--map: expected two names such as pixel_values=input.1, got 'pixel_values'"),
        (("--map", "pixel_values=x"), "--map: the model model.onnx has no input 'x'"),
        (("--layout", "chw"), "--layout"),
        (("--image-size", "60"), "--image-size: expected HEIGHTxWIDTH"),
        (("--labels", "nothing.json"), "nothing.json: no such file"),
        (("--name", "a/b"), "--name: expected letters, digits, and _ . - behind the first, got 'a/b'"),
        (("--max-batch-size", "-2"), "--max-batch-size: expected 0 or more, got -2"),
        (("--instances", "0"), "--instances: expected 1 or more, got 0"),
        (("--input", "sequence"), "since Triton has no sequences"),
        (("-o", "nowhere/models"), "nowhere/models: cannot be written (No such file or directory)"),
    ],
)
def test_refusals_are_one_line_and_leave_nothing(options: tuple[str, ...], expected: str) -> None:
    before = sorted(os.listdir())
    result = run("triton", *SOURCE, "--model", "model.onnx", "-o", "models", *options, code=2)
    assert expected in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert sorted(os.listdir()) == before


def test_options_of_a_processor_are_refused_for_a_graph() -> None:
    for options in (("--set", "size=3"), ("--color", "bgr"), ("--input", "image"), ("--target", "cpu")):
        assert f"{options[0]}: cats v2.onnx" in run("triton", "cats v2.onnx", "-o", "models", *options, code=2).stderr
