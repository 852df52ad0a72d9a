"""Settings of a call that transformers ignores or reads in some steps alone: its results, and one warning."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import tiers
from cases.parity import difference, keywords, picture, reference_class, sample

import graphproc as gp
from graphproc.errors import ConfigError
from graphproc.processors.calls import CALL_ALONE, GIVEN, NONZERO, OWN, PARTLY, settle

Settings = Mapping[str, Any]

SMALL = {"size": {"height": 56, "width": 56}}
FINE = {**SMALL, "high_res_size": {"height": 112, "width": 112}}
MEAN = (0.1, 0.4, 0.7)
CASES: list[tuple[str, str, Settings, Settings, str]] = [
    ("Emu3ImageProcessor", "pil", {"min_pixels": 400, "max_pixels": 9000}, {"max_pixels": 1000}, "max_pixels"),
    ("Emu3ImageProcessor", "pil", {"min_pixels": 400, "max_pixels": 9000}, {"min_pixels": 8000}, "min_pixels"),
    ("Emu3ImageProcessor", "pil", {"min_pixels": 400, "max_pixels": 9000}, {"spatial_factor": 16}, "spatial_factor"),
    ("Emu3ImageProcessor", "pil", {"min_pixels": 400, "max_pixels": 9000}, {"resample": None, "do_normalize": None}, ""),
    ("Emu3ImageProcessor", "pil", {"min_pixels": 400, "max_pixels": 9000}, {"do_pad": False}, ""),
    ("Emu3ImageProcessor", "pil", {"min_pixels": 400, "max_pixels": 9000, "do_pad": False}, {}, "do_pad"),
    ("Emu3ImageProcessor", "pil", {"min_pixels": 400, "max_pixels": 9000}, {"do_center_crop": True}, ""),
    ("IdeficsImageProcessor", "pil", SMALL, {"image_size": 64}, "image_size"),
    ("IdeficsImageProcessor", "torchvision", SMALL, {"image_size": 64}, "image_size"),
    ("PPOCRV5ServerRecImageProcessor", "torchvision", {}, {"size": {"height": 64, "width": 320}}, "size"),
    ("PPOCRV5ServerRecImageProcessor", "torchvision", {}, {"max_image_width": 60}, "max_image_width"),
    ("PPOCRV6SmallRecImageProcessor", "torchvision", {}, {"size": {"height": 64, "width": 320}}, "size"),
    ("PPOCRV6SmallRecImageProcessor", "torchvision", {}, {"max_image_width": 60}, "max_image_width"),
    ("PerceptionLMImageProcessor", "torchvision", {"tile_size": 32}, {"max_num_tiles": 2}, "max_num_tiles"),
    ("PerceptionLMImageProcessor", "torchvision", {"tile_size": 32}, {"max_num_tiles": 1}, "max_num_tiles"),
    ("UnlimitedOcrImageProcessor", "torchvision", SMALL, {"background_color": [9, 8, 7]}, "background_color"),
    ("DeepseekOcr2ImageProcessor", "torchvision", SMALL, {"background_color": [9, 8, 7]}, "background_color"),
    ("DeepseekOcr2ImageProcessor", "pil", SMALL, {"background_color": [9, 8, 7]}, ""),
    ("Step3p7ImageProcessor", "torchvision", {**SMALL, "patch_size": 48}, {"max_image_size": 60}, "max_image_size"),
    ("MllamaImageProcessor", "pil", SMALL, {"do_resize": False}, "do_resize"),
    ("MllamaImageProcessor", "torchvision", SMALL, {"do_pad": False}, "do_pad"),
    ("VideoLlavaImageProcessor", "pil", {"return_legacy_image_output": False}, {}, "return_legacy_image_output"),
    ("VideoLlavaImageProcessor", "pil", {}, {"return_legacy_image_output": False, "crop_size": None}, ""),
    ("VivitImageProcessor", "pil", {}, {"size": None, "image_mean": None, "offset": None}, ""),
    ("ViltImageProcessor", "pil", {"size": {"shortest_edge": 40}}, {"size_divisor": 0}, "size_divisor"),
    ("ViltImageProcessor", "torchvision", {"size": {"shortest_edge": 40}, "size_divisor": None}, {}, ""),
    ("GLPNImageProcessor", "pil", {"resample": None}, {}, ""),
    ("GLPNImageProcessor", "torchvision", {}, {"resample": None}, ""),
    ("PPLCNetImageProcessor", "torchvision", {"resize_short": None}, {"resize_short": 64}, "resize_short"),
    *(
        (f"{name}ImageProcessor", backend, FINE if name == "DeepseekVLHybrid" else SMALL, changes, key)
        for name in ("DeepseekVL", "DeepseekVLHybrid", "Janus")
        for backend in ("pil", "torchvision")
        for changes, key in (
            ({"image_mean": MEAN}, "image_mean"),
            ({"image_mean": 0.3}, "image_mean"),
            ({"resample": 0}, "resample" if backend == "pil" else ""),
            ({"resample": 2}, ""),
            ({"min_size": 0}, ""),
        )
    ),
    *(
        (f"{name}ImageProcessor", backend, {}, {"size": 66, "default_to_square": True}, "")
        for name in ("Detr", "Mask2Former", "MaskFormer", "Yolos")
        for backend in ("pil", "torchvision")
    ),
    ("VivitImageProcessor", "pil", {}, {"size": 60}, ""),
    ("DonutImageProcessor", "pil", {}, {"size": (60, 40)}, ""),
    *(
        ("DeepseekVLHybridImageProcessor", backend, {**FINE, "resample": 2, **own}, changes, key)
        for backend in ("pil", "torchvision")
        for own, changes, key in (
            ({}, {"high_res_image_mean": MEAN}, "high_res_image_mean"),
            ({}, {"high_res_resample": 0}, ""),
            ({"high_res_resample": 0}, {}, ""),
            ({"high_res_resample": None}, {"resample": 3}, ""),
        )
    ),
]


@pytest.mark.parametrize(("name", "backend", "own", "given", "warned"), tiers.rows(CASES, CASES[::6]))
@pytest.mark.parametrize("engine", tiers.rows(["numpy", "onnxruntime"], ["onnxruntime"]))
def test_transformers(name: str, backend: str, own: Settings, given: Settings, warned: str, engine: str) -> None:
    """A call's settings do what they do there, and a warning names the one that is not read."""
    reference = reference_class(name, backend)(**own)
    images = sample(name, picture((40, 72), "photograph"))
    tensors = "np" if backend == "pil" else "pt"
    processor = getattr(gp, name)(backend=backend, **own)
    for _ in range(2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = processor(images, return_tensors="np", engine=engine, **keywords(name, images), **given)
        said = [str(warning.message) for warning in caught if name in str(warning.message)]
        assert [warned in text for text in said] == [True] * bool(warned), said
        warned = ""  # once
    expected = reference(images, return_tensors=tensors, **keywords(name, images), **given)
    wrap = (lambda value: {"pixel_values": value}) if processor.compile().outputs[0].delivery.alone else dict
    bound = processor.spec.parity_of(backend).bound or 0.0
    arrays = [{key: np.asarray(value) for key, value in wrap(outcome).items()} for outcome in (found, expected)]
    assert not difference(arrays[0], arrays[1], bound)


def test_margin_of_several_images() -> None:
    """LLaVA-OneVision's squares have the colour of the processor's own mean."""
    images = [picture((40, 72), "photograph"), picture((72, 40), "noise")]
    for backend in ("pil", "torchvision"):
        processor = gp.LlavaOnevisionImageProcessor(backend=backend, **SMALL)
        reference = reference_class("LlavaOnevisionImageProcessor", backend)(**SMALL)
        with pytest.warns(UserWarning, match="image_mean in a call"):
            found = processor([images], return_tensors="np", image_mean=MEAN)
        expected = reference([images], return_tensors="np" if backend == "pil" else "pt", image_mean=MEAN)
        assert np.array_equal(found.pixel_values, np.asarray(expected.pixel_values))


@pytest.mark.parametrize("backend", ["pil", "torchvision"])
@pytest.mark.parametrize("name", ["DetrImageProcessor", "Mask2FormerImageProcessor"])
def test_spellings_that_constructors_understand_alone(name: str, backend: str) -> None:
    """A number is a shortest edge with a default longest one in DETR's constructor; in a call it lacks that."""
    image = picture((40, 72), "noise")
    reference, processor = reference_class(name, backend), getattr(gp, name)
    if name == "DetrImageProcessor":
        found = processor(backend=backend, size=66)(image, return_tensors="np").pixel_values
        assert np.array_equal(found, np.asarray(reference(size=66)(image, return_tensors="pt").pixel_values))
    with pytest.raises(ValueError, match=r"longest_edge|Size must contain|size must contain"):
        reference()(image, size=66)
    with pytest.raises(ConfigError, match="longest_edge"):
        processor(backend=backend)(image, size=66)


@pytest.mark.parametrize("name", ["CLIP", "Detr", "Donut", "Idefics3", "MaskFormer", "Qwen2VL", "Vivit"])
def test_a_size_of_null_in_a_constructor(name: str) -> None:
    """It is the class's default, or none, as in transformers."""
    theirs = reference_class(f"{name}ImageProcessor", "pil")(size=None).size
    ours = getattr(gp, f"{name}ImageProcessor")(backend="pil", size=None).size
    assert ours == (theirs if theirs is None else {key: side for key, side in dict(theirs).items() if side is not None})


def test_the_settings_of_a_graph_are_those_of_the_call() -> None:
    graph = gp.DetrImageProcessor().to_onnx(input="image", size=66, default_to_square=True)
    session = gp.Session(graph)
    assert session.config()["size"] == {"height": 66, "width": 66}
    assert session.run({"image": np.asarray(picture((40, 72), "noise"))})["pixel_values"].shape == (1, 3, 66, 66)


def test_where_it_points() -> None:
    """The warning is at the line of the call."""
    with pytest.warns(UserWarning, match="image_size=64 changes nothing") as caught:
        gp.IdeficsImageProcessor()(picture((8, 8), "noise"), image_size=64)
    assert caught[0].filename == __file__


def test_settle() -> None:
    """Each way to read a setting."""
    reads = {"a": OWN, "b": GIVEN, "c": NONZERO, "d": PARTLY, "e": CALL_ALONE}
    own = {"a": 1, "b": (1, 2), "c": 3, "d": 4, "e": 5}
    settled = settle(reads, "pil", own, {"e": 6}, {"a": 2, "b": None, "c": 0, "d": 5, "z": 9})
    assert settled.changes == {"d": 5, "z": 9}
    assert set(settled.unread) == {"a", "c", "d", "e"}
    settled = settle(reads, "pil", own, {"e": 6}, {"a": 1, "b": [1, 2], "c": 4, "d": 4, "e": 7})
    assert settled.changes == {"a": 1, "b": [1, 2], "c": 4, "d": 4, "e": 7}
    assert not settled.unread


def test_graph_of_a_setting_of_calls() -> None:
    """A graph has it where the export gives it; what the processor was made with changes nothing there either."""
    assert [o.name for o in gp.VideoLlavaImageProcessor(return_legacy_image_output=False).compile().outputs] == [
        "pixel_values_images"
    ]
    graph = gp.VideoLlavaImageProcessor(size={"shortest_edge": 20}, crop_size=16).to_onnx(return_legacy_image_output=False)
    assert [o.name for o in graph.graph.output] == ["pixel_values"]
    assert gp.verify(graph, [picture((30, 40), "noise")]).ok
