"""The images of kits: the same bytes everywhere, and PNG files that Pillow reads as such."""

from __future__ import annotations

import io
from hashlib import sha256

import numpy as np
import pytest
from PIL import Image

from graphproc.kits.pixels import PAGES, SMALL, photo, png
from graphproc.wrappers.examples import photograph

DIGESTS = {"noise": "5823d1ab", "squares": "527ee946", "ramp": "b07bc5c5", "page": "93140295", "blank": "3a7155b7"}


@pytest.mark.parametrize("name", [*SMALL, *PAGES])
@pytest.mark.parametrize("size", [(1, 1), (5, 7), (61, 47), (64, 640)])
def test_png_files_hold_the_pixels(name: str, size: tuple[int, int]) -> None:
    pixels = {**SMALL, **PAGES}[name](*size)
    assert pixels.dtype == np.uint8
    assert pixels.shape == (*size, 3)
    file = io.BytesIO(png(pixels))
    Image.open(file).verify()
    assert (np.asarray(Image.open(file)) == pixels).all()
    assert Image.open(file).mode == "RGB"


@pytest.mark.parametrize(("name", "digest"), DIGESTS.items())
def test_pixels_never_change(name: str, digest: str) -> None:
    assert sha256(png({**SMALL, **PAGES}[name](61, 47))).hexdigest()[:8] == digest


def test_the_photograph_is_a_part_of_the_shipped_one() -> None:
    whole = photograph()
    assert (photo(240, 320) == whole[30:270, 65:385]).all()
    assert (photo(451, 225) == whole.transpose(1, 0, 2)[:, 37:262]).all()


def test_channels_differ() -> None:
    for make in SMALL.values():
        pixels = make(9, 8)
        assert (pixels != pixels[..., ::-1]).any()
