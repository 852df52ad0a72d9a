"""Tiles: samples of several images, outputs that some calls lack, floats as pixels, and the two forms of OneVision."""

from __future__ import annotations

from typing import Any

import cases.parity as cases
import numpy as np
import pytest
import tiers
import transformers
from cases.processors.tiles.tiles import SMALL

import graphproc
from graphproc.errors import ConfigError, ImageError
from graphproc.ir.backends import BACKENDS
from graphproc.processors.registry import lookup
from graphproc.runtime.session import Session

ENGINES = ("numpy", "onnxruntime")
A, B, C, D = (cases.picture(size, "noise") for size in ((60, 91), (90, 40), (40, 40), (33, 250)))


def assert_same(found: Any, expected: Any) -> None:
    """Assert outputs of the same names in the same order, with equal values."""
    assert list(found) == list(expected)
    for key, want in expected.items():
        if isinstance(want, list):
            assert found[key] == want, key
        else:
            assert (found[key].dtype, found[key].shape) == (want.dtype, want.shape), key
            assert np.array_equal(found[key], want), key


def theirs(name: str, settings: dict[str, Any], images: Any) -> dict[str, Any]:
    """Return the outputs of transformers' class as arrays and lists."""
    found = cases.theirs(name, settings)(images, return_tensors="np" if settings["backend"] == "pil" else "pt")
    return {key: value if isinstance(value, list) else np.asarray(value) for key, value in found.items()}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_documents_of_several_pages(backend: str, engine: str) -> None:
    settings = {"size": SMALL, "fine_route": True, "backend": backend}
    pages = [[A, B, C], [D], [C, C]]
    expected = theirs("GraniteDoclingImageProcessor", settings, pages)
    assert_same(graphproc.GraniteDoclingImageProcessor(engine=engine, **settings)(pages, return_tensors="np"), expected)
    assert [len(sample) for sample in expected["rows"]] == [3, 1, 2]


ONE_VISION: dict[str, Any] = {
    "size": {"height": 40, "width": 40},
    "image_grid_pinpoints": [[40, 80], [80, 40], [80, 80], [40, 120]],
}
NESTED = {
    "one image": A,
    "images": [A, B, C],
    "samples of one": [[A], [D]],
    "a sample of two": [[A, B]],
    "samples of one, two and three": [[A], [B, C], [D, A, B]],
    "a sample without images": [[], [A, C], [B]],
}


@tiers.crossed(("label", [*NESTED]), ("backend", BACKENDS), ("engine", ENGINES))
def test_samples_of_onevision(label: str, backend: str, engine: str) -> None:
    settings = {**ONE_VISION, "backend": backend}
    expected = theirs("LlavaOnevisionImageProcessor", settings, NESTED[label])
    processor = graphproc.LlavaOnevisionImageProcessor(engine=engine, **settings)
    assert_same(processor(NESTED[label], return_tensors="np"), expected)


@pytest.mark.parametrize("input", ["batch", "sequence"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_graph_of_images_of_several_in_a_sample(backend: str, input: str) -> None:
    images = [A, A] if input == "batch" else [A, B, C]
    settings = {**ONE_VISION, "backend": backend}
    expected = theirs("LlavaOnevisionImageProcessor", settings, [images])
    model = graphproc.LlavaOnevisionImageProcessor(**settings).to_onnx(input=input, several=True)
    arrays = [np.asarray(image) for image in images]
    found = Session(model).run({"images": np.stack(arrays) if input == "batch" else arrays})
    assert_same(found, {key: expected[key] for key in ("pixel_values", "image_sizes")})


def test_other_classes_have_one_form() -> None:
    with pytest.raises(ConfigError, match=r"several: LlavaNextImageProcessor"):
        graphproc.LlavaNextImageProcessor().compile(several=True)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("backend", lookup("DeepseekOcr2ImageProcessor").backends)
@pytest.mark.parametrize("images", [[C], [A, C, B], [C, C], A], ids=["none", "some", "none of two", "one"])
def test_local_tiles_are_there_or_not(images: Any, backend: str, engine: str) -> None:
    settings = {"size": {"height": 61, "width": 61}, "tile_size": 40, "backend": backend}
    expected = theirs("DeepseekOcr2ImageProcessor", settings, images)
    assert_same(graphproc.DeepseekOcr2ImageProcessor(engine=engine, **settings)(images, return_tensors="np"), expected)


FLOATS: dict[str, dict[str, Any]] = {
    "AriaImageProcessor": {"max_image_size": 490, "split_image": True, "split_resolutions": [[490, 980]]},
    "Gemma3ImageProcessor": {
        "do_pan_and_scan": True,
        "pan_and_scan_min_crop_size": 20,
        "pan_and_scan_max_num_crops": 4,
        "pan_and_scan_min_ratio_to_activate": 1.2,
    },
    "GotOcr2ImageProcessor": {"crop_to_patches": True, "size": SMALL},
    "GraniteDoclingImageProcessor": {"size": SMALL},
    "LlavaNextImageProcessor": {},
    "Ovis2ImageProcessor": {"crop_to_patches": True, "size": SMALL},
}


@pytest.mark.parametrize("name", FLOATS)
def test_floats_as_pixels(name: str) -> None:
    """With the pil backend; `test_torchvision.py` has floats of every class."""
    image = np.asarray(A).astype(np.float32) / np.float32(255)
    settings = {"do_rescale": False, "do_convert_rgb": False, "backend": "pil", **FLOATS[name]}
    expected = cases.theirs(name, settings)(image, return_tensors="np")
    assert_same(cases.ours(name, settings)(image, return_tensors="np"), expected)


def test_tiles_have_the_types_of_their_images() -> None:
    """A list of tiles without arithmetic, as transformers returns it if no tensors are asked for."""
    images = [np.full((3, 48, 39), 300, np.int16), np.full((3, 48, 39), 200, np.uint8)]
    settings = {"crop_to_patches": True, "size": {"height": 20, "width": 20}, "do_rescale": False, "do_normalize": False}
    expected = transformers.GotOcr2ImageProcessor(**settings)(images)["pixel_values"]
    found = graphproc.GotOcr2ImageProcessor(**settings)(images)["pixel_values"]
    assert [tile.dtype for tile in found] == [tile.dtype for tile in expected]
    assert len({tile.dtype for tile in found}) == 2
    assert all((tile == other).all() for tile, other in zip(found, expected, strict=True))


def test_a_background_of_bytes_beside_floats() -> None:
    image = np.asarray(A).astype(np.float32) / np.float32(255)
    settings = {"do_rescale": False, "do_convert_rgb": False, "backend": "pil"}
    expected = theirs("DeepseekOcr2ImageProcessor", settings, image)
    assert_same(graphproc.DeepseekOcr2ImageProcessor(**settings)(image, return_tensors="np"), expected)


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "ratio": ("Gemma3", {"pan_and_scan_min_ratio_to_activate": None}, "pan_and_scan_min_ratio_to_activate: expected a number"),
    "crop size": ("Gemma3", {"pan_and_scan_min_crop_size": 0}, "pan_and_scan_min_crop_size: expected a whole number"),
    "crops": ("Gemma3", {"pan_and_scan_max_num_crops": None}, "pan_and_scan_max_num_crops: expected a whole number"),
    "edges": ("UltraVBert", {"size": {"longest_edge": 10**6}, "max_image_size": {"longest_edge": 9}}, "at most 10000 tiles"),
    "no longest edge": ("UltraVBert", {"size": {"height": 90, "width": 70}}, "size: expected a longest_edge to split images by"),
    "tiles": ("UltraVBert", {"max_image_tiles": None}, "max_image_tiles: expected a whole number"),
    "canvas tiles": ("PerceptionLM", {"max_num_tiles": "9"}, "max_num_tiles: expected a whole number"),
    "no canvas tiles": ("Cohere2Vision", {"max_patches": 0}, "max_patches: expected at least 1"),
    "pad": ("UnlimitedOcr", {"crop_to_patches": False, "maximum_pad_value": None}, "maximum_pad_value: expected a whole number"),
    "letters": ("MiniCPMOcr", {"small_image_upsize": "adaptive"}, "small_image_upsize: .* OpenCV"),
    "not resized": ("MiniCPMOcr", {"do_resize": False}, "do_resize: torchvision's backend always does this"),
    "window": ("Step3p7", {"patch_size": 0}, "patch_size: expected a whole number of at least 1"),
    "patches": ("GotOcr2", {"max_patches": 2.5}, "max_patches: expected a whole number"),
    "flag": ("GotOcr2", {"crop_to_patches": "yes"}, "crop_to_patches: expected true, false or null"),
    "canvases": ("LlavaNext", {"image_grid_pinpoints": [[336]]}, "image_grid_pinpoints: expected one or more pairs"),
    "no canvas": ("LlavaNext", {"image_grid_pinpoints": []}, "image_grid_pinpoints: expected one or more pairs"),
    "an empty canvas": ("Aria", {"split_resolutions": [[0, 5]]}, "split_resolutions: expected one or more pairs"),
    "a side": ("Aria", {"max_image_size": 500}, "max_image_size: expected 490 or 980"),
    "colour": ("DeepseekOcr2", {"background_color": [1, 256, 3]}, "background_color: expected bytes"),
    "colours": ("DeepseekOcr2", {"background_color": [1, 2]}, "background: expected a byte for each of 3 channels"),
    "no colour": ("DeepseekOcr2", {"background_color": None}, "background_color: expected a byte for each channel"),
    "tile": ("DeepseekOcr2", {"tile_size": 0}, "tile_size: expected a whole number of at least 1"),
    "ragged": ("LlavaNext", {"do_center_crop": False, "do_resize": False}, "tiles of several sizes"),
}
SCAN = FLOATS["Gemma3ImageProcessor"]


@pytest.mark.parametrize("label", REFUSED)
def test_refused_settings(label: str) -> None:
    name, settings, message = REFUSED[label]
    spec, others = lookup(f"{name}ImageProcessor"), SCAN if name == "Gemma3" else {}
    with pytest.raises(ConfigError, match=message):
        spec.program(spec.config({**others, **settings}))


def test_four_channels_are_no_page_of_pils_backend() -> None:
    spec = lookup("GraniteDoclingImageProcessor")
    config = spec.config({"image_mean": 0.5, "image_std": 0.5})
    with pytest.raises(ConfigError, match="3 channels"):
        spec.program(config, channels=4, backend="pil")


def test_crops_beyond_the_image_are_refused_in_torchvisions_backend() -> None:
    settings = {**SCAN, "pan_and_scan_min_crop_size": 1, "pan_and_scan_max_num_crops": 8, "backend": "torchvision"}
    with pytest.raises(ImageError, match="it has crops without pixels"):
        graphproc.Gemma3ImageProcessor(**settings)(cases.picture((1, 9), "noise"))


def test_tiles_of_a_side_that_aria_has_no_patches_for() -> None:
    with pytest.raises(ConfigError, match="max_image_size: expected 490 or 980, got 0"):
        graphproc.AriaImageProcessor(max_image_size=0, split_image=True)(np.zeros((88, 155, 3), np.uint8))


def test_no_fewest_patches() -> None:
    settings, image = {"min_num_patches": 0, "backend": "torchvision"}, cases.picture((40, 60), "noise")
    found, wanted = (
        make("NemotronH_Omni_Reasoning_V3ImageProcessor", settings)(image, return_tensors="np")["pixel_values"]
        for make in (cases.ours, cases.theirs)
    )
    np.testing.assert_array_equal(found, wanted)
