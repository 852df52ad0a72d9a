"""Which images a class converts to RGB: transformers' classes do not all do it for all."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tiers
import transformers
from cases.parity import reference_class
from PIL import Image

import graphproc as gp
from graphproc.ir.backends import BACKENDS

PIXELS = np.random.default_rng(5).integers(0, 256, (40, 56, 4), dtype=np.uint8)
NAMES = ("PromptDepthAnything", "Vivit", "VideoLlava", "SegGpt", "Emu3", "ViT")
MODES = ("L", "RGBA", "YCbCr", "HSV", "LAB", "F")


def image_of(mode: str) -> Image.Image:
    if mode == "key":  # a colour that is transparent
        image = Image.fromarray(PIXELS[..., :3])
        image.info["transparency"] = tuple(map(int, PIXELS[3, 4, :3]))
        return image
    rgb = Image.fromarray(PIXELS[..., :3])
    if mode == "LAB":
        return Image.frombytes("LAB", rgb.size, rgb.tobytes())
    return Image.fromarray(PIXELS) if mode == "RGBA" else rgb.convert(mode)


@pytest.mark.parametrize("name", tiers.rows(NAMES, ["SegGpt", "ViT"]))
@pytest.mark.parametrize("made", [*MODES, "key", "gray array", "rgba array"])
@pytest.mark.filterwarnings("ignore:image of shape:UserWarning")
def test_transformers(name: str, made: str) -> None:
    """With `do_convert_rgb` on: the same pixels wherever transformers has any."""
    arrays = {"gray array": PIXELS[..., :1], "rgba array": PIXELS}
    image: Any = arrays[made] if made in arrays else image_of(made)
    settings: dict[str, Any] = {"min_pixels": 400, "max_pixels": 9000} if name == "Emu3" else {}
    settings |= {"do_convert_rgb": True, "image_mean": 0.5, "image_std": 0.5} if name != "Vivit" else {}
    reference = reference_class(f"{name}ImageProcessor", "pil")(**settings)
    processor = getattr(gp, f"{name}ImageProcessor")(backend="pil", **settings)
    try:
        expected = reference(image, return_tensors="np")
    except Exception:  # it finds no channels, or fails later
        return
    found = processor(image, return_tensors="np")
    assert set(found) == set(expected)
    for key, want in expected.items():
        assert found[key].dtype == want.dtype
        assert np.array_equal(found[key], want)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mode", ["YCbCr", "HSV", "key"])
def test_prompts(mode: str, backend: str) -> None:
    """SegGPT's prompts are no more converted than its images."""
    plain = Image.fromarray(PIXELS[..., :3])
    expected = reference_class("SegGptImageProcessor", backend)()(plain, prompt_images=image_of(mode), return_tensors="np")
    found = gp.SegGptImageProcessor(backend=backend)(plain, prompt_images=image_of(mode), return_tensors="np")
    assert np.array_equal(found.prompt_pixel_values, expected["prompt_pixel_values"])


@pytest.mark.parametrize("name", ["VideoLlava", "Vivit", "CLIP"])
@pytest.mark.filterwarnings("ignore:image of shape:UserWarning")
def test_four_rows(name: str) -> None:
    """Older classes look for 1 or 3 channels alone, so that 4 rows are none."""
    rows = PIXELS[:4, :, :3]
    reference = getattr(transformers, f"{name}ImageProcessor")()
    for images in (rows, [rows, rows]):
        expected = reference(images, return_tensors="np")
        found = getattr(gp, f"{name}ImageProcessor")()(images, return_tensors="np")
        assert all(np.array_equal(found[key], want) for key, want in expected.items())
