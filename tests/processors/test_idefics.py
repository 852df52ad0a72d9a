"""Idefics: a bare result, an older name of the size, and functions."""

from __future__ import annotations

import numpy as np
import pytest

from graphproc.errors import ConfigError
from graphproc.wrappers.processor import processor_class

IMAGE = np.random.default_rng(3).integers(0, 256, (20, 30, 3), dtype=np.uint8)
Idefics = processor_class("IdeficsImageProcessor")


def test_a_call_returns_the_pixels_themselves() -> None:
    found = Idefics(size=24)([IMAGE, IMAGE], return_tensors="np")
    assert isinstance(found, np.ndarray)
    assert found.shape == (2, 3, 24, 24)
    listed = Idefics(size=24)(IMAGE)
    assert isinstance(listed, list)
    assert np.array_equal(listed[0], found[0])


def test_image_size_is_read_once() -> None:
    processor = Idefics(image_size=24)
    assert processor.size == {"height": 24, "width": 24}
    processor.size = {"height": 10, "width": 12}
    assert processor(IMAGE, return_tensors="np").shape == (1, 3, 10, 12)


def test_functions_are_refused() -> None:
    with pytest.raises(ConfigError, match="transform: expected null"):
        Idefics(transform=len)
    with pytest.raises(ConfigError, match="transform: expected null"):
        Idefics()(IMAGE, transform=len)
