"""What `-o` takes: links, pipes, stdout, and names of formats that are not written."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from typer.testing import CliRunner

import graphproc as gp
from graphproc.cli.main import app

PHOTO = str(Path(gp.__file__ or "").parent / "data" / "cat.png")
runner = CliRunner()


def process(root: Path, *args: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(root), "COLUMNS": "80"}
    return subprocess.run([sys.executable, "-m", "graphproc", *args], capture_output=True, env=environment, timeout=120)


@pytest.mark.slow
def test_a_graph_goes_to_stdout_and_the_report_to_stderr(root: Path) -> None:
    result = process(root, "export", "CLIPImageProcessor", "--image-size", "8x8", "-o", "-")
    assert onnx.load_model_from_string(result.stdout).graph.output[0].name == "pixel_values"
    assert b"Wrote stdout" in result.stderr


@pytest.mark.slow
def test_outputs_go_to_stdout_as_json_goes_to_stderr(root: Path) -> None:
    result = process(root, "run", "CLIPImageProcessor", PHOTO, "-o", "-", "--json")
    with np.load(io.BytesIO(result.stdout)) as arrays:
        assert arrays["pixel_values"].shape == (1, 3, 224, 224)
    assert b'"file": "stdout"' in result.stderr


@pytest.mark.parametrize("name", ["a.safetensors", "a.xyz", "a", "a.npy"])
def test_other_formats_than_npz_are_refused_before_any_work(name: str, tmp_path: Path) -> None:
    result = runner.invoke(app, ["run", "nowhere.onnx", "x.png", "-o", str(tmp_path / name)])
    assert result.exit_code == 2
    assert f"{name}: expected a name that ends in .npz" in " ".join(result.stderr.split())
    assert os.listdir(tmp_path) == []


def test_every_writer_writes_through_links(tmp_path: Path) -> None:
    for name in ("graph.onnx", "out.npz", "fused.onnx"):
        (tmp_path / name).symlink_to(f"real-{name}")
    graph, out, fused = (str(tmp_path / name) for name in ("graph.onnx", "out.npz", "fused.onnx"))
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            [onnx.helper.make_node("Identity", ["pixel_values"], ["y"])],
            "net",
            [onnx.helper.make_tensor_value_info("pixel_values", onnx.TensorProto.FLOAT, ["n", 3, 8, 8])],
            [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["n", 3, 8, 8])],
        ),
        opset_imports=[onnx.helper.make_opsetid("", 18)],
        ir_version=8,
    )
    onnx.save(model, tmp_path / "model.onnx")
    source = ["CLIPImageProcessor", "--set", "size=8", "--set", "crop_size=8"]
    for args in (
        ["export", *source, "-o", graph],
        ["run", graph, PHOTO, "-o", out],
        ["fuse", graph, str(tmp_path / "model.onnx"), "-o", fused],
    ):
        result = runner.invoke(app, args)
        assert result.exit_code == 0, result.output
    for name in ("graph.onnx", "out.npz", "fused.onnx"):
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / f"real-{name}").stat().st_size > 0
    link = tmp_path / "preprocessor_config.json"
    link.symlink_to("real.json")
    gp.CLIPImageProcessor().save_pretrained(tmp_path)
    assert link.is_symlink()
