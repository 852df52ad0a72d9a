"""`graphproc plan`: outputs and numbers of images of known sizes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

import graphproc as gp
from graphproc.cli.main import app

runner = CliRunner()
WIDE = {"COLUMNS": "200"}


def run(*args: str, code: int = 0) -> str:
    result = runner.invoke(app, ["plan", *args], env=WIDE)
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def run_json(*args: str) -> Any:
    return json.loads(run(*args, "--json"))


def test_one_image() -> None:
    lines = [line.split(maxsplit=1) for line in run("Qwen2VLImageProcessor", "480x640").splitlines()]
    for pair in (
        ["pixel_values", "float32[1564, 1176]"],
        ["image_grid_thw", "int64[1, 3]"],
        ["resized", "476 644"],
        ["num_patches", "1564"],
        ["tokens", "391 (of 2 x 2 patches)"],
    ):
        assert pair in lines


def test_json_is_the_plan() -> None:
    found = run_json("Qwen2VLImageProcessor", "480x640", "--set", "merge_size=3", "--backend", "pil")
    wanted = gp.Qwen2VLImageProcessorPil(merge_size=3).plan(480, 640)
    assert found == {"backend": "pil", **json.loads(json.dumps(wanted.to_dict()))}
    assert found["outputs"]["pixel_values"] == {"shape": [1485, 1176], "dtype": "float32"}
    assert found["tokens"] == wanted.tokens() == 165


def test_several_images_and_samples() -> None:
    text = run("DetrImageProcessor", "480x640", "300x200")
    assert "float32[2, 3, 1200, 1066]" in text
    assert "Image 1: 300x200" in text
    assert run_json("LightGlueImageProcessor", "48x64", "30x20")["outputs"]["pixel_values"]["shape"] == [1, 2, 3, 480, 640]
    found = run_json("LightGlueImageProcessor", "48x64,30x20", "48x64,30x20")
    assert found["outputs"]["pixel_values"]["shape"] == [2, 2, 3, 480, 640]
    assert [one["sizes"] for one in found["images"]] == [{"height": 48, "width": 64}, {"height": 30, "width": 20}] * 2


def test_extra_inputs() -> None:
    assert run_json("VitPoseImageProcessor", "480x640", "--with", "boxes=3")["outputs"]["pixel_values"]["shape"][0] == 3
    assert "labels" in run("BeitImageProcessor", "480x640", "30x20", "--with", "segmentation_maps")
    found = run_json("PromptDepthAnythingImageProcessor", "480x640", "--with", "prompt_depth=24x32")
    assert found["outputs"]["prompt_depth"]["shape"] == [1, 1, 24, 32]
    assert found["sizes"]["prompt_depth_width"] == 32


def test_what_pixels_decide() -> None:
    text = run("NougatImageProcessor", "480x640", "--set", "do_pad=false", "--set", "do_resize=false")
    assert "not known: the image's pixels decide content_height, content_width" in text
    assert "may be refused" in text
    off = [f"--set=do_{step}=false" for step in ("pad", "resize", "thumbnail")]
    assert "float32[1, 3, ?, ?]" in run("NougatImageProcessor", "48x64", *off)
    several = run("NougatImageProcessor", "48x64", "30x20", *off)
    assert "may be refused    pixel_values: the images' pixels decide its shapes" in several


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("CLIPImageProcessor", "480"), "HxW: expected HEIGHTxWIDTH in pixels such as 480x640, got '480'"),
        (("CLIPImageProcessor", "48x64,"), "HxW: expected HEIGHTxWIDTH in pixels such as 480x640, got ''"),
        (("CLIPImageProcessor", "0x640"), "height: expected a whole number of pixels from 1, got 0"),
        (("CLIPImageProcessor", "4x4", "--with", "boxes"), "--with boxes: expected nothing: the class takes images alone"),
        (("BeitImageProcessor", "4x4", "--with", "map=3x3"), "--with map: expected one of segmentation_maps"),
        (("BeitImageProcessor", "4x4", "--with", "segmentation_maps=3"), "segmentation_maps[0]: expected (height, width), got 3"),
        (("VitPoseImageProcessor", "4x4"), "expected boxes, how many each image has, got none"),
        (("LightGlueImageProcessor", "4x4"), "expected samples of 2 images each, got [1]"),
        (("Qwen2VLImageProcessor", "3x3000"), "one side is more than 200 times longer than the other."),
    ],
)
def test_refusals(args: tuple[str, ...], message: str) -> None:
    text = run(*args, code=2)
    assert message in text
    assert text.count("\n") == 1
