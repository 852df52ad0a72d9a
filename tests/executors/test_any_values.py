"""Images of any values with the pil backend, against transformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from cases.parity import CASES, attempt, difference, ours, theirs

from graphproc.errors import ImageError

Array = np.ndarray[Any, Any]

UNIT = np.random.default_rng(3).random((40, 72, 3))
SQUARE = np.random.default_rng(4).random((56, 56, 3))
PARTLY = np.where(np.arange(40)[:, None, None] < 20, UNIT > 0.5, UNIT)  # the upper tiles hold only 0 and 1
OFF = dict.fromkeys(("do_rescale", "do_normalize"), False)
SIDES = {"size": {"height": 56, "width": 56}}
SHORT = {"size": {"shortest_edge": 56}, "crop_size": 56}
GRID = {"image_grid_pinpoints": [[56, 112], [112, 56], [112, 112]]}
PAN_AND_SCAN = {
    "do_pan_and_scan": True,
    "pan_and_scan_min_crop_size": 10,
    "pan_and_scan_max_num_crops": 4,
    "pan_and_scan_min_ratio_to_activate": 1.2,
}
IMAGES: list[tuple[str, Mapping[str, Any], Array]] = [
    ("FlavaImageProcessor", {"return_codebook_pixels": True, "codebook_do_resize": False}, UNIT.astype(np.float32)),
    ("FlavaImageProcessor", {"return_codebook_pixels": True, "do_resize": False}, UNIT),
    ("FuyuImageProcessor", SIDES, SQUARE.astype(np.float32)),
    ("FuyuImageProcessor", SIDES, (SQUARE - 0.3) * 3),
    ("FuyuImageProcessor", {**SIDES, "padding_value": 0.5}, UNIT[:, :40]),
    (
        "NougatImageProcessor",
        {"size": {"height": 80, "width": 96}, "do_crop_margin": False, "do_resize": False, "do_rescale": False},
        (UNIT * 250 - 125).astype(np.int8),
    ),
    ("Glm5NextImageProcessor", {}, np.tile(SQUARE, (2, 2, 1)).astype(np.float32)),
    ("Glm5NextImageProcessor", {"do_rescale": False}, (np.tile(SQUARE, (2, 2, 1)) - 0.3) * 3),
    ("Gemma3ImageProcessor", {**SIDES, **PAN_AND_SCAN}, PARTLY.astype(np.float32)),
    ("LlavaNextImageProcessor", {**SHORT, **GRID}, PARTLY.astype(np.float32)),
    ("LlavaNextImageProcessor", {**SHORT, **GRID, **OFF}, PARTLY),
    ("DonutImageProcessor", SIDES, UNIT),
    ("DonutImageProcessor", {**SIDES, "do_resize": False}, (SQUARE - 0.3) * 3),
    ("NougatImageProcessor", SIDES, UNIT),
    ("NougatImageProcessor", {**SIDES, "do_crop_margin": False}, np.tile(UNIT, (4, 4, 1))),
    ("NougatImageProcessor", {**SIDES, **OFF}, (np.concatenate([UNIT, UNIT[..., :1]], -1) * 255).astype(np.uint8)),
    ("DeepseekOcr2ImageProcessor", {**SIDES, "tile_size": 48}, SQUARE),
    ("VitPoseImageProcessor", {**SIDES, **OFF}, UNIT.astype(np.float32)),
    ("VitPoseImageProcessor", SIDES, (UNIT * 255).astype(np.int64)),
    ("LlavaImageProcessor", {**SHORT, "do_pad": True}, UNIT > 0.5),
    ("ZoeDepthImageProcessor", {**SIDES, "do_rescale": False}, (UNIT * 255).astype(np.uint8)),
    ("ZoeDepthImageProcessor", {**SIDES, "do_rescale": False}, (UNIT * 200).astype(np.float32)),
    ("ZoeDepthImageProcessor", {**SIDES, **OFF}, (UNIT * 255).astype(np.uint8)),
    ("ZoeDepthImageProcessor", {**SIDES, **OFF}, UNIT),
    ("ViTImageProcessor", {**SIDES, "do_rescale": False}, SQUARE.astype(np.float16)),
    ("ViTImageProcessor", {**SIDES, **OFF}, (np.concatenate([UNIT, UNIT[..., :1]], -1) * 255).astype(np.uint8)),
    ("ViTImageProcessor", {**SIDES, **OFF}, (np.concatenate([SQUARE, SQUARE[..., :1]], -1) * 255).astype(np.uint8)),
]


IMAGES += [
    (f"{name}ImageProcessor", {"max_patches": 40}, (UNIT * scale).astype(dtype))
    for name in ("Pix2Struct", "Kosmos2_5")
    for dtype, scale in (("bool", 2), ("int64", 255), ("float16", 1), ("float16", 255), ("float32", 255), ("float64", 1))
    if not (name == "Kosmos2_5" and dtype == "float16")  # torch has no kernel for it
]


@pytest.mark.parametrize(("name", "settings", "image"), IMAGES)
@pytest.mark.filterwarnings("ignore:image of shape:UserWarning")
def test_transformers(name: str, settings: Mapping[str, Any], image: Array) -> None:
    """The same values in the same dtype."""
    settings = {**CASES[name].always, **settings, "backend": "pil", "do_convert_rgb": False}
    extra_inputs = CASES[name].keywords(image.shape[:2])
    extra_inputs = {key: [value] for key, value in extra_inputs.items()}
    expected = attempt(lambda: theirs(name, settings)(image, return_tensors="np", **extra_inputs), ())  # type: ignore[arg-type]
    processor = ours(name, settings)
    found = attempt(lambda: processor(image, return_tensors="np", **extra_inputs), ())  # type: ignore[arg-type]
    bound = processor.spec.parity_of("pil").bound if image.dtype == np.uint8 else 0.0
    assert not difference(found, expected, bound)


def test_bools_of_several_images() -> None:
    """LLaVA-OneVision's squares of bools hold the background as a bool, and are no floats."""
    images, settings = [UNIT > 0.5, UNIT[:, :30] > 0.5], {**SIDES, "do_pad": True, "backend": "pil"}
    found = ours("LlavaOnevisionImageProcessor", settings)([images], return_tensors="np")
    expected = theirs("LlavaOnevisionImageProcessor", settings)([images], return_tensors="np")
    assert np.array_equal(found.pixel_values, expected["pixel_values"])


MAPS = [
    ("VitMatteImageProcessor", {}, "trimaps", UNIT[..., 0].astype(np.float32)),
    ("VitMatteImageProcessor", OFF, "trimaps", UNIT[..., 0]),
    ("PromptDepthAnythingImageProcessor", SIDES, "prompt_depth", (UNIT[:20, :30, 0] * 9000).round().astype(np.float32)),
    ("PromptDepthAnythingImageProcessor", {**SIDES, "prompt_scale_to_meter": 1.0}, "prompt_depth", UNIT[:20, :30, 0] * 3),
    ("PromptDepthAnythingImageProcessor", {**SIDES, "prompt_scale_to_meter": 1.0}, "prompt_depth", np.full((4, 5), 1.5)),
]


@pytest.mark.parametrize(("name", "settings", "keyword", "given"), MAPS)
def test_maps_of_floats(name: str, settings: Mapping[str, Any], keyword: str, given: Array) -> None:
    """Depths and trimaps of floats are used as they are."""
    image = (UNIT * 255).astype(np.uint8)
    expected = theirs(name, {**settings, "backend": "pil"})(image, return_tensors="np", **{keyword: given.copy()})
    found = ours(name, {**settings, "backend": "pil"})(image, return_tensors="np", **{keyword: given})
    assert not difference(dict(found), dict(expected))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Idefics2ImageProcessor", "Idefics3ImageProcessor", "SmolVLMImageProcessor"])
def test_missing_images_are_floats(name: str) -> None:
    """Bytes of samples of two images and one, that are neither rescaled nor normalized."""
    image = (UNIT * 255).astype(np.uint8)
    size = {"longest_edge": 56} if name != "Idefics2ImageProcessor" else {"shortest_edge": 40, "longest_edge": 60}
    split = {} if name == "Idefics2ImageProcessor" else {"max_image_size": {"longest_edge": 28}}
    settings = {"size": size, **split, **OFF, "backend": "pil"}
    samples = [[image, image], [image]]
    for given in (samples, samples[:1]):
        expected = theirs(name, settings)(given, return_tensors="np")
        assert not difference(dict(ours(name, settings)(given, return_tensors="np")), dict(expected))


def test_a_margin_that_the_images_type_does_not_hold() -> None:
    image = np.full((14, 43, 3), -3, np.int8)
    settings = {"size": {"height": 120, "width": 200}, "padding_value": 130, "backend": "pil"}
    with pytest.raises(OverflowError, match="130 out of bounds for int8"):
        theirs("FuyuImageProcessor", settings)(image)
    with pytest.raises(ImageError, match="pad: expected values that int8 holds, got 130"):
        ours("FuyuImageProcessor", settings)(image)


def test_one_channel_alone() -> None:
    """ZoeDepth drops the channel axis of an image of one channel when it resizes."""
    image = (UNIT[..., :1] * 255).astype(np.uint8)
    settings = {**SIDES, "do_normalize": False, "ensure_multiple_of": 1, "backend": "pil"}
    expected = theirs("ZoeDepthImageProcessor", settings)(image, return_tensors="np")
    assert not difference(dict(ours("ZoeDepthImageProcessor", settings)(image, return_tensors="np")), dict(expected))


@pytest.mark.parametrize("backend", ["pil", "torchvision"])
@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float16", "float32", "float64"])
@pytest.mark.parametrize("steps", [OFF, {"do_rescale": False}, {}, {**OFF, "do_resize": False}, {**OFF, "num_labels": 7}])
def test_prompt_masks(steps: dict[str, Any], dtype: str, backend: str) -> None:
    """SegGPT's masks keep their type where neither a step nor torch makes it another one."""
    image, mask = (UNIT * 255).astype(np.uint8), (UNIT[..., 0] * 5).astype(np.int64).astype(dtype)
    if "num_labels" in steps and (dtype == "bool" or dtype.startswith("float")):
        pytest.skip("transformers takes no other numbers as indices")
    settings, tensors = {**SIDES, **steps, "backend": backend}, "np" if backend == "pil" else "pt"
    expected = theirs("SegGptImageProcessor", settings)(image, prompt_masks=mask, return_tensors=tensors)
    found = ours("SegGptImageProcessor", settings)(image, prompt_masks=mask, return_tensors=tensors)
    assert not difference({k: np.asarray(v) for k, v in found.items()}, {k: np.asarray(v) for k, v in expected.items()})


@pytest.mark.parametrize("name", ["DetrImageProcessor", "MaskFormerImageProcessor", "ViltImageProcessor"])
def test_images_of_one_and_three_channels(name: str) -> None:
    """No channels are made up where images are padded to one size."""
    images = [(UNIT * 255).astype(np.uint8), (UNIT[:30, :, :1] * 255).astype(np.uint8)]
    size = {"shortest_edge": 64} if name == "ViltImageProcessor" else {"shortest_edge": 32, "longest_edge": 60}
    settings = {"size": size, "do_convert_rgb": False, "image_mean": 0.5, "image_std": 0.5, "backend": "pil"}
    expected = theirs(name, settings)(images)["pixel_values"]
    found = ours(name, settings)(images)["pixel_values"]
    assert [array.shape for array in found] == [array.shape for array in expected]
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))
