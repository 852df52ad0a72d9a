"""Arrays of two and of four channels that no class converts, with the pil backend: Pillow takes the last for alpha."""

from __future__ import annotations

from typing import Any

import cases.parity as cases
import numpy as np
import pytest

from graphproc.errors import GraphprocError
from graphproc.processors.registry import lookup

Array = np.ndarray[Any, Any]

SMALL = {"size": {"height": 24, "width": 30}}
TILES = {"size": {"shortest_edge": 30}, "crop_size": {"height": 30, "width": 30}, "image_grid_pinpoints": [[30, 60], [60, 60]]}
PAGE = {"size": {"height": 60, "width": 45}}
CLASSES: dict[str, dict[str, Any]] = {
    "ViTImageProcessor": SMALL,
    "SegformerImageProcessor": SMALL,
    "SuperPointImageProcessor": SMALL,
    "LlavaNextImageProcessor": TILES,  # some of its tiles have the wanted size already
    "NougatImageProcessor": PAGE,  # looks for a margin, and shrinks by means of blocks
    "DetrImageProcessor": {"size": {"shortest_edge": 30, "longest_edge": 50}},
}
SIZES = ((40, 56), (24, 30), (300, 200), (31, 90))


def picture(channels: int, size: tuple[int, int], dtype: str) -> Array:
    """Return noise inside a light margin; a part is transparent, and a part opaque."""
    rng = np.random.default_rng((channels, *size))
    image = np.full((*size, channels), 255, np.uint8)
    image[3:-4, 5:-2] = rng.integers(0, 256, (size[0] - 7, size[1] - 7, channels))
    image[8:12, :, -1], image[12:16, :, -1] = 0, 255
    return image if dtype == "uint8" else (image / 255).astype(dtype)


def compare(name: str, settings: dict[str, Any], images: Any) -> None:
    call = {"return_tensors": "np", "input_data_format": "channels_last"}
    settings = {**settings, "backend": "pil"}
    expected = cases.theirs(name, settings)(images, **call)["pixel_values"]
    found = cases.ours(name, settings)(images, **call)["pixel_values"]
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("channels", [2, 4])
@pytest.mark.parametrize("name", CLASSES)
def test_channels_are_resized_through_the_last(name: str, channels: int, dtype: str) -> None:
    numbers = [0.1 * (channel + 1) for channel in range(channels)]
    settings = {"do_convert_rgb": False, "image_mean": numbers, "image_std": numbers, **CLASSES[name]}
    for size in SIZES:
        compare(name, settings, picture(channels, size, dtype))


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("name", ["EfficientLoFTRImageProcessor", "LightGlueImageProcessor", "SuperGlueImageProcessor"])
def test_gray_of_four_channels_is_that_of_three(name: str, dtype: str) -> None:
    for size in SIZES[:2]:
        compare(name, SMALL, [picture(4, size, dtype), picture(4, size, dtype)[::-1]])
    gray = np.repeat(picture(1, (40, 56), dtype), 4, axis=-1)
    compare(name, SMALL, [gray, gray])


@pytest.mark.parametrize("scale", [1, 255])
@pytest.mark.parametrize("steps", [{}, {"do_resize": False}, {"do_resize": False, "do_rescale": False}])
def test_tensors_of_half_precision(steps: dict[str, Any], scale: int) -> None:
    torch = pytest.importorskip("torch")
    pixels = torch.from_numpy(np.moveaxis(picture(3, (40, 56), "float32"), -1, 0).copy())
    settings = {**SMALL, **steps, "backend": "pil"}
    image = (pixels * scale).round().half() if scale > 1 else pixels.half()
    expected = cases.theirs("ViTImageProcessor", settings)(image, return_tensors="np")["pixel_values"]
    found = cases.ours("ViTImageProcessor", settings)(image, return_tensors="np")["pixel_values"]
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)
    for processor in (cases.ours("ViTImageProcessor", settings), cases.theirs("ViTImageProcessor", settings)):
        with pytest.raises((ValueError, TypeError), match="BFloat16"):  # which numpy has not
            processor(image.bfloat16(), return_tensors="np")


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_tiles_of_one_channel_become_gray(dtype: str) -> None:
    """Transformers puts them into an array of three channels."""
    sizes = {"size": {"height": 28, "width": 28}, "do_convert_rgb": False, "image_mean": [0.5], "image_std": [0.25]}
    for size in SIZES[:2]:
        compare("GraniteDoclingImageProcessor", sizes, picture(1, size, dtype))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("steps", [{"do_pad": True}, {"do_resize": True}, {}], ids=["pad", "resize", "neither"])
def test_owlv2_pads_and_resizes_one_or_three(steps: dict[str, Any], channels: int) -> None:
    off = {"do_pad": False, "do_resize": False, "do_normalize": False, "do_convert_rgb": False}
    settings, image = {**off, **steps, **SMALL, "backend": "pil"}, picture(channels, (40, 56), "uint8").transpose(2, 0, 1)
    call = {"images": image, "return_tensors": "np", "input_data_format": "channels_first"}
    expected = cases.attempt(lambda: cases.theirs("Owlv2ImageProcessor", settings)(**call), Exception)
    found = cases.attempt(lambda: cases.ours("Owlv2ImageProcessor", settings)(**call), GraphprocError)
    assert isinstance(found, Exception) == (bool(steps) and channels in (2, 4))
    assert cases.difference(found, expected, lookup("Owlv2ImageProcessor").parity_of("pil").bound) == ""
