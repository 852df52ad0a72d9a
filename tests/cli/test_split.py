"""`graphproc export` in two parts, and for batches of a fixed number of images."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

from graphproc.cli.main import app

runner = CliRunner()
SMALL = ("--set", "size=40", "--set", "crop_size=32")


def run(*args: str, code: int = 0) -> str:
    result = runner.invoke(app, list(args), env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result.stdout if code != 2 else result.stderr


def test_two_graphs_are_written_and_described(tmp_path: Path) -> None:
    path = str(tmp_path / "clip.onnx")
    text = run("export", "CLIPImageProcessor", *SMALL, "--split", "--dtype", "bfloat16", "-o", path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["clip.bytes.onnx", "clip.map.onnx"]
    for line in (
        "pixel_values: uint8[batch, 3, 32, 32]",
        "pixel_values: bfloat16[batch, 3, 32, 32]",
        "is within 2.4e-07 of the floats",
    ):
        assert line in text
    found = json.loads(run("export", "RTDetrImageProcessor", "--split", "--json", "-o", path))
    assert [Path(graph["path"]).name for graph in found["graphs"]] == ["clip.bytes.onnx", "clip.map.onnx"]
    assert found["graphs"][1]["inputs"] == {"input_pixel_values": "uint8[batch, 3, 640, 640]"}
    assert found["affine"]["pixel_values"]["bound"] == 0
    assert "bytes * scale + offset is equal to the floats" in run("export", "RTDetrImageProcessor", "--split", "-o", path)


def test_the_parts_are_inspected(tmp_path: Path) -> None:
    path = tmp_path / "clip.onnx"
    run("export", "CLIPImageProcessor", *SMALL, "--split", "-o", str(path))
    first, second = (str(path.with_suffix(f".{part}.onnx")) for part in ("bytes", "map"))
    assert "output pixel_values = center_crop: stack" in run("inspect", first)
    assert "input_pixel_values: uint8[batch, 3, 32, 32]" in run("inspect", second)
    assert json.loads(run("inspect", second, "--json"))["program"] is None
    assert "is the map of a split graph, which no pass changes" in run("inspect", second, "--why", code=2)
    assert "Verify the graph of its bytes" in run("verify", second, code=2)


def test_a_batch_is_fixed(tmp_path: Path) -> None:
    path = tmp_path / "clip.onnx"
    text = run("export", "CLIPImageProcessor", *SMALL, "--batch", "2", "--image-size", "60x77", "-o", str(path))
    assert "images: uint8[2, 60, 77, 3]" in text
    assert not {"Shape", "Expand", "If"} & {node.op_type for node in onnx.load(path).graph.node}
    assert "Same bits." in run("verify", str(path))
    assert "strips" in run("inspect", str(path), "--why")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("SamImageProcessor", "--split"), "pad comes behind the map of bytes, and no byte is mapped to 0"),
        (("CLIPImageProcessor", "--split", "-o", "-"), "--split: expected a file for -o, from which two get their names, got -"),
        (("CLIPImageProcessor", "--dtype", "float16"), "--dtype: it is for the second graph of --split. Add --split"),
        (("CLIPImageProcessor", "--split", "--dtype", "int8"), "dtype: expected one of float32, float16, bfloat16, got 'int8'"),
        (("CLIPImageProcessor", "--batch", "0"), "batch_size: expected a whole number of images from 1, got 0"),
        (("CLIPImageProcessor", "--batch", "2", "--input", "image"), "batch_size: input 'image' reads one image"),
        (("DetrImageProcessor", "--post", "object_detection", "--split"), "--tap and --split"),
    ],
)
def test_what_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in run("export", *arguments, code=2)
    assert list(tmp_path.iterdir()) == []
