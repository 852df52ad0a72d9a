"""What a call without `return_tensors` returns, against transformers: containers, their types and what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import tiers
import torch
from cases.parity import CASES, keywords, ours, picture, theirs

from graphproc.errors import ImageError, ShapeError
from graphproc.processors.registry import family

SIDES = {"size": {"height": 32, "width": 32}}
SHORT = {"size": {"shortest_edge": 32}, "crop_size": 32}
CLASSES: list[tuple[str, str, Mapping[str, Any]]] = [
    ("LlavaNextImageProcessor", "torchvision", {**SHORT, "image_grid_pinpoints": [[32, 64], [64, 32]]}),
    ("LlavaOnevisionImageProcessor", "torchvision", {**SIDES, "image_grid_pinpoints": [[32, 64], [64, 96]], "do_pad": False}),
    ("LlavaOnevisionImageProcessor", "pil", {**SIDES, "image_grid_pinpoints": [[32, 64], [64, 96]]}),
    ("AriaImageProcessor", "pil", {}),
    ("AriaImageProcessor", "torchvision", {"max_image_size": 490}),
    ("DetrImageProcessor", "torchvision", {"size": {"shortest_edge": 32, "longest_edge": 60}}),
    ("DetrImageProcessor", "pil", {"size": {"shortest_edge": 32, "longest_edge": 60}}),
    ("DetrImageProcessor", "torchvision", {"size": {"shortest_edge": 32, "longest_edge": 60}, "do_pad": False}),
    ("RTDetrImageProcessor", "torchvision", SIDES),
    ("RTDetrImageProcessor", "torchvision", {**SIDES, "do_pad": True}),
    ("FuyuImageProcessor", "pil", SIDES),
    ("Emu3ImageProcessor", "pil", {}),
    ("PixtralImageProcessor", "pil", {"size": {"longest_edge": 40}}),
    ("PixtralImageProcessor", "pil", {"size": {"longest_edge": 40}, "do_pad": False}),
    ("PixtralImageProcessor", "torchvision", {"size": {"longest_edge": 40}}),
    ("PixtralImageProcessor", "torchvision", {"size": {"longest_edge": 40}, "do_pad": False}),
    ("Qwen2VLImageProcessor", "pil", {}),
    ("Qwen2VLImageProcessor", "torchvision", {}),
    ("Siglip2ImageProcessor", "pil", {}),
    ("Lfm2VlImageProcessor", "torchvision", {"return_row_col_info": True}),
    ("DeepseekOcr2ImageProcessor", "torchvision", {}),
    ("Gemma3ImageProcessor", "pil", SIDES),
    ("Gemma3ImageProcessor", "torchvision", SIDES),
    ("MiniCPMV4_6ImageProcessor", "torchvision", {}),
    ("Ovis2ImageProcessor", "pil", SIDES),
    ("UnlimitedOcrImageProcessor", "torchvision", {}),
    ("VivitImageProcessor", "pil", SHORT),
    ("SuperGlueImageProcessor", "pil", SIDES),
    ("SuperGlueImageProcessor", "torchvision", SIDES),
    ("SuperPointImageProcessor", "torchvision", SIDES),
    ("ImageGPTImageProcessor", "torchvision", {**SIDES, "clusters": [[0, 0, 0], [1, 1, 1]]}),
    ("MobileViTImageProcessor", "torchvision", {**SHORT, "crop_size": 20}),
    ("PerceiverImageProcessor", "torchvision", SIDES),
    ("Swin2SRImageProcessor", "torchvision", {}),
    ("VitPoseImageProcessor", "torchvision", SIDES),
    ("Llama4ImageProcessor", "torchvision", {}),
    ("SamImageProcessor", "pil", {}),
    ("PPOCRV5ServerDetImageProcessor", "torchvision", {"do_resize": False}),
    ("PPOCRV5ServerDetImageProcessor", "torchvision", {}),
    ("IdeficsImageProcessor", "torchvision", SIDES),
    ("CLIPImageProcessor", "pil", SHORT),
    ("CLIPImageProcessor", "torchvision", SHORT),
    ("Kosmos2_5ImageProcessor", "pil", {}),
    ("GraniteDoclingImageProcessor", "pil", {"fine_route": True}),
    ("GraniteDoclingImageProcessor", "torchvision", {"fine_route": True}),
    ("Idefics2ImageProcessor", "pil", {"size": {"shortest_edge": 20, "longest_edge": 40}, "do_pad": False}),
    ("Idefics2ImageProcessor", "torchvision", {"size": {"shortest_edge": 20, "longest_edge": 40}, "do_pad": False}),
    ("Idefics3ImageProcessor", "torchvision", {"return_row_col_info": True}),
    ("SmolVLMImageProcessor", "pil", {"size": {"longest_edge": 60}, "max_image_size": {"longest_edge": 30}, "do_pad": False}),
    ("SmolVLMImageProcessor", "torchvision", {"max_image_size": {"longest_edge": 30}, "do_pad": False}),
    ("UltraVBertImageProcessor", "torchvision", {"max_image_size": {"longest_edge": 30}, "do_pad": False}),
]


FEW = {family(name): (name, backend, settings) for name, backend, settings in CLASSES if backend == "pil"}.values()
"""A class of each family."""


def shape(value: Any) -> Any:
    """Return types all the way down, and what small arrays hold."""
    if isinstance(value, (list, tuple)):
        return ("tuple" if isinstance(value, tuple) else "list", [shape(item) for item in value])
    if isinstance(value, (np.ndarray, torch.Tensor)):
        array = value.float().numpy() if isinstance(value, torch.Tensor) and value.dtype == torch.bfloat16 else np.asarray(value)
        return (type(value).__name__, str(value.dtype), array.tolist() if array.size < 50 else array.shape)
    return (type(value).__name__, value)


@pytest.mark.parametrize(("name", "backend", "settings"), tiers.rows(CLASSES, FEW))
def test_transformers(name: str, backend: str, settings: Mapping[str, Any]) -> None:
    settings = {**CASES[name].always, **settings, "backend": backend}
    images = [picture((40, 72), "photograph"), picture((40, 72), "noise")]
    extra_inputs = keywords(name, images)
    found = ours(name, settings)(images, **extra_inputs)
    expected = theirs(name, settings)(images, **extra_inputs)
    if name == "IdeficsImageProcessor":
        found, expected = {"": found}, {"": expected}
    assert set(found) == set(expected)
    for key in expected:
        assert shape(found[key]) == shape(expected[key]), key


@pytest.mark.parametrize("tensors", ["np", "pt"])
def test_floats_become_what_the_framework_makes_of_them(tensors: str) -> None:
    """Fuyu's scale factors are Python's floats, float32 in torch."""
    images = [picture((40, 72), "photograph"), picture((72, 40), "noise")]
    found = ours("FuyuImageProcessor", SIDES)(images, return_tensors=tensors)["image_scale_factors"]
    expected = theirs("FuyuImageProcessor", {**SIDES, "backend": "pil"})(images, return_tensors=tensors)["image_scale_factors"]
    assert found.dtype == expected.dtype
    assert np.array_equal(found, expected)


def test_tensors_of_several_lengths_are_no_array() -> None:
    """Numpy makes an array of arrays of them in pil's backend; torch's tensors cannot be joined, nor made arrays of."""
    images = [picture((40, 72), "noise"), picture((40, 72), "noise").convert("L")]
    settings = {"do_normalize": False, "size": {"height": 16, "width": 16}}
    found = ours("ViTImageProcessor", {**settings, "backend": "pil"})(images, return_tensors="np")["pixel_values"]
    assert found.dtype == object
    torchvision = {**settings, "backend": "torchvision"}
    with pytest.raises(ValueError, match="Unable to convert output"):
        theirs("ViTImageProcessor", torchvision)(images, return_tensors="np")
    with pytest.raises(ShapeError, match=r"expected equal numbers of channels, or parts, of all images, got \[3, 1\]"):
        ours("ViTImageProcessor", torchvision)(images, return_tensors="np")
    assert [len(one) for one in ours("ViTImageProcessor", torchvision)(images)["pixel_values"]] == [3, 1]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "backend"), [("UltraVBert", "torchvision"), ("SmolVLM", "pil"), ("SmolVLM", "torchvision")])
def test_unpadded_samples_of_several_lengths_are_ragged_arrays(name: str, backend: str) -> None:
    settings = {"size": {"longest_edge": 60}, "max_image_size": {"longest_edge": 30}, "do_pad": False, "backend": backend}
    images = [[picture((40, 60), "noise")], [picture((40, 60), "photograph")] * 2]
    expected = theirs(f"{name}ImageProcessor", settings)(images, return_tensors="np")["pixel_values"]
    found = ours(f"{name}ImageProcessor", settings)(images, return_tensors="np")["pixel_values"]
    assert found.dtype == expected.dtype == object
    assert [(one.dtype, one.shape) for one in found] == [(one.dtype, one.shape) for one in expected]
    with pytest.raises((RuntimeError, ValueError)):
        theirs(f"{name}ImageProcessor", settings)(images, return_tensors="pt")
    with pytest.raises(ShapeError, match="pixel_values: expected entries of one shape"):
        ours(f"{name}ImageProcessor", settings)(images, return_tensors="pt")


@pytest.mark.parametrize("backend", ["pil", "torchvision"])
def test_tiles_that_a_sample_lacks_have_the_type_of_the_others(backend: str) -> None:
    settings = {"size": {"height": 24, "width": 24}, "do_rescale": False, "do_normalize": False, "backend": backend}
    images = [[picture((40, 72), "noise")], [picture((20, 20), "noise")]]
    tensors = "np" if backend == "pil" else "pt"
    expected = theirs("GraniteDoclingImageProcessor", settings)(images, return_tensors=tensors)["pixel_values"]
    found = ours("GraniteDoclingImageProcessor", settings)(images, return_tensors=tensors)["pixel_values"]
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


PLAIN = {"do_convert_rgb": False, "image_mean": 0.5, "image_std": 0.5}
DIFFERENT: list[tuple[str, Mapping[str, Any], list[tuple[int, int, int]]]] = [
    ("Gemma4ImageProcessor", {"do_resize": False, "max_soft_tokens": 70, "patch_size": 2}, [(96, 48, 3), (60, 48, 3)]),
    ("Gemma4ImageProcessor", {"do_resize": False, "max_soft_tokens": 70, "patch_size": 2}, [(20, 48, 3), (60, 48, 3)]),
    ("RTDetrImageProcessor", {**SIDES, "backend": "torchvision", "do_convert_rgb": False}, [(40, 72, 1), (40, 72, 3)]),
    ("DetrImageProcessor", {"backend": "torchvision", "do_resize": False, "do_pad": False}, [(40, 72, 3), (40, 70, 3)]),
    ("Glm46VImageProcessor", PLAIN, [(112, 112, 1), (112, 112, 3)]),
    ("Glm46VImageProcessor", {**PLAIN, "backend": "torchvision"}, [(112, 112, 1), (112, 112, 3)]),
    ("Qwen2VLImageProcessor", PLAIN, [(56, 56, 3), (56, 56, 1)]),
    ("ImageGPTImageProcessor", {"clusters": [[0, 0, 0], [1, 1, 1]], "do_resize": False}, [(18, 11, 3), (14, 20, 3)]),
]


@pytest.mark.parametrize("tensors", [None, "np", "pt"])
@pytest.mark.parametrize(("name", "settings", "sizes"), DIFFERENT)
def test_what_transformers_stacks_has_one_shape(
    name: str, settings: Mapping[str, Any], sizes: list[tuple[int, int, int]], tensors: str | None
) -> None:
    images = [np.full(size, 7, dtype=np.uint8) for size in sizes]
    with pytest.raises((ValueError, RuntimeError), match=r"equal size|same shape|must match|inhomogeneous"):
        theirs(name, {"backend": "pil", **settings})(images, return_tensors=tensors)
    with pytest.raises(ShapeError, match="expected one shape of all images' results, got"):
        ours(name, {"backend": "pil", **settings})(images, return_tensors=tensors)


def test_colours_of_images_of_several_sizes_are_a_list_in_torchvisions_backend() -> None:
    images = [np.random.default_rng(side).integers(0, 256, (side, 11, 3), dtype=np.uint8) for side in (18, 14)]
    settings = {"backend": "torchvision", "clusters": [[0, 0, 0], [1, 1, 1]], "do_resize": False}
    expected, found = (make("ImageGPTImageProcessor", settings)(images)["input_ids"] for make in (theirs, ours))
    assert [one.shape for one in found] == [one.shape for one in expected]
    assert all((one == other).all() for one, other in zip(found, expected, strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("tensors", [None, "np"])
@pytest.mark.parametrize("name", ["Idefics2ImageProcessor", "Idefics3ImageProcessor", "MllamaImageProcessor"])
def test_samples_lack_no_channels(name: str, tensors: str | None) -> None:
    """Samples of images that are not converted to RGB; two of a class that pads within samples, too."""
    images = [np.full((10, 11, channels), 7, dtype=np.uint8) for channels in (4, 3)]
    settings = {"backend": "pil", "do_convert_rgb": False, "do_normalize": False}
    samples = [[[images[0]], [images[1]]], *([[images]] if name == "Idefics2ImageProcessor" else [])]
    for sample in samples:
        with pytest.raises(ValueError, match=r"inhomogeneous|broadcast"):
            theirs(name, settings)(sample, return_tensors=tensors)
        with pytest.raises((ShapeError, ImageError), match=r"expected (samples with equal numbers of|images of one shape)"):
            ours(name, settings)(sample, return_tensors=tensors)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["pil", "torchvision"])
def test_tiles_are_not_padded_to_the_largest(backend: str) -> None:
    """LLaVA-OneVision pads images by tiles that they lack, and leaves tiles the size that they have."""
    image = np.random.default_rng(5).integers(0, 256, (20, 26, 3), dtype=np.uint8)
    settings = {**SIDES, "image_grid_pinpoints": [[32, 64], [64, 32]], "do_resize": False, "backend": backend}
    images = [[image, image], [image]]
    expected = theirs("LlavaOnevisionImageProcessor", settings)(images)["pixel_values"]
    found = ours("LlavaOnevisionImageProcessor", settings)(images)["pixel_values"]
    assert [one.shape for one in found] == [(3, 3, 26, 26), (3, 3, 26, 26), (3, 3, 32, 32)]
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))
    with pytest.raises(ValueError, match="Unable to convert output"):
        theirs("LlavaOnevisionImageProcessor", settings)(images, return_tensors="pt")
    with pytest.raises((ShapeError, ValueError), match="pixel_values"):
        ours("LlavaOnevisionImageProcessor", settings)(images, return_tensors="pt")


def test_images_that_stay_apart_have_any_shapes() -> None:
    images = [np.full((40, 72, channels), 7, dtype=np.uint8) for channels in (1, 3)]
    found = ours("Llama4ImageProcessor", {**PLAIN, "backend": "torchvision"})(images)["pixel_values"]
    expected = theirs("Llama4ImageProcessor", {**PLAIN, "backend": "torchvision"})(images)["pixel_values"]
    assert [one.shape for one in found] == [one.shape for one in expected]
