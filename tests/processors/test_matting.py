"""VitMatte's image and trimap of several element types."""

from __future__ import annotations

import numpy as np
import pytest
from cases.parity import ours, theirs

OFF = {"do_rescale": False, "do_normalize": False, "backend": "torchvision"}


@pytest.mark.parametrize("trimap", ["uint8", "bool", "float32", "int64"])
@pytest.mark.parametrize("image", ["uint8", "bool", "int16", "float16", "float64"])
def test_channels_of_two_types(image: str, trimap: str) -> None:
    """Joined as torch joins tensors, in the type that holds both."""
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 2, (3, 20, 39)).astype(image)
    maps = {"trimaps": (rng.integers(0, 3, (20, 39)) * 127).astype(trimap)}
    found, wanted = (
        make("VitMatteImageProcessor", OFF)(picture, return_tensors="np", **maps)["pixel_values"] for make in (ours, theirs)
    )
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)
