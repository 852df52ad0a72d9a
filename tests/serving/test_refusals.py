"""What `triton.write` refuses, and that it writes all or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from onnx import helper
from support.nets import FLOAT, conv, model
from support.triton_server import ServerChain

import graphproc as gp
from graphproc.errors import ConfigError, FusionError, GraphError
from graphproc.serving import triton

CLIP = gp.CLIPImageProcessor(size=32, crop_size=32)
LABELS = dict(enumerate("abcd"))

REFUSED: dict[str, tuple[Any, dict[str, Any], type[Exception], str]] = {
    "a sequence": (CLIP, {"input": "sequence"}, GraphError, r"expected a tensor, since Triton has no sequences"),
    "a batch that joins refuse": (
        gp.Qwen2VLImageProcessor(),
        {"max_batch_size": 4},
        GraphError,
        r"max_batch_size: expected 0, got 4: pixel_values .* has no batch axis in front",
    ),
    "a negative batch": (CLIP, {"max_batch_size": -1}, GraphError, r"max_batch_size: expected 0 or more, got -1"),
    "no instance": (CLIP, {"instances": 0}, ConfigError, r"instances: expected 1 or more, got 0"),
    "a path as a name": (CLIP, {"name": "../x"}, ConfigError, r"name: expected letters, digits, .* got '\.\./x'"),
    "a hidden name": (CLIP, {"name": ".x"}, ConfigError, r"name: expected letters"),
    "labels of no output": (CLIP, {"labels": LABELS}, ConfigError, r"an output with a score for each of 4 classes, found pixel"),
    "labels of other scores": (gp.fuse(CLIP, conv()), {"labels": {0: "a"}}, ConfigError, r"for each of 1 classes, found y"),
    "labels with a gap": (CLIP, {"labels": {0: "a", 2: "b"}}, ConfigError, r"expected names for all of 0 to 1, got \[0, 2\]"),
    "a label of two lines": (CLIP, {"labels": {0: "a\nb"}}, ConfigError, r"expected one line for class 0, got 'a\\nb'"),
    "a preprocessing as the model": (CLIP, {"model": CLIP.to_onnx()}, FusionError, r"is a graph with preprocessing already"),
    "a map without a model": (CLIP, {"map": {"a": "b"}}, FusionError, r"Give a model as well"),
    "options of a processor": (CLIP.to_onnx(), {"color": "bgr"}, FusionError, r"'color' is for processors"),
    "a warm-up that is refused": (
        gp.fuse(gp.CLIPImageProcessor(do_resize=False, do_center_crop=False), conv(shape=("N", 3, 50, 60))),
        {},
        GraphError,
        r"ONNX Runtime refuses the warm-up, images \[1, 480, 640, 3\] .* \(--image-size HxW\)",
    ),
    "operators that nobody has": (
        model(
            [helper.make_node("Nothing", ["x"], ["y"], domain="no.one")],
            {"x": (FLOAT, ["N"])},
            {"y": (FLOAT, ["N"])},
            domains=["no.one"],
        ),
        {},
        GraphError,
        r"ONNX Runtime cannot load it, so no server can",
    ),
    "complex numbers": (
        model([helper.make_node("Identity", ["x"], ["y"])], {"x": (14, ["N"])}, {"y": (14, ["N"])}),
        {},
        GraphError,
        r"Triton has no such element type",
    ),
    "nothing": (b"", {}, FusionError, r"expected an ONNX model"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_leave_nothing(case: str, tmp_path: Path) -> None:
    source, options, error, text = REFUSED[case]
    with pytest.raises(error, match=text):
        triton.write(source, tmp_path / "models", **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_existing_models_stay_unless_they_are_ours(tmp_path: Path) -> None:
    triton.write(CLIP, tmp_path, name="a")
    before = (tmp_path / "a" / "config.pbtxt").read_bytes()
    with pytest.raises(ConfigError, match=r"a: exists\. Give another --name, or replace it \(--overwrite\)"):
        triton.write(CLIP, tmp_path, name="a", color="bgr")
    assert (tmp_path / "a" / "config.pbtxt").read_bytes() == before
    (tmp_path / "a" / "2").mkdir()
    triton.write(CLIP, tmp_path, name="a", color="bgr", overwrite=True)
    assert ServerChain(tmp_path).configs["a"].parameters["graphproc.color"].string_value == "bgr"
    (tmp_path / "a" / "config.pbtxt").write_text('name: "a"')
    with pytest.raises(ConfigError, match=r"a: graphproc did not write it, so --overwrite leaves it"):
        triton.write(CLIP, tmp_path, name="a", overwrite=True)
    (tmp_path / "link").symlink_to(tmp_path / "a")
    with pytest.raises(ConfigError, match=r"link: graphproc did not write it"):
        triton.write(CLIP, tmp_path, name="link", overwrite=True)


def test_a_repository_that_cannot_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"file: expected a folder of models, found a file"):
        triton.write(CLIP, tmp_path / "file")
    with pytest.raises(ConfigError, match=r"models: cannot be written \(No such file or directory\)"):
        triton.write(CLIP, tmp_path / "nowhere" / "models")


@pytest.mark.parametrize("there", [False, True])
def test_all_or_nothing(there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the third of three models cannot be moved, those before it are as they were."""
    models = tmp_path / "models"
    if there:
        triton.write(CLIP, models, model=conv(), name="cats")
    before = {path: path.read_bytes() for path in models.rglob("*") if path.is_file()}
    rename = Path.rename

    def full(self: Path, target: Path) -> Path:
        if target == models / "cats" and ".old" not in self.parts:
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(ConfigError, match=r"models: cannot be written \(No space left on device\)"):
        triton.write(CLIP, models, model=conv(), name="cats", color="bgr", overwrite=True)
    assert {path: path.read_bytes() for path in models.rglob("*") if path.is_file()} == before
    assert [path.name for path in tmp_path.iterdir()] == (["models"] if there else [])


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("a/b/fused.onnx", "fused"),
        ("openai/clip-vit-base-patch32", "clip-vit-base-patch32"),
        ("CLIPImageProcessor", "CLIPImageProcessor"),
        ("my model/preprocessor_config.json", "preprocessor_config"),
        ("a folder/", "a_folder"),
        ("...", "model"),
    ],
)
def test_names(source: str, name: str) -> None:
    assert triton.name_of(source) == name
