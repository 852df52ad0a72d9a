"""SegGPT's palette, and which prompts a call may have."""

from __future__ import annotations

import numpy as np
import pytest
from cases.parity import reference_class
from cases.processors.prompts import prompts
from PIL import Image

from graphproc.errors import ConfigError
from graphproc.processors.families.prompts import palette
from graphproc.wrappers.processor import processor_class

NAME = "SegGptImageProcessor"


@pytest.mark.parametrize("labels", [0, 1, 7, 8, 26, 27, 63, 64, 124, 125, 216, 255, 300])
def test_palette(labels: int) -> None:
    expected = reference_class(NAME)().get_palette(labels)[:256]
    assert list(zip(*palette(labels), strict=True)) == expected + [(0, 0, 0)] * (256 - len(expected))


@pytest.mark.parametrize("labels", [-1, True, 2.5, "7"])
def test_a_number_of_labels_that_is_none(labels: object) -> None:
    with pytest.raises(ConfigError, match="num_labels: expected a whole number"):
        processor_class(NAME)(num_labels=labels).compile(inputs=["prompt_map"])
    with pytest.raises(ConfigError, match="num_labels: expected a whole number of at least 0"):
        processor_class(NAME)().get_palette(labels)


@pytest.mark.parametrize("given", [(), ("prompt_images",), ("prompt_masks",), ("prompt_images", "prompt_masks")])
def test_prompts_are_optional(given: tuple[str, ...]) -> None:
    image = Image.fromarray(np.full((20, 30, 3), 90, dtype=np.uint8))
    extra_inputs = {key: value for key, value in prompts((20, 30)).items() if key in given}
    expected = reference_class(NAME)(num_labels=7)(image, return_tensors="np", **extra_inputs)
    found = processor_class(NAME)(num_labels=7)(image, return_tensors="np", **extra_inputs)
    assert list(found) == list(expected)
    assert all(np.array_equal(found[key], expected[key]) for key in found)
