"""`graphproc fuse`: what it writes, prints and refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import onnx
import pytest
from nets import conv
from typer.testing import CliRunner

import graphproc as gp
from graphproc.cli.main import app

PHOTO = str(Path(gp.__file__ or "").parent / "data" / "cat.png")
SOURCE = ("ViTImageProcessor", "--set", "size=32")

runner = CliRunner()


def run(*args: object, code: int = 0) -> Any:
    result = runner.invoke(app, [str(a) for a in args], env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    onnx.save(conv(17, pads=(1, 1, 1, 1)), path)
    return path


@pytest.fixture
def unpadded(tmp_path: Path) -> Path:
    path = tmp_path / "unpadded.onnx"
    onnx.save(conv(17), path)
    return path


def test_a_graph_and_a_processor_give_what_the_library_gives(net: Path, tmp_path: Path) -> None:
    processor = gp.ViTImageProcessor(size=32)
    graph = processor.export(tmp_path / "pre.onnx")
    for source, expected in (((graph,), gp.fuse(graph, net)), (SOURCE, gp.fuse(processor, net))):
        out = tmp_path / "fused.onnx"
        result = run("fuse", source[0], net, "-o", out, *source[1:])
        assert out.read_bytes() == expected.SerializeToString(deterministic=True)
        for part in (str(out), "images: uint8[batch, height, width, 3]", "y: float32[batch, 4]", "pixel_values -> input.1"):
            assert part in result.stdout
        assert "graphproc: note: joined pixel_values to input.1" in result.stderr


def test_json(unpadded: Path, tmp_path: Path) -> None:
    out = tmp_path / "fused.onnx"
    options = ("--map", "pixel_values=input.1", "--keep", "pixel_values", "--image-size", "60x90", "--fold-normalize")
    result = run("fuse", SOURCE[0], unpadded, *SOURCE[1:], *options, "-o", out, "--json")
    assert result.stderr == ""
    found = json.loads(result.stdout)
    assert found["files"] == {str(out): out.stat().st_size}
    assert found["inputs"] == {"images": "uint8[batch, 60, 90, 3]"}
    assert list(found["outputs"]) == ["y", "pixel_values"]
    assert found["joints"] == [{"output": "pixel_values", "input": "input.1"}]
    assert found["notes"] == []
    assert 0 < found["folded"]["difference"] < 1e-4
    assert set(found["folded"]["outputs"]) == {"y", "pixel_values"}


def test_folding_says_how_much_it_changes(unpadded: Path, tmp_path: Path) -> None:
    result = run("fuse", SOURCE[0], unpadded, *SOURCE[1:], "--fold-normalize", "-o", tmp_path / "fused.onnx")
    assert "the normalization into conv" in result.stdout
    assert "differs by" in result.stdout


def test_the_fused_graph_runs_and_is_inspected(net: Path, tmp_path: Path) -> None:
    out = tmp_path / "fused.onnx"
    run("fuse", SOURCE[0], net, *SOURCE[1:], "-o", out)
    (entry,) = json.loads(run("run", out, PHOTO, "--json").stdout)["outputs"]
    assert (entry["name"], entry["shape"]) == ("y", [1, 4])
    run("inspect", out)
    message = run("run", out, PHOTO, "--engine", "numpy", code=2).stderr
    assert "the graph contains a model" in message


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--map", "pixel_values"), "--map: expected OUTPUT=INPUT such as pixel_values=input.1, got 'pixel_values'"),
        (("--map", "pixel_values=x"), "map: the model model.onnx has no input 'x'; it has input.1 ("),
        (("--fold-normalize",), "It pads with zeros"),
        (("--layout", "chw"), "layout: expected one of nchw, nhwc"),
        (("--image-size", "60"), "expected HEIGHTxWIDTH"),
        (("--keep", "mask"), "has no output 'mask'"),
        (("--target", "gpu"), "target: expected one of"),
        (("-o", "nowhere/fused.onnx"), "nowhere/fused.onnx: cannot be written (No such file or directory)"),
        (("-o", "model.onnx"), "model.onnx: is one of the files that are read"),
    ],
)
def test_refusals_are_one_line_and_leave_nothing(
    options: tuple[str, ...], expected: str, net: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(net.parent)
    before = sorted(os.listdir())
    result = run("fuse", SOURCE[0], "model.onnx", *SOURCE[1:], "-o", "fused.onnx", *options, code=2)
    assert expected in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert sorted(os.listdir()) == before


def test_options_of_a_processor_with_a_graph(net: Path, tmp_path: Path) -> None:
    graph = gp.ViTImageProcessor(size=32).export(tmp_path / "pre.onnx")
    for option in (("--target", "cuda"), ("--input", "image"), ("--color", "bgr")):
        assert f"{option[0]}: {graph} has its own" in run("fuse", graph, net, "-o", tmp_path / "f.onnx", *option, code=2).stderr
    assert "compiled in" in run("fuse", graph, net, "-o", tmp_path / "f.onnx", "--set", "size=3", code=2).stderr
    assert "Missing option" in run("fuse", graph, net, code=2).stderr
