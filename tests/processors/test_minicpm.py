"""MiniCPM-OCR's images of one channel, beyond its parity cases."""

from __future__ import annotations

import cases.parity as cases
import numpy as np
import pytest

NAME = "MiniCPMOcrImageProcessor"


@pytest.mark.parametrize("engine", ["numpy", "onnxruntime"])
@pytest.mark.parametrize("settings", [{}, {"do_rescale": False}, {"do_normalize": False}])
def test_one_channel_becomes_as_many_as_means(settings: dict[str, object], engine: str) -> None:
    settings = {"patch_size": 4, "do_convert_rgb": False, "backend": "torchvision", **settings}
    image = cases.picture((41, 53), "noise").convert("L")
    expected = cases.theirs(NAME, settings)(image, return_tensors="np")["pixel_values"]
    found = cases.ours(NAME, settings)(image, return_tensors="np", engine=engine)["pixel_values"]
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(found, expected)
