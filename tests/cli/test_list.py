"""`graphproc list`: a table for narrow terminals, a part of it, and one class."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from graphproc.cli.main import app
from graphproc.processors.meanings import MEANINGS
from graphproc.processors.registry import specs

runner = CliRunner()


def run(*args: str, code: int = 0) -> str:
    result = runner.invoke(app, ["list", *args], env={"COLUMNS": "80"})
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def run_json(*args: str) -> Any:
    return json.loads(run(*args, "--json"))


def test_every_class_is_a_line_of_a_terminal_of_80_columns() -> None:
    lines = run().splitlines()
    assert [line.split()[0] for line in lines[1 : 1 + len(specs())]] == list(specs())
    assert len(lines) < len(specs()) + 6
    assert max(map(len, lines)) <= 80


def test_json_has_every_class() -> None:
    result = run_json()
    assert [entry["name"] for entry in result] == list(specs())
    keys = ["name", "family", "backends", "status", "parity", "inputs", "outputs", "post_processing"]
    assert all(list(entry) == keys for entry in result)
    found = {entry["name"]: entry for entry in result}
    assert "post_process_object_detection" in found["DetrImageProcessor"]["post_processing"]
    assert found["LayoutLMv2ImageProcessor"]["status"].startswith("compiled, without words and boxes")
    assert found["RTDetrImageProcessor"]["outputs"] == ["[pixel_mask]", "pixel_values"]


def test_a_part_of_a_name_or_family() -> None:
    assert [entry["name"] for entry in run_json("clip")] == ["ChineseCLIPImageProcessor", "CLIPImageProcessor"]
    assert {entry["family"] for entry in run_json("own size")} == {"own size rule"}
    assert "The nearest one is CLIPImageProcessor." in run("ClipImageProcesor", code=2)


@pytest.mark.parametrize("name", ["SegformerImageProcessor", "Segformer", "segformer", "SegformerImageProcessorFast"])
def test_one_class(name: str) -> None:
    text = run(name)
    assert max(map(len, text.splitlines())) <= 80
    unwrapped = " ".join(text.split())
    for part in (
        "torchvision, pil (the first is the default)",
        'size {"height": 512, "width": 512}',
        "not set do_convert_rgb",
        "segmentation_maps a map [height, width], of bytes, one for each image (optional)",
        "[labels] the label map in the size of the model's int64[batch, 512, 512]",
        "pixel_values the image, or its tiles or patches, as the model takes it float32[batch, 3, 512, 512]",
        "post_process_semantic_segmentation",
        str(specs()["SegformerImageProcessor"].parity_of("torchvision")),
    ):
        assert part in unwrapped
    result = run_json(name)
    assert result["settings"]["size"] == {"height": 512, "width": 512}
    assert result["outputs"]["labels"]["form"] == "int64[batch, 512, 512]"


@pytest.mark.parametrize(
    "name", ["CLIPImageProcessor", "ImageGPTImageProcessor", "TimmWrapperImageProcessor", "Phi4MultimodalImageProcessor"]
)
def test_classes_with_one_backend_without_defaults_or_with_long_sizes(name: str) -> None:
    text = run(name)
    assert text.startswith(name)
    assert len(text.splitlines()) < 80


def test_every_output_has_a_meaning() -> None:
    outputs = {name: {output.strip("[]") for output in spec.shown_outputs} for name, spec in specs().items()}
    assert set(MEANINGS) == set().union(*outputs.values())
    own = [(name, *item) for name, spec in specs().items() for item in spec.meanings.items()]
    assert all(output in outputs[name] and text != MEANINGS[output] for name, output, text in own)
