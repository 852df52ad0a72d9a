"""Options of processors on every command, images in a graph's own colours, and messages in the words that are typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import graphproc as gp
from graphproc.cli.main import app
from graphproc.wrappers.examples import photograph
from graphproc.wrappers.verify import read_images

runner = CliRunner()
SMALL = ("--set", "size=16", "--set", "crop_size=16")


def run(*args: str, code: int = 0) -> str:
    result = runner.invoke(app, list(args), env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result.stdout if code != 2 else result.stderr


@pytest.fixture
def rgba(tmp_path: Path) -> Image.Image:
    """Return a picture with an alpha channel of its own."""
    pixels = np.dstack([photograph()[:40, :60], np.random.default_rng(0).integers(0, 256, (40, 60), np.uint8)])
    image = Image.fromarray(pixels)
    image.save(tmp_path / "rgba.png")
    image.convert("RGB").save(tmp_path / "opaque.png")
    return image


# ---- colours -----------------------------------------------------------------------------------------------------------


def outputs(graph: Path, image: Path, out: Path) -> Any:
    run("run", str(graph), str(image), "-o", str(out))
    with np.load(out) as arrays:
        return arrays["pixel_values"]


@pytest.mark.slow
def test_a_graph_of_rgba_gets_the_alpha_channel_of_the_file(tmp_path: Path, rgba: Image.Image) -> None:
    graph, out = tmp_path / "rgba.onnx", tmp_path / "out.npz"
    run("export", "CLIPImageProcessor", *SMALL, "--color", "rgba", "-o", str(graph))
    processor = gp.CLIPImageProcessor(size=16, crop_size=16)
    expected = processor(rgba, return_tensors="np")["pixel_values"]  # composited on white
    assert (outputs(graph, tmp_path / "rgba.png", out) == expected).all()
    opaque = processor(rgba.convert("RGB"), return_tensors="np")["pixel_values"]
    assert (outputs(graph, tmp_path / "opaque.png", out) == opaque).all()
    assert (opaque != expected).any()
    assert run("verify", str(graph), str(tmp_path / "rgba.png"), str(tmp_path / "opaque.png"))


def test_a_graph_of_gray_gets_what_pillow_makes_of_the_file(tmp_path: Path, rgba: Image.Image) -> None:
    graph, out = tmp_path / "gray.onnx", tmp_path / "out.npz"
    run("export", "CLIPImageProcessor", *SMALL, "--color", "gray", "-o", str(graph))
    expected = gp.CLIPImageProcessor(size=16, crop_size=16)(rgba.convert("L"), return_tensors="np")["pixel_values"]
    assert (outputs(graph, tmp_path / "rgba.png", out) == expected).all()


@pytest.mark.parametrize(("color", "mode"), [("rgba", "RGBA"), ("gray", "L")])
def test_files_opened_images_and_arrays_are_read_alike(color: str, mode: str, tmp_path: Path, rgba: Image.Image) -> None:
    expected = np.asarray(rgba.convert(mode)).reshape(40, 60, -1)
    for image in (tmp_path / "rgba.png", rgba, np.asarray(rgba)):
        assert (read_images([image], color=color)[0] == expected).all()
    palette = rgba.convert("RGB").quantize(8)
    palette.save(tmp_path / "palette.gif", transparency=3)
    with Image.open(tmp_path / "palette.gif") as opened:
        expected = np.asarray(opened.convert(mode)).reshape(40, 60, -1)
    assert (read_images([tmp_path / "palette.gif"], color=color)[0] == expected).all()
    assert read_images([np.zeros((40, 60, 1), np.uint8)], color=color)[0].shape == (40, 60, len(mode))


# ---- backends ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_command_with_a_source_takes_a_backend(tmp_path: Path, rgba: Image.Image) -> None:
    image, found = str(tmp_path / "opaque.png"), {}
    for backend in ("pil", "torchvision"):
        out = tmp_path / f"{backend}.npz"
        run("run", "CLIPImageProcessor", *SMALL, image, "--backend", backend, "-o", str(out))
        expected = gp.CLIPImageProcessor(size=16, crop_size=16, backend=backend)(image, return_tensors="np")["pixel_values"]
        with np.load(out) as arrays:
            found[backend] = arrays["pixel_values"]
        assert (found[backend] == expected).all()
        assert f"(backend {backend})" in run("verify", "CLIPImageProcessor", *SMALL, image, "--backend", backend)
        assert json.loads(run("config", "CLIPImageProcessor", "--backend", backend, "--json"))["backend"] == backend
        text = run("export", "CLIPImageProcessor", *SMALL, "--backend", backend, "-o", str(tmp_path / "graph.onnx"))
        text = " ".join(text.split())
        other = {"pil": "torchvision", "torchvision": "pil"}[backend]
        assert f" backend {backend}, transformers' " in text
        assert f"(--backend {other} for the other)" in text
        assert f" backend {backend} " in " ".join(run("inspect", "CLIPImageProcessor", *SMALL, "--backend", backend).split())
    assert (found["pil"] != found["torchvision"]).any()


def test_a_file_and_a_name_that_ask_for_a_backend_keep_it_on_the_command_line(tmp_path: Path) -> None:
    gp.CLIPImageProcessor(backend="torchvision").save_pretrained(tmp_path)
    for source in (str(tmp_path), "CLIPImageProcessorFast"):
        assert json.loads(run("config", source, "--set", "size=30", "--json"))["backend"] == "torchvision"
        assert json.loads(run("config", source, "--backend", "pil", "--json"))["backend"] == "pil"


@pytest.mark.parametrize("command", ["run", "verify", "inspect"])
@pytest.mark.parametrize("option", ["backend", "revision"])
def test_a_graph_has_its_own(command: str, option: str) -> None:
    arguments = [command, "a.onnx", *(["x.png"] if command == "run" else []), f"--{option}", "pil"]
    assert f"--{option}: a.onnx was exported with its own" in run(*arguments, code=2)


# ---- messages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["export", "CLIPImageProcessor", "--set", "do_resize=False"], "JSON, which writes false. Use do_resize=false."),
        (["export", "CLIPImageProcessor", "--set", "size=None"], "Use size=null."),
        (["export", "CLIPImageProcessor", "--image-size", "0x5"], "graphproc: --image-size: "),
        (["export", "CLIPImageProcessor", "--backend", "torch"], "graphproc: --backend: CLIPImageProcessor has"),
        (["export", "CLIPImageProcessor", "--with", "boxes"], "graphproc: --with: CLIPImageProcessor takes"),
        (["run", "CLIPImageProcessor", "x.png", "--provider", "tpu"], "graphproc: --provider: expected one of"),
        (["export", "CLIPImageProcessor", "--revision", "main"], "--revision: CLIPImageProcessor is the name of a class"),
    ],
)
def test_messages_are_in_the_words_that_are_typed(arguments: list[str], expected: str) -> None:
    assert expected in run(*arguments, code=2)


def test_labels_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"id2label": {"0": "cat"}, "limit": Infinity}')
    post = ["--post", "image_classification", "-o", str(tmp_path / "post.onnx")]
    run("export", "CLIPImageProcessor", *post, "--labels", str(tmp_path))
    (tmp_path / "config.json").unlink()
    assert "config.json: no such file. Give a model's folder" in run(
        "export", "CLIPImageProcessor", *post, "--labels", str(tmp_path), code=2
    )


def test_a_difference_is_not_called_bit_exact(tmp_path: Path, rgba: Image.Image) -> None:
    import onnx

    model = gp.CLIPImageProcessor(image_std=0.5).to_onnx()
    del model.metadata_props[:]
    model.metadata_props.extend(gp.CLIPImageProcessor().to_onnx().metadata_props)
    onnx.save(model, tmp_path / "wrong.onnx")
    lines = run("verify", str(tmp_path / "wrong.onnx"), str(tmp_path / "opaque.png"), code=1).splitlines()
    assert not [line for line in lines if "bit-exact" in line and not line.strip().startswith("not kept")]


def test_onnxruntime_writes_no_log_of_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.onnx").write_text("hello")
    run("run", str(tmp_path / "text.onnx"), "x.png", code=2)
    assert "onnxruntime:" not in capfd.readouterr().err
