"""`graphproc fuse`: what it writes, prints and refuses."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import onnx
import pytest
from support.nets import conv, detector
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


@pytest.mark.parametrize("backend", ["pil", "torchvision"])
def test_the_backend_is_the_one_that_is_asked_for(backend: str, net: Path, tmp_path: Path) -> None:
    out = tmp_path / "fused.onnx"
    run("fuse", SOURCE[0], net, "-o", out, *SOURCE[1:], "--backend", backend)
    expected = gp.fuse(gp.ViTImageProcessor(size=32, backend=backend), net)
    assert out.read_bytes() == expected.SerializeToString(deterministic=True)


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


@pytest.mark.slow
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
        (("--map", "pixel_values"), "--map: expected two names such as pixel_values=input.1, got 'pixel_values'"),
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


@pytest.mark.slow
def test_options_of_a_processor_with_a_graph(net: Path, tmp_path: Path) -> None:
    graph = gp.ViTImageProcessor(size=32).export(tmp_path / "pre.onnx")
    for option in (("--target", "cuda"), ("--input", "image"), ("--color", "bgr")):
        result = run("fuse", graph, net, "-o", tmp_path / "f.onnx", *option, code=2)
        assert f"{option[0]}: {graph} was exported with its own" in result.stderr
    assert "compiled in" in run("fuse", graph, net, "-o", tmp_path / "f.onnx", "--set", "size=3", code=2).stderr
    assert "Missing option" in run("fuse", graph, net, code=2).stderr


# ---- post-processing -------------------------------------------------------------------------------------------

DETECTOR = ("RTDetrImageProcessor", "--set", 'size={"height": 32, "width": 40}')


@pytest.fixture
def found(tmp_path: Path) -> Path:
    """Return a detector with output names of its own."""
    path = tmp_path / "detector.onnx"
    onnx.save(detector(names=("output0", "output1")), path)
    return path


NAMES = ("--post-map", "output0=logits", "--post-map", "output1=pred_boxes")


def test_post_processing_gives_what_the_library_gives(found: Path, tmp_path: Path) -> None:
    labels = tmp_path / "config.json"
    labels.write_text('{"model_type": "rt_detr", "id2label": {"0": "cat", "1": "dog"}}')
    options = ("--post", DETECTOR[0], "--post-method", "object_detection", "--post-set", "threshold=0.25", *NAMES)
    out = tmp_path / "fused.onnx"
    result = run("fuse", DETECTOR[0], found, *DETECTOR[1:], *options, "--labels", labels, "-o", out)
    for part in ("output0 -> logits", "target_size -> target_size", "count: int64[batch]", "boxes: float32[batch, "):
        assert part in result.stdout
    own = gp.RTDetrImageProcessor(size={"height": 32, "width": 40})
    expected = gp.fuse(
        own,
        found,
        post=gp.RTDetrImageProcessor(),
        post_method="object_detection",
        post_options={"threshold": 0.25, "id2label": {0: "cat", 1: "dog"}},
        post_map={"output0": "logits", "output1": "pred_boxes"},
    )
    assert out.read_bytes() == expected.SerializeToString(deterministic=True)
    entries = {entry.key: entry.value for entry in onnx.load(out).metadata_props}
    assert json.loads(entries["graphproc.id2label"]) == {"0": "cat", "1": "dog"}


def test_post_processing_from_a_graph_and_without_options(found: Path, tmp_path: Path) -> None:
    own = gp.RTDetrImageProcessor(size={"height": 32, "width": 40})
    post = tmp_path / "post.onnx"
    onnx.save(own.post_processing_to_onnx("object_detection"), post)
    written = []
    for index, source in enumerate((post, DETECTOR[0])):
        out = tmp_path / f"{index}.onnx"
        entry = json.loads(run("fuse", DETECTOR[0], found, *DETECTOR[1:], "--post", source, *NAMES, "-o", out, "--json").stdout)
        assert list(entry["outputs"]) == ["scores", "labels", "boxes", "count"]
        assert entry["joints"][-1] == {"input": "target_size", "output": "target_size"}
        written.append(out.read_bytes())
    assert written[0] == written[1]


def test_a_fused_detector_runs(found: Path, tmp_path: Path) -> None:
    out = tmp_path / "fused.onnx"
    run("fuse", DETECTOR[0], found, *DETECTOR[1:], "--post", DETECTOR[0], *NAMES, "--keep", "output0", "-o", out)
    shapes = {entry["name"]: entry["shape"] for entry in json.loads(run("run", out, PHOTO, "--json").stdout)["outputs"]}
    assert shapes == {"scores": [1, 6], "labels": [1, 6], "boxes": [1, 6, 4], "count": [1], "output0": [1, 6, 5]}
    run("inspect", out)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--post", DETECTOR[0]), "no method of RTDetrImageProcessor fits a model that gives output0"),
        (("--post", "NoSuchProcessor"), "NoSuchProcessor"),
        (("--post", "nowhere.onnx"), "postprocessing nowhere.onnx: cannot be read"),
        (("--post-method", "object_detection"), "Give post as well"),
        (("--post-set", "threshold=0.3"), "Give post as well"),
        (("--post-map", "output0=logits"), "Give post as well"),
        (("--post", DETECTOR[0], *NAMES, "--post-method", "masks"), "has no method 'post_process_masks'"),
        (("--post", DETECTOR[0], *NAMES, "--post-set", "threshold"), "--post-set: expected KEY=VALUE such as"),
        (("--post", DETECTOR[0], *NAMES, "--post-set", "threshold=high"), "threshold: expected a number, got 'high'"),
        (("--post", DETECTOR[0], *NAMES, "--post-set", "limit=3"), "unknown option 'limit'. Known: threshold"),
        (("--post", DETECTOR[0], "--post-map", "output0"), "--post-map: expected two names such as"),
        (("--post", DETECTOR[0], "--post-map", "output9=logits"), "--post-map: the model detector.onnx has no output 'output9'"),
        (("--post", DETECTOR[0], *NAMES, "--labels", "nowhere.json"), "nowhere.json: no such file"),
        (("--post", DETECTOR[0], *NAMES, "--labels", "empty.json"), "empty.json: expected id2label, names by numbers"),
        (("--labels", "labels.json"), "Give post as well"),
    ],
)
def test_post_processing_that_is_refused(
    options: tuple[str, ...], expected: str, found: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(found.parent)
    Path("empty.json").write_text("{}")
    Path("labels.json").write_text('{"0": "cat"}')
    before = sorted(os.listdir())
    result = run("fuse", DETECTOR[0], "detector.onnx", *DETECTOR[1:], "-o", "fused.onnx", *options, code=2)
    assert expected in result.stderr
    assert result.stderr.count("\n") == 1
    assert sorted(os.listdir()) == before


def test_the_same_source_has_the_same_settings_behind_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(
        "graphproc.fusion.fuse.fuse_graphs", lambda *args, **options: given.update(options, first=args[0]) or 1 / 0
    )
    for post, same in (("DetrImageProcessor", True), ("YolosImageProcessor", False)):
        with pytest.raises(ZeroDivisionError):
            runner.invoke(
                app,
                ["fuse", "DetrImageProcessor", "x.onnx", "-o", "y.onnx", "--set", "do_pad=false", "--post", post],
                catch_exceptions=False,
            )
        assert (given["post"] is given["first"]) is same
        assert given["first"].do_pad is False
