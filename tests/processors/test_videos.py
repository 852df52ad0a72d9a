"""Lists of frames and of videos."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cases.parity import reference_class

from graphproc.processors.families import frames
from graphproc.wrappers.processor import processor_class

NAMES = [row.name for row in frames.SPECS]
SMALL = {"crop_size": 40, "size": {"height": 50, "width": 45}, "pad_size": 60}
Array = np.ndarray[Any, Any]


def _frames(count: int, height: int, width: int) -> list[Array]:
    return list(np.random.default_rng(height).integers(0, 256, (count, height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("engine", ["numpy", "onnxruntime"])
@pytest.mark.parametrize("name", NAMES)
def test_videos_of_frames(name: str, engine: str) -> None:
    settings = SMALL if name.startswith("Tvp") else {k: v for k, v in SMALL.items() if k != "pad_size"}
    given = [_frames(2, 33, 47), _frames(2, 64, 20)]
    expected = reference_class(name)(**settings)(given, return_tensors="np")
    found = processor_class(name)(engine=engine, **settings)(given, return_tensors="np")
    assert list(found) == list(expected) == ["pixel_values"]
    assert found["pixel_values"].shape[:3] == (2, 2, 3)
    assert found["pixel_values"].dtype == expected["pixel_values"].dtype
    assert np.array_equal(found["pixel_values"], expected["pixel_values"])


@pytest.mark.parametrize("name", NAMES)
def test_videos_of_different_lengths_stay_apart(name: str) -> None:
    given = [_frames(3, 33, 47), _frames(1, 33, 47)]
    expected = reference_class(name)()(given)["pixel_values"]
    found = processor_class(name)()(given)["pixel_values"]
    assert [len(video) for video in found] == [3, 1]
    assert all(
        np.array_equal(a, b) for mine, theirs in zip(found, expected, strict=True) for a, b in zip(mine, theirs, strict=True)
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_video_is_one_array(name: str) -> None:
    """Of four axes; transformers' Vivit takes it for one frame, and fails."""
    settings = SMALL if name.startswith("Tvp") else {k: v for k, v in SMALL.items() if k != "pad_size"}
    video = np.stack(_frames(3, 33, 47))
    found = processor_class(name)(**settings)(video, return_tensors="np")["pixel_values"]
    np.testing.assert_array_equal(found, processor_class(name)(**settings)(list(video), return_tensors="np")["pixel_values"])
    if name == "VivitImageProcessor":
        with pytest.raises(TypeError, match="Cannot handle this data type"):
            reference_class(name)(**settings)(video, return_tensors="np")
    else:
        np.testing.assert_array_equal(found, reference_class(name)(**settings)(video, return_tensors="np")["pixel_values"])
