"""Reading images against Pillow and the Pillow backend of transformers."""

from __future__ import annotations

import base64
import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphproc.errors import ImageError
from graphproc.wrappers.images import flatten_images, to_array

Image = pytest.importorskip("PIL.Image")


def random_array(*shape: int, dtype: Any = np.uint8) -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, shape).astype(dtype)


def read(image: object, do_convert_rgb: bool = False, input_data_format: str | None = None) -> np.ndarray:
    return to_array(image, do_convert_rgb=do_convert_rgb, input_data_format=input_data_format)


def reference(image: Any, do_convert_rgb: bool, input_data_format: str | None = None) -> np.ndarray:
    """Return the image [height, width, channels] as transformers' Pillow backend reads it."""
    backends = pytest.importorskip("transformers.image_processing_backends")
    processor = backends.PilBackend()
    array = processor.process_image(image, do_convert_rgb=do_convert_rgb, input_data_format=input_data_format)
    return np.moveaxis(array, 0, -1)


def assert_same(result: np.ndarray, expected: np.ndarray) -> None:
    assert result.dtype == expected.dtype
    assert result.flags.c_contiguous
    np.testing.assert_array_equal(result, expected)


# --- flatten_images


def test_single_images() -> None:
    image, array = Image.new("RGB", (4, 3)), random_array(3, 4, 3)
    for single in (image, array, "photo.png", Path("photo.png")):
        flat = flatten_images(single)
        assert len(flat) == 1
        assert flat[0] is single


def test_batches_and_nesting_keep_their_order() -> None:
    batch = random_array(2, 5, 6, 3)
    image = Image.new("L", (2, 2))
    flat = flatten_images([batch, [image, ("a.png", []), [batch[0]]]])
    assert len(flat) == 5
    np.testing.assert_array_equal(flat[1], batch[1])
    assert flat[2] is image
    assert flat[3] == "a.png"
    assert np.shares_memory(flat[0], batch)  # type: ignore[arg-type]
    assert len(flatten_images(batch)) == 2


def test_torch_tensors_flatten_as_arrays_do() -> None:
    torch = pytest.importorskip("torch")
    assert len(flatten_images(torch.zeros(2, 3, 4, 5))) == 2
    assert len(flatten_images([torch.zeros(3, 4, 5)])) == 1
    with pytest.raises(ImageError, match=r"\[4, 5\]"):
        flatten_images(torch.zeros(4, 5))


@pytest.mark.parametrize("shape", [(), (4,), (4, 5), (1, 2, 3, 4, 5)])
def test_other_ranks_are_rejected(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError) as caught:
        flatten_images([random_array(3, 4, 5), np.zeros(shape)])
    message = str(caught.value)
    assert "images[1]" in message
    assert str(list(shape)) in message
    assert "3 dimensions" in message


@pytest.mark.parametrize("images", [[], (), [[]], [[], ()], np.zeros((0, 3, 4, 5))])
def test_no_image_at_all(images: Any) -> None:
    with pytest.raises(ImageError, match="at least one image"):
        flatten_images(images)


@pytest.mark.parametrize("images", [None, 3, b"\x89PNG", {"image": 1}, [[[1, 2], [3, 4]]], object()])
def test_values_that_are_no_image(images: Any) -> None:
    with pytest.raises(ImageError, match="expected a PIL image") as caught:
        flatten_images(images)
    assert "\n" not in str(caught.value)


# --- PIL images


def pil_images() -> dict[str, Any]:
    rgb = Image.fromarray(random_array(6, 5, 3))
    rgba = Image.fromarray(random_array(6, 5, 4))
    wide = random_array(6, 5, dtype=np.int32) * 3 - 100
    palette = rgb.quantize(16)
    clear_palette = palette.copy()
    clear_palette.info["transparency"] = 3
    bytes_palette = palette.copy()
    bytes_palette.info["transparency"] = bytes(range(0, 256, 16))
    clear_rgb = rgb.copy()
    clear_rgb.info["transparency"] = rgb.getpixel((0, 0))
    clear_gray = rgb.convert("L")
    clear_gray.info["transparency"] = clear_gray.getpixel((1, 1))
    return {
        "1": rgb.convert("1"),
        "L": rgb.convert("L"),
        "LA": rgba.convert("LA"),
        "PA": rgba.convert("P").convert("PA"),
        "P": palette,
        "RGB": rgb,
        "RGBA": rgba,
        "RGBX": rgb.convert("RGBX"),
        "RGBa": rgba.convert("RGBa"),
        "La": rgba.convert("LA").convert("La"),
        "CMYK": rgb.convert("CMYK"),
        "YCbCr": rgb.convert("YCbCr"),
        "HSV": rgb.convert("HSV"),
        "LAB": Image.frombytes("LAB", (5, 6), random_array(6, 5, 3).tobytes()),
        "I": Image.fromarray(wide),
        "F": Image.fromarray((wide * 0.7).astype(np.float32)),
        "I;16": Image.fromarray(random_array(6, 5, dtype=np.uint16) * 300),
        "I;16B": Image.fromarray((random_array(6, 5, dtype=np.uint16) * 2).astype(">u2")),
        "P, transparent index": clear_palette,
        "P, transparent bytes": bytes_palette,
        "RGB, transparent colour": clear_rgb,
        "L, transparent level": clear_gray,
    }


def test_pil_mode_without_a_way_to_rgb() -> None:
    image = pil_images()["La"]
    with pytest.raises(ImageError, match="PIL image of mode La: expected an image that Pillow can"):
        read(image, True)
    with pytest.raises(ValueError, match="conversion"):
        reference(image, True)


@pytest.mark.parametrize("do_convert_rgb", [False, True])
@pytest.mark.parametrize("name", pil_images())
def test_pil_modes_equal_transformers(name: str, do_convert_rgb: bool) -> None:
    if do_convert_rgb and name == "La":
        pytest.skip("refused by both, see the test above")
    image = pil_images()[name]
    expected = reference(image, do_convert_rgb)
    assert_same(read(image, do_convert_rgb), expected.astype(expected.dtype.newbyteorder("=")))
    if do_convert_rgb:
        assert expected.shape == (6, 5, 3)


def test_every_alpha_over_white_equals_transformers() -> None:
    rgba = np.zeros((256, 256, 4), np.uint8)
    rgba[..., :3] = np.arange(256, dtype=np.uint8)[None, :, None]
    rgba[..., 3] = np.arange(256, dtype=np.uint8)[:, None]
    image = Image.fromarray(rgba)
    assert_same(read(image, True), reference(image, True))


def test_input_data_format_says_nothing_about_pil_images() -> None:
    image = Image.fromarray(random_array(3, 4, 3))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(read(image, True, "channels_first"), np.array(image))
        assert_same(read(image), np.array(image))


# --- arrays


@pytest.mark.parametrize("do_convert_rgb", [False, True])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int64, np.float32, np.float64, np.bool_])
@pytest.mark.parametrize("shape", [(6, 5, 1), (6, 5, 3), (6, 5, 4), (1, 6, 5), (3, 6, 5), (4, 6, 5)])
def test_arrays_equal_transformers(shape: tuple[int, ...], dtype: Any, do_convert_rgb: bool) -> None:
    array = random_array(*shape)
    array = array > 127 if dtype is np.bool_ else array.astype(dtype)
    if array.dtype.kind == "f":
        array /= 255
    assert_same(read(array, do_convert_rgb), np.ascontiguousarray(reference(array, do_convert_rgb)))


@pytest.mark.parametrize("shape", [(3, 5, 3), (1, 6, 4), (4, 4, 4), (3, 9, 1)])
def test_ambiguous_axes_warn_and_take_the_first(shape: tuple[int, ...]) -> None:
    array = random_array(*shape)
    with pytest.warns(UserWarning, match="input_data_format"):
        result = read(array, True)
    assert_same(result, np.ascontiguousarray(reference(array, True)))


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
@pytest.mark.parametrize("shape", [(3, 5, 3), (4, 6, 3), (2, 6, 5), (6, 5, 2)])
def test_input_data_format_overrides(shape: tuple[int, ...], data_format: str) -> None:
    array = random_array(*shape)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = read(array, True, data_format)
    assert_same(result, np.ascontiguousarray(reference(array, True, data_format)))


def test_data_format_members_of_transformers() -> None:
    channel_dimension = pytest.importorskip("transformers.image_utils").ChannelDimension
    array = random_array(3, 5, 3)
    assert_same(read(array, False, channel_dimension.LAST), array)


@pytest.mark.parametrize("shape", [(2, 6, 5), (6, 5, 2), (5, 6, 7), (6, 4, 5)])
def test_no_channel_axis(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match=r"1, 3 or 4 channels.*\[\d, \d, \d\].*input_data_format"):
        read(random_array(*shape))


def test_plain_matrix_is_one_channel() -> None:
    array = random_array(6, 3)
    assert_same(read(array), array[..., None])
    assert_same(read(array, True, "channels_last"), np.repeat(array[..., None], 3, axis=2))


def test_layout_and_byte_order_of_the_result() -> None:
    array = random_array(12, 10, 3, dtype=">u2")[::-2, ::3]
    result = read(array)
    assert result.dtype.isnative
    assert result.flags.c_contiguous
    np.testing.assert_array_equal(result, array)


def test_arrays_are_never_written_to() -> None:
    for shape in ((6, 5, 4), (4, 6, 5), (6, 5, 3)):
        array = random_array(*shape)
        array.flags.writeable = False
        before = array.copy()
        read(array, True)
        np.testing.assert_array_equal(array, before)


def test_what_needs_no_copy_gets_none(tmp_path: Path) -> None:
    array = random_array(30, 40, 3)
    assert np.shares_memory(read(array, True), array)
    planes = random_array(1, 30, 40)
    assert np.shares_memory(read(planes), planes)
    image = Image.fromarray(array)
    image.save(tmp_path / "a.png")
    for found in (read(image, True), read(tmp_path / "a.png", True)):
        assert_same(found, array)
        assert not found.flags.owndata  # Pillow's own bytes
        assert not found.flags.writeable


def test_torch_tensors() -> None:
    torch = pytest.importorskip("torch")
    array = random_array(4, 6, 5)
    assert_same(read(torch.from_numpy(array), True), read(array, True))
    grad = torch.rand(3, 6, 5, requires_grad=True)
    assert_same(read(grad), np.ascontiguousarray(np.moveaxis(grad.detach().numpy(), 0, -1)))
    for unusable in (torch.zeros(3, 6, 5, dtype=torch.bfloat16), torch.zeros(3, 6, 5, device="meta")):
        with pytest.raises(ImageError, match="numpy can hold"):
            read(unusable)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 3, 4, 5)), "Split batches"),
        (np.zeros(3), "2 or 3 dimensions"),
        (np.zeros((0, 5, 3)), "at least one pixel"),
        (np.zeros((3, 5, 0)), "at least one pixel"),
        (np.zeros((5, 5, 3), object), "dtype object"),
        (np.zeros((5, 5, 3), complex), "dtype complex128"),
        (np.array([[["a"]]]), "dtype <U1"),
        (None, "NoneType"),
        ([1, 2], "list"),
    ],
)
def test_unusable_arrays(array: Any, message: str) -> None:
    with pytest.raises(ImageError, match=message) as caught:
        read(array)
    assert "\n" not in str(caught.value)


def test_float_rgba_outside_unit_range() -> None:
    with pytest.raises(ImageError, match="from 0 to 1"):
        read(random_array(6, 5, 4, dtype=np.float32), True)


def test_two_channels_become_no_rgb_by_torchvision() -> None:
    array = random_array(6, 5, 2)
    with pytest.raises(ImageError, match="convert to RGB, got 2, which torchvision does not convert"):
        to_array(array, do_convert_rgb=True, input_data_format="channels_last", backend="torchvision")
    assert to_array(array, do_convert_rgb=True, input_data_format="channels_last").shape[-1] == 2
    transformers = pytest.importorskip("transformers")
    with pytest.raises(ValueError, match="expected 3, got 2"):
        transformers.CLIPImageProcessor()(array, input_data_format="channels_last")


@pytest.mark.parametrize("data_format", ["HWC", "", 3, "none"])
def test_unknown_data_format(data_format: Any) -> None:
    with pytest.raises(ImageError, match="channels_first"):
        read(random_array(6, 5, 3), False, data_format)


# --- files


@pytest.mark.parametrize("orientation", range(1, 9))
def test_files_are_turned_upright_and_pil_images_are_not(tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "photo.png"
    Image.fromarray(random_array(6, 5, 3)).save(path, exif=exif)
    load_image = pytest.importorskip("transformers.image_utils").load_image
    expected = np.array(load_image(str(path)))
    assert expected.shape[:2] == ((6, 5) if orientation < 5 else (5, 6))
    for source in (str(path), path):
        for do_convert_rgb in (False, True):
            assert_same(read(source, do_convert_rgb), expected)
    with Image.open(path) as opened:
        assert_same(read(opened), random_array(6, 5, 3))


@pytest.mark.parametrize("name", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "P, transparent bytes"])
def test_files_become_rgb_and_lose_alpha(tmp_path: Path, name: str) -> None:
    path = tmp_path / "image.png"
    image = pil_images()[name]
    image.save(path, **({"transparency": image.info["transparency"]} if "transparency" in image.info else {}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's advice about palettes with transparency
        with Image.open(path) as opened:
            expected = np.array(opened.convert("RGB"))
        assert_same(read(str(path)), expected)
        assert_same(read(str(path), True), expected)


def test_jpeg_file_equals_transformers(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    Image.fromarray(random_array(40, 30, 4)).convert("CMYK").save(path)
    load_image = pytest.importorskip("transformers.image_utils").load_image
    assert_same(read(str(path)), np.array(load_image(str(path))))


def test_data_url() -> None:
    array, buffer = random_array(6, 5, 3), io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    assert flatten_images(url) == [url]
    assert_same(read(url), array)
    for broken in ("data:image/png;base64,", "data:image/png;base64,AAA", "data:image/svg+xml,%3Csvg", url[:60]):
        with pytest.raises(ImageError, match="data:image"):
            read(broken)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "tiff", "webp"])
def test_truncated_files_are_named(tmp_path: Path, suffix: str) -> None:
    whole = tmp_path / f"whole.{suffix}"
    Image.fromarray(random_array(64, 64, 3)).save(whole)
    data = whole.read_bytes()
    for length in (0, 3, 12, len(data) // 4, len(data) // 2):
        path = tmp_path / f"cut{length}.{suffix}"
        path.write_bytes(data[:length])
        with pytest.raises(ImageError, match=path.name) as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_truncated_pil_image_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    buffer = io.BytesIO()
    Image.fromarray(random_array(64, 64, 3)).save(buffer, "PNG")
    path.write_bytes(buffer.getvalue()[:2000])
    for do_convert_rgb in (False, True):
        with Image.open(path) as opened, pytest.raises(ImageError, match=r"cut\.png"):
            read(opened, do_convert_rgb)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no image")
    for source, message in (
        (text, "notes.txt"),
        (tmp_path / "missing.png", "found nothing at this path"),
        (str(tmp_path), "folder"),
        ("nul\0byte", "nul"),
        ("", "found nothing at this path"),
    ):
        with pytest.raises(ImageError, match=message):
            read(source)


@pytest.mark.parametrize("url", ["http://example.org/a.png", "https://example.org/a.png", "HTTPS://example.org/a.png"])
def test_urls_are_refused_with_advice(url: str) -> None:
    assert flatten_images([url]) == [url]
    with pytest.raises(ImageError, match=r"example\.org.*Download"):
        read(url)


def test_decompression_bombs_stay_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.png"
    Image.new("L", (100, 100)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4000)
    with pytest.raises(ImageError, match=r"bomb\.png.*MAX_IMAGE_PIXELS"):
        read(path)
