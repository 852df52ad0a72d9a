"""Kits as they are written: the same bytes, below their limit, with the values that graphs give and what files say."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiers
from PIL import Image

import graphproc as gp
from graphproc.errors import ConfigError
from graphproc.kits.manifest import Manifest, Tensor, read_manifest
from graphproc.processors.registry import lookup


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def check_file(folder: Path, one: Tensor) -> np.ndarray[Any, Any]:
    array = np.load(folder / one.file, allow_pickle=False)
    assert (array.dtype.name, array.shape) == (one.dtype, one.shape)
    assert sha256(array.tobytes()).hexdigest() == one.sha256
    return array


def test_the_same_kit_has_the_same_bytes(kit: Path, tmp_path: Path) -> None:
    gp.write_kit(gp.CLIPImageProcessor(size=20, crop_size=16), tmp_path / "again")
    assert files(tmp_path / "again") == files(kit)


def test_files_are_what_the_manifest_says(kit: Path, manifest: Manifest) -> None:
    named = {"README.md", "manifest.json", "manifest.tsv"}
    for case in manifest.cases:
        for image in case.images:
            pixels = check_file(kit, image.pixels)
            assert (np.asarray(Image.open(kit / image.png)) == pixels).all()
            named |= {image.png, image.pixels.file}
        for tensors in case.values.values():
            for one in tensors:
                assert one.file  # all fit
                check_file(kit, one)
                named.add(one.file)
    assert named == set(files(kit))
    assert len({sha256(data).hexdigest() for name, data in files(kit).items() if name.startswith("values")}) == sum(
        name.startswith("values") for name in files(kit)
    )  # nothing is there twice


@pytest.mark.slow
def test_every_step_is_what_a_graph_gives(kit: Path, manifest: Manifest) -> None:
    """ONNX Runtime decides: the graph with all steps as outputs."""
    for section in manifest.backends:
        processor = gp.CLIPImageProcessor(size=20, crop_size=16, backend=section.backend)
        session = gp.Session(processor.to_onnx(tap=[step.name for step in section.steps]))
        for case in manifest.cases:
            pixels = np.stack([np.load(kit / image.pixels.file) for image in case.images]) if len(case.images) == 1 else None
            if pixels is not None:
                found = session(pixels)
                for one in case.values[section.backend]:
                    assert found[one.name][0].tobytes() == check_file(kit, one).tobytes()


def test_cases_have_reasons_and_a_call_has_outputs_alone(manifest: Manifest) -> None:
    assert all(case.why for case in manifest.cases)
    *single, call = manifest.cases
    assert {len(case.images) for case in single} == {1}
    assert len(call.images) == 2
    assert [one.name for one in call.values["pil"]] == ["pixel_values"]
    assert call.values["pil"][0].shape == (2, 3, 16, 16)
    assert any(case.name.startswith("photo") for case in single)


@pytest.mark.slow
def test_a_small_limit_leaves_digests(tmp_path: Path) -> None:
    processor = gp.CLIPImageProcessor(size=20, crop_size=16)
    whole = gp.write_kit(processor, tmp_path / "whole").bytes
    small = gp.write_kit(processor, tmp_path / "small", max_size=whole / 1e6 - 0.01)
    assert small.bytes == sum(map(len, files(tmp_path / "small").values())) <= whole - 10_000
    tensors = [one for case in small.manifest.cases for values in case.values.values() for one in values]
    assert 0 < sum(bool(one.file) for one in tensors) < len(tensors)
    with pytest.raises(ConfigError, match=r"max_size: expected at least 0\.5\d MB for images and digests, got 0\.1"):
        gp.write_kit(processor, tmp_path / "none", max_size=0.1)
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_one_backend_alone(tmp_path: Path) -> None:
    kit = gp.write_kit(gp.ViTImageProcessor(size=16, backend="pil"), tmp_path / "vit", backends=["pil"])
    assert [section.backend for section in kit.manifest.backends] == ["pil"]
    first = gp.write_kit(gp.ViTImageProcessor(size=16, backend="pil"), tmp_path / "both")
    assert [section.backend for section in first.manifest.backends] == ["pil", "torchvision"]


def test_a_backend_that_does_not_take_the_settings_is_left_out(tmp_path: Path) -> None:
    processor = gp.CLIPImageProcessor(size=20, crop_size=16, rescale_factor=0, backend="pil")
    kit = gp.write_kit(processor, tmp_path / "kit")
    assert list(kit.left_out) == ["torchvision"]
    assert "rescale_factor" in kit.left_out["torchvision"]
    with pytest.raises(ConfigError, match="rescale_factor"):
        gp.write_kit(processor, tmp_path / "other", backends=["torchvision"])


KINDS = {
    "label maps": ("BeitImageProcessor", {"size": 24}),
    "images as prompts": ("SegGptImageProcessor", {"size": 24}),
    "trimaps": ("VitMatteImageProcessor", {}),
    "boxes": ("VitPoseImageProcessor", {"size": {"height": 32, "width": 24}}),
    "pairs": ("LightGlueImageProcessor", {"size": {"height": 24, "width": 32}}),
    "frames": ("VideoMAEImageProcessor", {"size": {"shortest_edge": 20}, "crop_size": 16}),
    "sizes in pixels": ("NougatImageProcessor", {"size": {"height": 64, "width": 48}}),
    "padded results": ("DetrImageProcessor", {"size": {"shortest_edge": 30, "longest_edge": 45}}),
    "patches": ("Qwen2VLImageProcessor", {"size": {"shortest_edge": 3136, "longest_edge": 9000}}),
    "tiles": ("Idefics3ImageProcessor", {"size": {"longest_edge": 60}, "max_image_size": {"longest_edge": 30}}),
    "settings of a call": (
        "PPOCRV5ServerRecImageProcessor",
        {"size": {"height": 16, "width": 60}, "pad_size": None, "do_pad": False},
    ),
    "several in a sample": (
        "LlavaOnevisionImageProcessor",
        {"size": {"height": 20, "width": 20}, "image_grid_pinpoints": [[20, 40]]},
    ),
    "no default": ("ImageGPTImageProcessor", {"clusters": [[-1, -1, -1], [0, 0.5, 1]], "size": 8}),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", tiers.rows(KINDS, ["label maps", "pairs", "sizes in pixels", "boxes"]))
def test_every_kind_of_class(kind: str, tmp_path: Path) -> None:
    name, settings = KINDS[kind]
    written = gp.write_kit(getattr(gp, name)(**settings), tmp_path / "kit")
    found = read_manifest(tmp_path / "kit")
    assert found == written.manifest
    assert written.bytes <= 2_000_000
    optional = list(lookup(name).extra_inputs)
    for case in found.cases:
        for image in case.images:
            assert [one.name for one in image.inputs] == optional
            for one in image.inputs:
                check_file(tmp_path / "kit", one)
        assert all(case.values.values())
    single = found.cases[0]
    for section in found.backends:
        assert [one.name for one in single.values[section.backend]] == [step.name for step in section.steps]
        assert {one.step for one in section.outputs} <= {step.name for step in section.steps}
    assert len(found.cases[-1].images) == 2
    if kind == "sizes in pixels":
        assert {"page_61x47", "blank_61x47"} <= {case.name for case in found.cases}
