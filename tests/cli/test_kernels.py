"""`graphproc kernels`: the library and its instructions, or the reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
from support.nets import conv
from typer.testing import CliRunner

import graphproc as gp
from graphproc.cli.main import app
from graphproc.runtime import native

PHOTO = str(Path(gp.__file__ or "").parent / "data" / "cat.png")

runner = CliRunner()


def run(*arguments: str, code: int = 0, kernels: str = "auto") -> str:
    result = runner.invoke(app, ["kernels", *arguments], env={"COLUMNS": "200", native.VARIABLE: kernels})
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def run_json(**settings: Any) -> Any:
    return json.loads(run("--json", **settings))


def test_what_is_used() -> None:
    found = run_json()
    assert [*found] == ["path", "version", "instruction_set", "available", "kernels", "reason"]
    if found["path"] is None:
        assert found["reason"] in run()
        return
    assert found["reason"] is None
    assert found["instruction_set"] in found["available"]
    shown = run()
    for part in (found["path"], f"{found['instruction_set']} (available: ", *found["kernels"]):
        assert part in shown


def test_why_none_is_used() -> None:
    assert run(kernels="off").split() == ["Native", "kernels", "used", "no", "reason", "GRAPHPROC_KERNELS", "is", "off"]
    assert run_json(kernels="off") == {
        "path": None,
        "version": None,
        "instruction_set": None,
        "available": [],
        "kernels": [],
        "reason": "GRAPHPROC_KERNELS is off",
    }


def test_an_unknown_name_is_one_line() -> None:
    assert run(code=2, kernels="avx1024") == (
        "graphproc: GRAPHPROC_KERNELS: expected auto, off, sse4.1, avx2, avx512, neon, got 'avx1024'\n"
    )


def test_graphs_that_call_kernels(tmp_path: Path) -> None:
    """They are exported, inspected, verified, run and fused like others; the library need not be there."""
    graph, fused = str(tmp_path / "with.onnx"), str(tmp_path / "fused.onnx")
    source = ("CLIPImageProcessor", "--set", "size=40", "--set", "crop_size=32")

    def done(*arguments: str, code: int = 0) -> str:
        result = runner.invoke(app, arguments, env={"COLUMNS": "200"})
        assert result.exit_code == code, result.output
        return result.stdout if code == 0 else result.stderr

    done("export", *source, "--kernels", "-o", graph)
    shown = done("inspect", graph, "--optimized", "--why")
    assert "1 ResizeMapped" in shown
    assert "called, as functions of the domain graphproc" in shown
    assert "Same bits." in done("verify", graph)
    onnx.save(conv(17), tmp_path / "model.onnx")
    done("fuse", *source, "--kernels", str(tmp_path / "model.onnx"), "-o", fused)
    for path in (graph, fused):
        assert [function.domain for function in onnx.load(path).functions] == ["graphproc"]
        done("run", path, PHOTO, "-o", str(tmp_path / "out.npz"))


def test_kernels_that_a_graph_cannot_call() -> None:
    for arguments, message in (
        (("CLIPImageProcessor", "--target", "cuda"), "--kernels: they run on CPUs, so expected target 'cpu', got 'cuda'"),
        (("DetrImageProcessor", "--post", "object_detection"), "Leave out --image-size, --batch, --with, "),
    ):
        result = runner.invoke(app, ["export", *arguments, "--kernels"], env={"COLUMNS": "200"})
        assert (result.exit_code, message in result.stderr) == (2, True), result.output
