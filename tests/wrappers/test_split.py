"""Calls, files and modules of split processors: bytes, and what makes floats of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import graphproc as gp
from graphproc.errors import ConfigError, EmitError, GraphError, ImageError, ProgramError, ShapeError
from graphproc.runtime.session import Session
from graphproc.wrappers.examples import photograph

RNG = np.random.default_rng(2)
IMAGE = RNG.integers(0, 256, (60, 77, 3), dtype=np.uint8)
OTHER = RNG.integers(0, 256, (50, 40, 3), dtype=np.uint8)
SMALL = gp.CLIPImageProcessor(size=40, crop_size=32)


def names_of(found: Any) -> set[str]:
    return {key for key in found if f"{key}_scale" in found}


@pytest.mark.parametrize("backend", ["torchvision", "pil"])
@pytest.mark.parametrize("engine", ["onnxruntime", "numpy"])
@pytest.mark.parametrize(
    ("name", "settings", "images"),
    [
        ("CLIP", {"size": 40, "crop_size": 32}, [IMAGE, OTHER]),
        ("Qwen2VL", {}, [IMAGE, OTHER]),
        ("Gemma4", {}, [IMAGE]),
        ("DeepseekOcr2", {"size": {"height": 61, "width": 61}, "tile_size": 40}, [IMAGE, IMAGE]),
    ],
)
def test_a_call_leaves_bytes(name: str, settings: dict[str, Any], images: list[Any], engine: str, backend: str) -> None:
    own = getattr(gp, f"{name}ImageProcessor")(backend=backend, **settings)
    whole, found = (own(images, return_tensors="np", engine=engine, split=split) for split in (False, True))
    mapped = names_of(found)
    assert set(found) == set(whole) | {f"{key}_{what}" for key in mapped for what in ("scale", "offset")}
    for key, want in whole.items():
        have = found[key]
        if key in mapped:
            line = own.split().mapped[key].affine()
            assert have.dtype == np.uint8
            np.testing.assert_array_equal(found[f"{key}_scale"], line.scale)
            have = have * found[f"{key}_scale"] + found[f"{key}_offset"]
            assert (have.dtype, have.shape) == (want.dtype, want.shape)
            assert abs(have.astype(np.float64) - want).max() <= line.bound
        else:
            np.testing.assert_array_equal(have, want)


@pytest.mark.parametrize(
    "name", ["CLIPImageProcessor", "SiglipImageProcessor", "ViTImageProcessorPil", "LlavaOnevisionImageProcessor"]
)
def test_bytes_are_those_that_transformers_normalizes(name: str) -> None:
    transformers = pytest.importorskip("transformers")
    theirs = getattr(transformers, name)()
    pixels = photograph().copy()
    wanted = theirs(pixels, return_tensors="np", do_rescale=False, do_normalize=False)["pixel_values"]
    found = getattr(gp, name)()(pixels, return_tensors="np", split=True)["pixel_values"]
    assert found.dtype == wanted.dtype == np.uint8
    np.testing.assert_array_equal(found, wanted)


def test_containers_are_those_of_other_calls() -> None:
    torch = pytest.importorskip("torch")
    found = SMALL(IMAGE, return_tensors="pt", split=True)
    assert (found["pixel_values"].dtype, found["pixel_values_scale"].dtype) == (torch.uint8, torch.float32)
    found = SMALL(IMAGE, split=True)
    assert isinstance(found["pixel_values"], list)
    assert torch.is_tensor(found["pixel_values_offset"])
    found = gp.CLIPImageProcessorPil(size=40, crop_size=32)([IMAGE, OTHER], split=True)
    assert [type(array) for array in found["pixel_values"]] == [np.ndarray] * 2
    assert isinstance(found["pixel_values_offset"], np.ndarray)


def test_changed_numbers_do_not_reach_later_calls() -> None:
    SMALL(IMAGE, return_tensors="np", split=True)["pixel_values_scale"][...] = 0
    assert SMALL(IMAGE, return_tensors="np", split=True)["pixel_values_scale"].all()


def test_settings_of_a_call_count() -> None:
    found = SMALL(IMAGE, return_tensors="np", split=True, image_mean=[0, 0, 0], image_std=[1, 1, 1])
    np.testing.assert_array_equal(found["pixel_values_offset"], [0])
    np.testing.assert_array_equal(found["pixel_values_scale"], np.float32([1 / 255]))


def test_images_of_one_channel_are_split_too() -> None:
    gray = gp.ViTImageProcessorPil(size=24, do_convert_rgb=False, image_mean=[0.5], image_std=[0.5])
    image = IMAGE[..., :1]
    whole, found = (gray(image, return_tensors="np", split=split)["pixel_values"] for split in (False, True))
    assert (found.dtype, found.shape) == (np.uint8, whole.shape)


# --- what is refused


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: gp.SamImageProcessor()(IMAGE, split=True), ProgramError, "pad comes behind the map of bytes, and no byte"),
        (lambda: gp.LayoutLMv2ImageProcessor()(IMAGE, split=True), ProgramError, "no output is a map of bytes to floats"),
        (lambda: gp.DINOv3ViTImageProcessor().split(), ProgramError, "resample comes behind the map of bytes. Leave split out"),
        (lambda: SMALL(IMAGE / np.float32(255), split=True), ImageError, "expected an image of bytes to split, got float32"),
        (lambda: SMALL([IMAGE, IMAGE / 255], split=True), ImageError, "image 1: expected an image of bytes to split"),
        (lambda: SMALL.to_onnx(part="half"), EmitError, "part: expected one of whole, bytes, map, got 'half'"),
        (lambda: SMALL.to_onnx(dtype="float16"), EmitError, "dtype: 'float16' is for the map of bytes alone"),
        (lambda: SMALL.compile(part="map"), ConfigError, "part: expected 'whole' or 'bytes', got 'map'"),
    ],
)  # fmt: skip
def test_what_is_not_split(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_images_that_would_be_padded_with_no_byte() -> None:
    own = gp.DetrImageProcessor(size={"shortest_edge": 60, "longest_edge": 90})
    assert own([IMAGE, IMAGE], return_tensors="np", split=True)["pixel_values"].dtype == np.uint8
    with pytest.raises(ShapeError, match=r"pixel_values: expected one shape .* padded with 0, which no byte is mapped to"):
        own([IMAGE, OTHER], split=True)


# --- files, graphs, modules


def test_two_files_are_written_or_none(tmp_path: Path) -> None:
    first, second = SMALL.export(tmp_path / "clip.onnx", split=True, dtype="float16", image_size=(60, 77), batch_size=2)
    assert [path.name for path in (first, second)] == ["clip.bytes.onnx", "clip.map.onnx"]
    metadata = {entry.key: entry.value for entry in onnx.load(second).metadata_props}
    assert metadata["graphproc.part"] == "map"
    assert metadata["graphproc.parity"].endswith(", rounded to float16")
    assert list(json.loads(metadata["graphproc.affine"])) == ["pixel_values"]
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "clip.map.onnx").mkdir()
    with pytest.raises(ConfigError, match="cannot be written"):
        SMALL.export(folder / "clip.onnx", split=True)
    assert [path.name for path in folder.iterdir()] == ["clip.map.onnx"]
    with pytest.raises(ProgramError, match="it cannot be split"):
        gp.SamImageProcessor().export(tmp_path / "sam.onnx", split=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.bytes.onnx", "clip.map.onnx", "other"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [{}, {"kernels": True}, {"input": "sequence"}, {"image_size": (60, 77), "batch_size": 3}], ids=str
)
def test_the_first_graph_is_verified_and_emitted_anew(tmp_path: Path, options: dict[str, Any]) -> None:
    first, second = SMALL.export(tmp_path / "clip.onnx", split=True, **options)
    report = gp.verify(first)
    assert report.ok
    assert report.comparisons[0].shape[0] == options.get("batch_size", 1)
    assert Session(first)._described() is not None
    with pytest.raises(GraphError, match=r"got the map of a split one. Verify the graph of its bytes"):
        gp.verify(second)


def test_the_map_is_a_module() -> None:
    torch = pytest.importorskip("torch")
    images = torch.from_numpy(np.stack([IMAGE, IMAGE[::-1]]))
    whole = SMALL.to_torch()(images)["pixel_values"]
    bytes_ = SMALL.to_torch(part="bytes")(images)["pixel_values"]
    assert bytes_.dtype == torch.uint8
    assert torch.equal(SMALL.to_torch(part="map")(bytes_)["pixel_values"], whole)
    narrow = SMALL.to_torch(part="map", dtype="bfloat16")(bytes_)["pixel_values"]
    assert torch.equal(narrow, whole.to(torch.bfloat16))
    scale, offset = (
        torch.from_numpy(v) for v in (lambda line: (line.scale, line.offset))(SMALL.split().mapped["pixel_values"].affine())
    )
    assert (bytes_.float() * scale + offset - whole).abs().max() <= SMALL.split().mapped["pixel_values"].affine().bound
