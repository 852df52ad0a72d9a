"""What each command does: files, tables, JSON, exit codes."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import tiers
from support.odd_files import write_odd_files
from typer.testing import CliRunner

import graphproc as gp
from graphproc.cli import arguments, output
from graphproc.cli.main import app
from graphproc.ops.resize.forms import ProductForm, choice_of_any_size
from graphproc.passes.pipeline import PASSES
from graphproc.wrappers.examples import photograph

PHOTO = str(Path(gp.__file__ or "").parent / "data" / "cat.png")
WIDE = {"COLUMNS": "200"}

runner = CliRunner()


def run(*args: str, code: int = 0) -> str:
    result = runner.invoke(app, list(args), env=WIDE)
    assert result.exit_code == code, result.output
    if code != 2:
        assert result.stderr == ""
    return result.stdout if code != 2 else result.stderr


def run_json(*args: str, code: int = 0) -> Any:
    return json.loads(run(*args, "--json", code=code))


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("graph") / "clip.onnx"
    run("export", "CLIPImageProcessor", "-o", str(path))
    return str(path)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    from PIL import Image

    path = tmp_path_factory.mktemp("images") / "small.png"
    Image.fromarray(photograph()[:40, :60]).save(path)
    return str(path)


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return a graph that gives other values than its configuration."""
    model = gp.CLIPImageProcessor(image_std=0.5).to_onnx()
    right = gp.CLIPImageProcessor().to_onnx()
    del model.metadata_props[:]
    model.metadata_props.extend(right.metadata_props)
    path = tmp_path_factory.mktemp("wrong") / "wrong.onnx"
    onnx.save(model, path)
    return str(path)


# ---- export ----------------------------------------------------------------------------------------------------


def test_export_writes_the_graph_of_the_settings_and_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "out.onnx"
    options = ("--image-size", "30x45", "--input", "image", "--color", "bgr", "--opset", "17", "--target", "cuda")
    text = run("export", "ViTImageProcessor", "--set", "size=32", "--set", "do_normalize=false", *options, "-o", str(path))
    processor = gp.ViTImageProcessor(size=32, do_normalize=False)
    expected = processor.to_onnx(image_size=(30, 45), input="image", color="bgr", opset=17, target="cuda")
    assert path.read_bytes() == expected.SerializeToString(deterministic=True)
    for part in (str(path), f"{path.stat().st_size:,} bytes", "image: uint8[30, 45, 3]", "pixel_values: float32[1, 3, 32, 32]"):
        assert part in text
    assert str(processor.spec.parity_of()) in " ".join(text.split())
    assert os.listdir(tmp_path) == ["out.onnx"]


def test_export_json(tmp_path: Path) -> None:
    path = tmp_path / "out.onnx"
    result = run_json("export", "CLIPImageProcessor", "-o", str(path))
    assert list(result) == ["path", "processor", "backend", "parity", "bytes", "nodes", "opset", "inputs", "outputs"]
    assert result["backend"] == "torchvision"
    assert run_json("export", "CLIPImageProcessor", "--backend", "pil", "-o", str(tmp_path / "pil.onnx"))["backend"] == "pil"
    assert result["path"] == str(path)
    assert result["bytes"] == path.stat().st_size
    assert result["nodes"] >= len(onnx.load(path).graph.node)
    assert result["inputs"] == {"images": "uint8[batch, height, width, 3]"}
    assert result["outputs"] == {"pixel_values": "float32[batch, 3, 224, 224]"}


def test_export_defaults_to_preprocessing_onnx_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run("export", "CLIPImageProcessor", "--image-size", "8x8")
    assert os.listdir() == ["preprocessing.onnx"]


@pytest.mark.parametrize("as_folder", [True, False])
def test_export_reads_a_folder_and_a_json_file(tmp_path: Path, as_folder: bool) -> None:
    processor = gp.ViTImageProcessor(size=48)
    config = tmp_path / "preprocessor_config.json"
    config.write_text(processor.to_json_string())
    source = str(tmp_path if as_folder else config)
    result = run_json("export", source, "--set", 'size={"height": 16, "width": 24}', "-o", str(tmp_path / "out.onnx"))
    assert result["processor"] == "ViTImageProcessor"
    assert result["outputs"] == {"pixel_values": "float32[batch, 3, 16, 24]"}


def test_set_takes_json_or_else_a_string() -> None:
    changed = arguments.processor("ViTImageProcessor", ["size=16", "do_resize=false", "image_mean=[0, 0, 0.5]", "resample=null"])
    assert (changed.do_resize, changed.image_mean, changed.resample) == (False, (0, 0, 0.5), None)
    assert "got 'abc'" in run("export", "ViTImageProcessor", "--set", "resample=abc", code=2)


def test_a_failed_export_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.onnx"
    path.write_text("old")

    def full(source: Any, target: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert "No space left" in run("export", "CLIPImageProcessor", "--image-size", "8x8", "-o", str(path), code=2)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.onnx"]


# ---- run -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["onnxruntime", "numpy"])
@pytest.mark.parametrize("from_graph", [True, False])
def test_run_gives_what_the_processor_gives(graph: str, small: str, tmp_path: Path, engine: str, from_graph: bool) -> None:
    path = tmp_path / "out.npz"
    text = run("run", graph if from_graph else "CLIPImageProcessor", PHOTO, small, "--engine", engine, "-o", str(path))
    expected = gp.CLIPImageProcessor()([PHOTO, small], return_tensors="np", engine="numpy")["pixel_values"]
    with np.load(path) as arrays:
        assert list(arrays) == ["pixel_values"]
        assert arrays["pixel_values"].tobytes() == expected.tobytes()
    for part in (
        "pixel_values",
        "float32",
        "[2, 3, 224, 224]",
        f"{expected.min():.6g}",
        f"{expected.max():.6g}",
        f"Wrote {path}",
    ):
        assert part in text


def test_run_json(graph: str) -> None:
    result = run_json("run", graph, PHOTO)
    expected = gp.CLIPImageProcessor()(PHOTO, return_tensors="np", engine="numpy")["pixel_values"]
    (entry,) = result["outputs"]
    assert (result["images"], result["file"]) == (1, None)
    assert {k: entry[k] for k in ("name", "dtype", "shape", "images")} == {
        "name": "pixel_values",
        "dtype": "float32",
        "shape": [1, 3, 224, 224],
        "images": 1,
    }
    assert (entry["min"], entry["max"]) == (expected.min(), expected.max())
    assert entry["mean"] == pytest.approx(expected.mean(dtype=np.float64))


def test_run_reports_each_shape_and_writes_no_file_where_they_do_not_stack(small: str, tmp_path: Path) -> None:
    unsized = ("run", "CLIPImageProcessor", "--set", "do_resize=false", "--set", "do_center_crop=false", PHOTO, small, small)
    entries = run_json(*unsized)["outputs"]
    assert [(e["shape"], e["images"]) for e in entries] == [([3, 300, 451], 1), ([3, 40, 60], 2)]
    error = run(*unsized, "-o", str(tmp_path / "out.npz"), code=2)
    assert "pixel_values has different shapes" in error
    assert "[3, 300, 451], [3, 40, 60]" in error
    assert os.listdir(tmp_path) == []


@tiers.crossed(("color", ["rgb", "bgr", "gray", "rgba"]), ("input", ["batch", "image"]))
def test_run_feeds_a_graph_its_own_colours_and_axes(tmp_path: Path, small: str, color: str, input: str) -> None:
    path = str(tmp_path / "out.onnx")
    run("export", "CLIPImageProcessor", "--color", color, "--input", input, "--image-size", "40x60", "-o", path)
    found = [run_json("run", path, small, "--engine", engine) for engine in ("onnxruntime", "numpy")]
    assert found[0] == found[1]
    run("verify", path, small)
    assert "fixed to 40 x 60 pixels, got 300 x 451" in run("run", path, PHOTO, code=2)


def test_run_takes_graphs_of_others_but_not_with_numpy(tmp_path: Path, small: str) -> None:
    model = gp.CLIPImageProcessor().to_onnx()
    del model.metadata_props[:]
    path = str(tmp_path / "plain.onnx")
    onnx.save(model, path)
    assert run_json("run", path, small)["outputs"][0]["shape"] == [1, 3, 224, 224]
    assert "graphproc.config" in run("run", path, small, "--engine", "numpy", code=2)
    assert "graphproc.config" in run("verify", path, code=2)
    assert "graphproc.config" in run("inspect", path, "--why", code=2)
    assert run_json("inspect", path)["program"] is None
    assert "images: uint8[batch, height, width, 3]" in run("inspect", path)


# ---- verify ----------------------------------------------------------------------------------------------------


def test_verify_compares_named_images(graph: str, small: str) -> None:
    text = run("verify", graph, PHOTO, small)
    assert f"{PHOTO}, 300 x 451" in text
    assert f"{small}, 40 x 60" in text
    assert "0 of 301,056 elements" in text


@pytest.mark.slow
@pytest.mark.parametrize("source", ["graph", "CLIPImageProcessor"])
def test_verify_json_without_images(graph: str, source: str) -> None:
    result = run_json("verify", graph if source == "graph" else source)
    assert result["ok"] is True
    assert (result["processor"], result["provider"]) == ("CLIPImageProcessor", "cpu")
    images = [c["image"] for c in result["comparisons"]]
    assert images[0] == "photograph, 300 x 451"
    # images of one pixel are what they say: nothing took an axis of theirs for channels
    assert {"noise, 1 x 1", "noise, 1 x 300", "noise, 300 x 1"} <= set(images)


def test_verify_exits_1_on_a_difference(wrong: str) -> None:
    text = run("verify", wrong, PHOTO, code=1)
    assert "Different." in text
    result = run_json("verify", wrong, PHOTO, code=1)
    (comparison,) = result["comparisons"]
    assert result["ok"] is False
    assert comparison["differing"] > 0
    assert comparison["max_difference"] > 0


# ---- inspect ---------------------------------------------------------------------------------------------------


def test_inspect_shows_the_program_and_the_graph(graph: str) -> None:
    program = gp.CLIPImageProcessor().compile()
    for source in (graph, "CLIPImageProcessor"):
        text = run("inspect", source)
        assert str(program) in text
        assert "images: uint8[batch, height, width, 3]" in text
        assert "opset" in text
        assert "Passes" not in text
        assert "byte_map" not in text
    assert "byte_map" in run("inspect", graph, "--optimized")


def test_inspect_json(graph: str) -> None:
    result = run_json("inspect", graph, "--optimized", "--why")
    assert list(result) == ["program", "graph", "optimized", "why"]
    assert result["graph"]["bytes"] == Path(graph).stat().st_size
    assert sum(result["graph"]["operators"].values()) == result["graph"]["nodes"]
    assert (result["graph"]["opset"], result["graph"]["ir_version"]) == (18, 8)
    assert result["graph"]["metadata"]["target"] == "cpu"
    assert json.loads(result["graph"]["metadata"]["config"])["image_processor_type"] == "CLIPImageProcessor"
    assert list(result["why"]) == ["passes", "byte_maps", "choices", "cuda_fallbacks"]


@pytest.mark.parametrize(("backend", "float_steps"), [("torchvision", ["normalize"]), ("pil", ["rescale", "normalize"])])
def test_why_names_every_pass_and_what_it_changed(backend: str, float_steps: list[str]) -> None:
    why = run_json("inspect", "CLIPImageProcessor", "--why", "--backend", backend)["why"]
    passes = {p["name"]: p["changes"] for p in why["passes"]}
    assert list(passes) == [step.name for step in PASSES]
    assert {name: changes for name, changes in passes.items() if changes} == {
        "lower-resample": [{"before": ["resample"], "after": ["resize"]}],
        "absorb-layout": [{"before": ["to_channels_first", "resize"], "after": ["resize"]}],
        "crop-into-resize": [{"before": ["resize", "center_crop"], "after": ["resize"]}],
        "fold-byte-map": [{"before": float_steps, "after": ["byte_map"]}],
        "map-into-resize": [{"before": ["resize", "byte_map"], "after": ["resize"]}],
    }


def test_why_says_what_a_pass_left_alone() -> None:
    passes = {p["name"]: p["declined"] for p in run_json("inspect", "Owlv2ImageProcessor", "--why")["why"]["passes"]}
    assert [(d["steps"], d["reason"].split()[-3:]) for d in passes["fold-byte-map"]] == [("normalize", ["f32,", "not", "u8"])]
    assert "left normalize alone: " in run("inspect", "Owlv2ImageProcessor", "--why")


def test_why_tells_the_order_and_the_strips() -> None:
    known = run("inspect", "CLIPImageProcessorPil", "--why", "--image-size", "3000x400")
    assert "vertical axis first" in known
    assert "rows at once" in known
    assert "decided in the graph for each image" in run("inspect", "CLIPImageProcessorPil", "--why")
    assert "both sides enlarge" in run("inspect", "DetrImageProcessorPil", "--why")


@pytest.mark.slow
def test_why_gives_the_rule_for_any_size_and_the_form_for_one() -> None:
    rule = choice_of_any_size("cpu", "bicubic", "pillow")
    above = rule.above
    assert isinstance(above, ProductForm)
    dynamic = run("inspect", "CLIPImageProcessorPil", "--why")
    assert f"shrinking up to {rule.most:.2g} times" in dynamic
    assert f"{above.name}, {above.digits} digits" in dynamic
    small = run("inspect", "CLIPImageProcessorPil", "--why", "--image-size", "300x224")
    assert "300 to 300 pixels" not in small
    assert "the side stays at 224 pixels" in small
    large = run("inspect", "CLIPImageProcessorPil", "--why", "--image-size", "3000x4000")
    assert "4000 to 298 pixels" in large
    assert f"{above.name}, {above.digits} digits" in large
    assert "nearest has no weights" in run("inspect", "CLIPImageProcessorPil", "--why", "--set", "resample=0")
    assert "enlarging both sides, to 8192 pixels at most" in run("inspect", "DetrImageProcessorPil", "--why")
    assert "enlarging" not in run("inspect", "ViTImageProcessorPil", "--why")
    assert "enlarges between two pixels" in run("inspect", "ViTImageProcessorPil", "--why", "--image-size", "100x90")


def test_why_says_what_cuda_would_leave_to_the_cpu() -> None:
    on_cpu = run_json("inspect", "CLIPImageProcessor", "--why")["why"]["cuda_fallbacks"]
    assert "MatMulInteger" in {f["operator"] for f in on_cpu}
    assert all(f["node"] and f["reason"] for f in on_cpu)
    assert "MatMulInteger" in run("inspect", "CLIPImageProcessor", "--why")
    text = run("inspect", "CLIPImageProcessor", "--why", "--target", "cuda")
    assert "have CUDA kernels" in text


def test_why_of_a_fixed_graph_is_of_its_own_size(tmp_path: Path) -> None:
    path = str(tmp_path / "fixed.onnx")
    run("export", "CLIPImageProcessor", "--image-size", "448x448", "-o", path)
    found, direct = (run("inspect", *source, "--why") for source in ((path,), ("CLIPImageProcessor", "--image-size", "448x448")))
    assert "448 to 224 pixels" in found
    assert found == direct


def test_the_graph_of_a_pipeline_is_read_as_any_other(tmp_path: Path) -> None:
    text = "program Own\ninput image: u8[height, width, 3] HWC\nx = to_channels_first(image)\n"
    pipeline = gp.Pipeline(f"{text}y = rescale<factor=0.5>(x)\noutput pixel_values = y")
    path = str(pipeline.export(tmp_path / "own.onnx"))
    shown = run("inspect", path, "--why")
    assert str(pipeline.program) in shown
    assert shown.count("rescale<factor=0.5>") == 1
    assert "rescale -> byte_map" in shown
    assert run_json("verify", path)["ok"]


# ---- list and demo ---------------------------------------------------------------------------------------------


def test_demo_writes_runs_and_verifies(tmp_path: Path) -> None:
    folder = tmp_path / "new folder"
    text = run("demo", "-o", str(folder))
    path = folder / "preprocessing.onnx"
    assert os.listdir(folder) == ["preprocessing.onnx"]
    for part in ("0 of 150,528", "ms (median", f"{path.stat().st_size:,} bytes", f"graphproc inspect '{path}' --why"):
        assert part in text
    result = run_json("demo", "-o", str(folder))
    assert result["ok"] is True
    assert result["path"] == str(path)
    assert set(result["milliseconds"]) == {"onnxruntime", "numpy"}


def test_demo_exits_1_on_a_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    import shutil

    from graphproc.wrappers.processor import BaseImageProcessor

    monkeypatch.setattr(BaseImageProcessor, "export", lambda self, path: Path(shutil.copy(wrong, path)))
    assert run_json("demo", "-o", str(tmp_path), code=1)["ok"] is False


# ---- output ----------------------------------------------------------------------------------------------------


def test_json_has_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    output.as_json({"a": [math.nan, math.inf, 1.5], "b": (-math.inf,)})
    assert json.loads(capsys.readouterr().out) == {"a": [None, None, 1.5], "b": [None]}


def test_brackets_in_names_are_not_markup(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("image",), [("[red]a[/red].png",)])
    output.fields([("[b]", "[i]x")])
    output.heading("Wrote [bold]x.onnx")
    text = capsys.readouterr().out
    assert all(part in text for part in ("[red]a[/red].png", "[b]", "[i]x", "Wrote [bold]x.onnx"))


def test_lines_are_not_cut_without_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    name = "x" * 300
    output.table(("image", "output"), [(name, "pixel_values")])
    assert f"{name}  pixel_values\n" in capsys.readouterr().out


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(output.progress([1, 2, 3], 3)) == [1, 2, 3]
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_progress_goes_to_stderr_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert list(output.progress([1, 2, 3], 3)) == [1, 2, 3]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "images" in captured.err


@pytest.mark.slow
def test_the_module_runs_as_a_program(root: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(root)}
    program = [sys.executable, "-m", "graphproc"]
    result = subprocess.run([*program, "demo"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "preprocessing.onnx").is_file()
    result = subprocess.run([*program, "nope"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert result.returncode == 2
    assert result.stderr.startswith("graphproc: No such command 'nope'")


# ---- config ----------------------------------------------------------------------------------------------------------


def test_config_shows_every_setting_and_what_was_assumed(tmp_path: Path) -> None:
    settings = {"image_processor_type": "ViTFeatureExtractor", "size": 40, "note": "kept"}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    result = runner.invoke(app, ["config", str(tmp_path), "--set", "do_normalize=null", "--json"])
    assert (result.exit_code, result.stderr) == (0, "")
    found = json.loads(result.stdout)
    assert found["processor"] == "ViTImageProcessor"
    assert found["settings"]["size"] == {"height": 40, "width": 40}
    assert found["settings"]["do_normalize"] is None
    assert found["unknown"] == {"note": "kept"}
    (assumed,) = found["assumed"]
    assert "'ViTFeatureExtractor' is taken for ViTImageProcessor" in assumed
    text = runner.invoke(app, ["config", str(tmp_path)]).stdout
    assert '{"height": 40, "width": 40}' in text
    assert assumed in text
    assert "Not set: " in text
    assert "Kept, and without effect" in text


def test_commands_say_what_they_assume_on_stderr(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"image_processor_type": "SwinImageProcessor", "size": 40}))
    result = runner.invoke(app, ["inspect", str(path)])
    assert result.exit_code == 0
    assert result.stderr == (
        f"graphproc: note: {path}: image_processor_type 'SwinImageProcessor' is taken for ViTImageProcessor\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["CLIPImageProcessor", "DetrImageProcessor"])
@pytest.mark.parametrize("backend", ["pil", "torchvision"])
def test_run_reads_a_file_as_the_processor_does(tmp_path: Path, name: str, backend: str) -> None:
    """Which replaces a transparent colour where it converts images to RGB with Pillow, and keeps it elsewhere."""
    path = write_odd_files(tmp_path)["key of RGB.png"]
    graph, out = tmp_path / "graph.onnx", tmp_path / "out.npz"
    run("export", name, "--backend", backend, "-o", str(graph))
    for engine in ("onnxruntime", "numpy"):
        run("run", str(graph), str(path), "--engine", engine, "-o", str(out))
        expected = getattr(gp, name)(backend=backend)(str(path), return_tensors="np")["pixel_values"]
        np.testing.assert_array_equal(np.load(out)["pixel_values"], expected)


@pytest.mark.parametrize("engine", ["onnxruntime", "numpy"])
def test_run_says_which_image_does_not_fit(tmp_path: Path, engine: str) -> None:
    from PIL import Image

    noise = np.random.default_rng(0).integers(0, 256, (31, 40, 3), dtype=np.uint8)
    for name, array in {
        "good": noise[:30],
        "map": noise[:30, :, 0],
        "tall": noise[..., 0],
        "thin": noise[:1].repeat(9, 1),
    }.items():
        Image.fromarray(array).save(tmp_path / f"{name}.png")
    good, map, tall, thin = (str(tmp_path / f"{name}.png") for name in ("good", "map", "tall", "thin"))
    maps = ("--with", f"trimap={map}", "--with", f"trimap={tall}")
    said = run("run", "VitMatteImageProcessor", good, good, *maps, "--engine", engine, code=2)
    assert "good.png: trimap: expected a height of 30, as the inputs before it have, got 31" in said
    size = ("--set", 'size={"shortest_edge": 1, "longest_edge": 3}', "--set", "do_center_crop=false")
    said = run("run", "CLIPImageProcessor", good, thin, *size, "--engine", engine, code=2)
    assert "thin.png: CLIPImageProcessor: the resized height rounds to less than 1 pixel" in said
