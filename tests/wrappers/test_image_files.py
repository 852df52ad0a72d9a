"""Image files of all kinds, against transformers' own way from a path to pixels."""

from __future__ import annotations

import base64
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.odd_files import write_odd_files

import graphproc as gp
from graphproc.errors import ImageError
from graphproc.wrappers.image_files import load_file
from graphproc.wrappers.images import to_array

OTHERWISE = {"16 bits.png", "key of 16 bits.png", "animated.gif", "turned.webp"}
"""Files that torchvision's decoder reads differently."""

UNCHANGED = {"do_resize": False, "do_center_crop": False, "do_rescale": False, "do_normalize": False}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_odd_files(tmp_path_factory.mktemp("odd"))


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Palette images with Transparency")
        warnings.filterwarnings("ignore", "The image decoding and encoding capabilities of TorchVision")
        yield


@pytest.mark.parametrize("do_convert_rgb", [True, False])
def test_files_are_read_as_transformers_reads_them(files: dict[str, Path], do_convert_rgb: bool) -> None:
    utils = pytest.importorskip("transformers.image_utils")
    backend = pytest.importorskip("transformers.image_processing_backends").PilBackend()
    for name, path in files.items():
        with Image.open(path) as opened:  # which it does itself, and leaves open
            image = utils.load_image(opened)
        expected = np.moveaxis(backend.process_image(image, do_convert_rgb=do_convert_rgb), 0, -1)
        for source in (path, image, load_file(path)):
            found = to_array(source, do_convert_rgb=do_convert_rgb, input_data_format=None)
            np.testing.assert_array_equal(found, expected, err_msg=name)


def test_torchvisions_decoder_gives_the_same_but_for_some_kinds(files: dict[str, Path]) -> None:
    load = pytest.importorskip("transformers.image_utils").load_image_as_tensor
    differing, compared = set(), 0
    for name, path in files.items():
        try:
            expected = load(str(path)).numpy()
        except RuntimeError:  # it does not read TIFF, nor animated WebP
            assert path.suffix == ".tif" or name == "animated.webp"
            continue
        found = to_array(path, do_convert_rgb=True, input_data_format=None, backend="torchvision")
        compared += 1
        if expected.dtype != np.uint8 or not np.array_equal(found, np.moveaxis(expected, -3, -1)):
            differing.add(name)
    assert differing == OTHERWISE
    assert compared > 30


@pytest.mark.parametrize("name", ["key of RGB.png", "key of L.png", "key of P.png", "key of P.gif"])
def test_a_transparent_colour_becomes_the_background(files: dict[str, Path], name: str) -> None:
    converting = gp.ViTImageProcessorPil(**UNCHANGED, do_convert_rgb=True)
    pixels = converting(str(files[name]), return_tensors="np")["pixel_values"][0]
    assert (pixels[:, :4, :4] == 255).all()
    assert (pixels[:, 4:, 4:] < 255).any()
    plain = gp.ViTImageProcessorPil(**UNCHANGED, do_convert_rgb=False)
    torchvisions = gp.ViTImageProcessor(**UNCHANGED, do_convert_rgb=True)  # its decoder drops the transparency
    for kept in (plain, torchvisions):
        assert not (kept(str(files[name]), return_tensors="np")["pixel_values"][0][:, :4, :4] == 255).all()


def test_an_alpha_channel_is_dropped(files: dict[str, Path]) -> None:
    with Image.open(files["RGBA.png"]) as image:
        expected = np.array(image)[..., :3]
    np.testing.assert_array_equal(to_array(files["RGBA.png"], do_convert_rgb=True, input_data_format=None), expected)


def test_base64_text_is_a_file(files: dict[str, Path]) -> None:
    path = files["key of RGB.png"]
    expected = to_array(path, do_convert_rgb=True, input_data_format=None)
    data = path.read_bytes()
    for text in ("data:image/png;base64," + base64.b64encode(data).decode(), base64.encodebytes(data).decode()):
        np.testing.assert_array_equal(to_array(text, do_convert_rgb=True, input_data_format=None), expected)


@pytest.mark.parametrize("text", ["photos/cat1", "abcd", ""])
def test_text_that_is_neither_path_nor_image_is_a_mistyped_path(text: str) -> None:
    with pytest.raises(ImageError, match="found nothing at this path"):
        load_file(text)
