"""Samples of several images, of different numbers of them, and without any, against transformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cases.parity as cases
import numpy as np
import pytest
import tiers

from graphproc.errors import ImageError, ShapeError
from graphproc.processors.registry import lookup

SMALL = {"size": {"longest_edge": 150}, "max_image_size": {"longest_edge": 50}, "return_row_col_info": True}
EDGES = {"size": {"shortest_edge": 40, "longest_edge": 90}}
SETTINGS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "Idefics2": ("Idefics2ImageProcessor", EDGES),
    "Idefics2 in quarters": ("Idefics2ImageProcessor", {**EDGES, "do_image_splitting": True}),
    "Idefics2 in quarters as they are": ("Idefics2ImageProcessor", {"do_resize": False, "do_image_splitting": True}),
    "Idefics3": ("Idefics3ImageProcessor", SMALL),
    "Idefics3 without tiles": ("Idefics3ImageProcessor", {**SMALL, "do_image_splitting": False}),
    "Idefics3 without padding": ("Idefics3ImageProcessor", {**SMALL, "do_pad": False}),
    "SmolVLM": ("SmolVLMImageProcessor", SMALL),
    "UltraVBert": ("UltraVBertImageProcessor", {**SMALL, "max_image_tiles": 4}),
    "UltraVBert without tiles": ("UltraVBertImageProcessor", {**SMALL, "do_image_splitting": False}),
    "Mllama": ("MllamaImageProcessor", {"size": {"height": 60, "width": 60}}),
    "Mllama of one tile": ("MllamaImageProcessor", {"size": {"height": 60, "width": 60}, "max_image_tiles": 1}),
}
SIZES = ((60, 90), (90, 61), (45, 45), (200, 31))
SAMPLES: tuple[tuple[tuple[int, ...], ...], ...] = (((0, 1), (2,)), ((0,), (1, 3), (2,)), ((3, 2, 1),), ((), (0, 1)), ((2,), ()))


def _plain(value: Any) -> Any:
    """Return arrays of arrays as lists."""
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.dtype == object):
        return [_plain(item) for item in value]
    return value


def _same(found: Any, expected: Any) -> bool:
    if isinstance(expected, list) and isinstance(found, (list, np.ndarray)):
        return len(found) == len(expected) and all(_same(a, b) for a, b in zip(found, expected, strict=True))
    a, b = np.asarray(found), np.asarray(expected)
    if not a.size and not b.size:  # a sample without images, in a list
        return True
    return a.dtype == b.dtype and np.array_equal(a, b)


@tiers.crossed(
    ("label", tiers.rows(SETTINGS, ["Idefics2", "Idefics3", "SmolVLM", "UltraVBert", "Mllama of one tile"])),
    ("tensors", ["np", None]),
    ("engine", ["onnxruntime", "numpy"]),
)
def test_samples(label: str, tensors: str | None, engine: str) -> None:
    """With the pil backend where the class has it."""
    name, settings = SETTINGS[label]
    settings = {**settings, "backend": lookup(name).backends[-1]}
    ours, theirs = cases.ours(name, settings), cases.theirs(name, settings)
    images = [cases.picture(size, "noise") for size in SIZES]
    for samples in SAMPLES:
        given = [[images[index] for index in sample] for sample in samples]
        expected = theirs(given, return_tensors=tensors)
        found = ours(given, return_tensors=tensors, engine=engine)
        assert list(found) == list(expected)
        for key, want in expected.items():
            assert _same(_plain(found[key]), _plain(want)), (key, samples)
            if isinstance(want, np.ndarray) and want.dtype != object:
                assert found[key].shape == want.shape, (key, samples)


def test_there_has_to_be_an_image() -> None:
    with pytest.raises(ImageError, match="at least one image"):
        cases.ours("MllamaImageProcessor", {})([[], []])


def test_images_that_cannot_be_stacked_are_refused() -> None:
    processor = cases.ours("Idefics2ImageProcessor", {"do_resize": False, "do_pad": False})
    images = [[cases.picture((8, 9), "noise"), cases.picture((9, 8), "noise")]]
    with pytest.raises(ShapeError, match=r"images of one shape in a sample, got \[3, 8, 9\], \[3, 9, 8\]"):
        processor(images)


def test_quarters_of_other_sizes_need_padding() -> None:
    processor = cases.ours("Idefics2ImageProcessor", {**EDGES, "do_image_splitting": True, "do_pad": False})
    with pytest.raises(ImageError, match="Set do_pad"):
        processor(cases.picture((60, 90), "noise"))


TORCHVISION = [label for label in SETTINGS if "Idefics" in label or label == "SmolVLM"]


@pytest.mark.parametrize("steps", [{}, {"do_rescale": False, "do_normalize": False}])
@pytest.mark.parametrize("label", tiers.rows(TORCHVISION, ["Idefics2"]))
def test_samples_of_torchvision(label: str, steps: Mapping[str, Any]) -> None:
    """Padded samples are floats, whatever steps follow. Rows and columns end with the last sample that has an image."""
    name, settings = SETTINGS[label]
    settings = {**settings, **steps, "backend": "torchvision"}
    ours, theirs = cases.ours(name, settings), cases.theirs(name, settings)
    images = [cases.picture(size, "noise") for size in SIZES]
    for samples in SAMPLES if settings.get("do_pad", True) else SAMPLES[2:3]:
        given = [[images[index] for index in sample] for sample in samples]
        expected, found = theirs(given, return_tensors="pt"), ours(given, return_tensors="pt")
        assert list(found) == list(expected)
        for key, want in expected.items():
            assert _same(_plain(found[key]), _plain(want)), (key, samples)


@pytest.mark.parametrize("name", ["Idefics3ImageProcessor", "MiniCPMV4_6ImageProcessor"])
def test_floats_go_through_every_resize(name: str) -> None:
    """Bytes scaled to [0, 1] and back are the same bytes, so that only the last resize scales."""
    pixels = np.random.default_rng(5).random((70, 90, 3), dtype=np.float32)
    settings = {**cases.CASES[name].always, "backend": "pil"}
    expected = cases.theirs(name, settings)(pixels, return_tensors="np")
    found = cases.ours(name, settings)(pixels, return_tensors="np")
    assert np.array_equal(found["pixel_values"], expected["pixel_values"])
    scaled = (np.arange(256) * (1 / 255)).astype(np.float32)
    assert np.array_equal((scaled.astype(np.float64) * 255).astype(np.float32).astype(np.uint8), np.arange(256))
