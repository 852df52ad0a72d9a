"""Alpha removal against Pillow and transformers, over every pair of colour and alpha."""

from __future__ import annotations

import numpy as np
import pytest

from graphproc.errors import ImageError, ShapeError
from graphproc.numerics.color import (
    blend_on_white,
    blend_on_white_in_float32,
    composite_on_checkerboard,
    composite_on_white,
)


def every_color_and_alpha() -> np.ndarray:
    """Return uint8 [256, 256, 4]: the row is alpha, the column red; green and blue are permutations of the column."""
    alpha, red = np.meshgrid(np.arange(256), np.arange(256), indexing="ij")
    green, blue = 255 - red, (red * 7 + alpha) % 256
    return np.stack([red, green, blue, alpha], axis=-1).astype(np.uint8)


def test_composite_equals_pillow_for_every_pair() -> None:
    image_module = pytest.importorskip("PIL.Image")
    rgba = every_color_and_alpha()
    white = image_module.new("RGBA", (256, 256), (255, 255, 255, 255))
    expected = np.array(image_module.alpha_composite(white, image_module.fromarray(rgba)).convert("RGB"))
    np.testing.assert_array_equal(composite_on_white(rgba), expected)


def test_composite_ends() -> None:
    rgba = np.array([[10, 20, 30, 0], [10, 20, 30, 255]], dtype=np.uint8)
    np.testing.assert_array_equal(composite_on_white(rgba), [[255, 255, 255], [10, 20, 30]])


def test_a_checkerboard_begins_light_and_changes_every_8_pixels() -> None:
    squares = composite_on_checkerboard(np.zeros((2, 16, 24, 4), np.uint8))[1, ::8, ::8, 0]
    np.testing.assert_array_equal(squares, [[204, 153, 204], [153, 204, 153]])
    rgba = every_color_and_alpha()
    on_light = (rgba[:8, :8, :3].astype(int) * rgba[:8, :8, 3:] + 204 * (255 - rgba[:8, :8, 3:].astype(int)) + 127) // 255
    np.testing.assert_array_equal(composite_on_checkerboard(rgba)[:8, :8], on_light)
    with pytest.raises(ShapeError, match="height, width"):
        composite_on_checkerboard(np.zeros((5, 4), np.uint8))


def test_composite_keeps_leading_axes_and_input() -> None:
    rgba = every_color_and_alpha().reshape(2, 128, 256, 4)
    before = rgba.copy()
    result = composite_on_white(rgba[:, ::-1])
    assert result.shape == (2, 128, 256, 3)
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(rgba, before)


def reference_blend(rgba: np.ndarray) -> np.ndarray:
    transforms = pytest.importorskip("transformers.image_transforms")
    result: np.ndarray = transforms.convert_to_rgb(rgba, return_numpy=True, input_data_format="channels_last")
    return result


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.int64])
def test_integer_blend_equals_transformers_for_every_pair(dtype: type) -> None:
    rgba: np.ndarray = every_color_and_alpha().astype(dtype)
    result = blend_on_white(rgba)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, reference_blend(rgba))


def test_the_blend_in_float32_is_near_the_others() -> None:
    """Equal to torchvision's in tests/processors/test_torchvision.py."""
    rgba = every_color_and_alpha()
    result = blend_on_white_in_float32(rgba)
    gap = np.abs(result.astype(int) - blend_on_white(rgba))
    assert gap.max() == 1
    np.testing.assert_array_equal(result[0], 255)
    np.testing.assert_array_equal(result[255], rgba[255, :, :3])
    with pytest.raises(ShapeError, match="complex64"):
        blend_on_white_in_float32(rgba.astype(np.complex64))  # type: ignore[arg-type]


def test_integer_blend_of_wide_colors_equals_transformers() -> None:
    rgba = every_color_and_alpha().astype(np.uint16)
    rgba[..., :3] *= 257
    np.testing.assert_array_equal(blend_on_white(rgba), reference_blend(rgba))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floating_blend_equals_transformers(dtype: type) -> None:
    rgba: np.ndarray = (every_color_and_alpha() / 255).astype(dtype)
    result = blend_on_white(rgba)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, reference_blend(rgba))


def test_boolean_blend_equals_transformers() -> None:
    rgba = np.array([[[bool(bits >> bit & 1) for bit in range(4)] for bits in range(16)]])
    result = blend_on_white(rgba)
    assert result.dtype == np.bool_
    np.testing.assert_array_equal(result, reference_blend(rgba))


def test_the_two_arithmetics_agree_on_uint8() -> None:
    rgba = every_color_and_alpha()
    np.testing.assert_array_equal(composite_on_white(rgba), blend_on_white(rgba))


@pytest.mark.parametrize("rgba", [np.full((2, 2, 4), 1.5), np.full((2, 2, 4), -0.1, np.float32)])
def test_blend_rejects_floats_outside_unit_range(rgba: np.ndarray) -> None:
    with pytest.raises(ImageError, match="from 0 to 1"):
        blend_on_white(rgba)


def test_blend_rejects_integer_alpha_above_255() -> None:
    with pytest.raises(ImageError, match="alpha from 0 to 255, got 65535 to 65535"):
        blend_on_white(np.full((2, 2, 4), 65535, np.uint16))


@pytest.mark.parametrize("function", [composite_on_white, composite_on_checkerboard, blend_on_white])
@pytest.mark.parametrize("shape", [(), (4, 3), (5, 0)])
def test_other_channel_counts_are_rejected(function: object, shape: tuple[int, ...]) -> None:
    assert callable(function)
    with pytest.raises(ShapeError, match="4"):
        function(np.zeros(shape, np.uint8))


def test_other_dtypes_are_rejected() -> None:
    with pytest.raises(ShapeError, match="uint8"):
        composite_on_white(np.zeros((1, 4), np.float32))  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="complex64"):
        blend_on_white(np.zeros((1, 4), np.complex64))


def test_no_pixels() -> None:
    assert composite_on_white(np.zeros((0, 4), np.uint8)).shape == (0, 3)
    assert blend_on_white(np.zeros((0, 4), np.float32)).shape == (0, 3)
