"""`graphproc plan --emit`: the function behind a plan, to stdout or a file."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
from typer.testing import CliRunner

import graphproc as gp
from graphproc.cli.main import app
from graphproc.emitters.source.registry import LANGUAGES

runner = CliRunner()
WIDE = {"COLUMNS": "200"}


def run(*args: str, code: int = 0) -> str:
    result = runner.invoke(app, ["plan", *args], env=WIDE)
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "onnx"])
def test_text_goes_to_stdout(language: str) -> None:
    assert run("CLIPImageProcessor", "--emit", language).encode() == gp.CLIPImageProcessor().plan_source(language)


def test_settings_and_backend_count() -> None:
    wanted = gp.Qwen2VLImageProcessorPil(merge_size=3).plan_source("c")
    assert run("Qwen2VLImageProcessor", "--set", "merge_size=3", "--backend", "pil", "--emit", "c").encode() == wanted


def test_files(tmp_path: Path) -> None:
    text = run("CLIPImageProcessor", "--emit", "onnx", "-o", str(tmp_path / "sizes.onnx"))
    assert text.startswith(f"Wrote {tmp_path / 'sizes.onnx'}\n")
    assert [v.name for v in onnx.load(tmp_path / "sizes.onnx").graph.input] == ["height", "width"]
    found = json.loads(run("CLIPImageProcessor", "--emit", "rust", "-o", str(tmp_path / "sizes.rs"), "--json"))
    assert found["language"] == "rust"
    assert found["bytes"] == (tmp_path / "sizes.rs").stat().st_size
    assert (found["path"], found["processor"]) == (str(tmp_path / "sizes.rs"), "CLIPImageProcessor")


def test_extra_inputs_are_arguments() -> None:
    assert "prompt_depth_width" in run("PromptDepthAnythingImageProcessor", "--with", "prompt_depth", "--emit", "json")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("CLIPImageProcessor",), "HxW: expected the size of an image such as 480x640. Give one, or --emit LANGUAGE."),
        (("CLIPImageProcessor", "4x4", "-o", "x"), "-o x: plans of sizes are printed. Leave -o out, or give --emit LANGUAGE."),
        (("CLIPImageProcessor", "4x4", "--emit", "c"), "4x4: --emit writes a function of any size. Leave the size out."),
        (("CLIPImageProcessor", "--emit", "c", "--json"), "--json: stdout gets what --emit writes."),
        (("CLIPImageProcessor", "--emit", "java"), "expected one of json, onnx, c, javascript, go, rust, python, got 'java'"),
        (("CLIPImageProcessor", "--emit", "c", "--with", "boxes"), "--with boxes: expected nothing"),
        (
            ("PromptDepthAnythingImageProcessor", "--emit", "c", "--with", "prompt_depth=3x4"),
            "--with prompt_depth=3x4: --emit makes an argument of the size. Give the name alone.",
        ),
    ],
)
def test_refusals(args: tuple[str, ...], message: str) -> None:
    text = run(*args, code=2)
    assert message in text
    assert text.count("\n") == 1
