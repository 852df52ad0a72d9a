"""What a call without `return_tensors` returns, against transformers: containers, their types and what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from parity_cases import CASES, keywords, ours, picture, theirs

SIDES = {"size": {"height": 32, "width": 32}}
SHORT = {"size": {"shortest_edge": 32}, "crop_size": 32}
CLASSES: list[tuple[str, str, Mapping[str, Any]]] = [
    ("LlavaNextImageProcessor", "torchvision", {**SHORT, "image_grid_pinpoints": [[32, 64], [64, 32]]}),
    ("LlavaOnevisionImageProcessor", "torchvision", {**SIDES, "image_grid_pinpoints": [[32, 64], [64, 96]], "do_pad": False}),
    ("LlavaOnevisionImageProcessor", "pil", {**SIDES, "image_grid_pinpoints": [[32, 64], [64, 96]]}),
    ("AriaImageProcessor", "pil", {}),
    ("DetrImageProcessor", "torchvision", {"size": {"shortest_edge": 32, "longest_edge": 60}}),
    ("DetrImageProcessor", "pil", {"size": {"shortest_edge": 32, "longest_edge": 60}}),
    ("RTDetrImageProcessor", "torchvision", SIDES),
    ("FuyuImageProcessor", "pil", SIDES),
    ("Emu3ImageProcessor", "pil", {}),
    ("PixtralImageProcessor", "pil", {"size": {"longest_edge": 40}}),
    ("PixtralImageProcessor", "pil", {"size": {"longest_edge": 40}, "do_pad": False}),
    ("Qwen2VLImageProcessor", "pil", {}),
    ("Qwen2VLImageProcessor", "torchvision", {}),
    ("Siglip2ImageProcessor", "pil", {}),
    ("Gemma3ImageProcessor", "pil", SIDES),
    ("Ovis2ImageProcessor", "pil", SIDES),
    ("UnlimitedOcrImageProcessor", "torchvision", {}),
    ("VivitImageProcessor", "pil", SHORT),
    ("SuperGlueImageProcessor", "pil", SIDES),
    ("VitPoseImageProcessor", "torchvision", SIDES),
    ("Llama4ImageProcessor", "torchvision", {}),
    ("SamImageProcessor", "pil", {}),
    ("PPOCRV5ServerDetImageProcessor", "torchvision", {"do_resize": False}),
    ("PPOCRV5ServerDetImageProcessor", "torchvision", {}),
    ("IdeficsImageProcessor", "torchvision", SIDES),
    ("CLIPImageProcessor", "pil", SHORT),
    ("CLIPImageProcessor", "torchvision", SHORT),
    ("Kosmos2_5ImageProcessor", "pil", {}),
]


def shape(value: Any) -> Any:
    """Types all the way down, and what small arrays hold."""
    if isinstance(value, (list, tuple)):
        return ("tuple" if isinstance(value, tuple) else "list", [shape(item) for item in value])
    if isinstance(value, (np.ndarray, torch.Tensor)):
        array = value.float().numpy() if isinstance(value, torch.Tensor) and value.dtype == torch.bfloat16 else np.asarray(value)
        return (type(value).__name__, str(value.dtype), array.tolist() if array.size < 50 else array.shape)
    return (type(value).__name__, value)


@pytest.mark.parametrize(("name", "backend", "settings"), CLASSES)
def test_transformers(name: str, backend: str, settings: Mapping[str, Any]) -> None:
    settings = {**CASES[name].always, **settings, "backend": backend}
    images = [picture((40, 72), "photograph"), picture((40, 72), "noise")]
    further = keywords(name, images)
    found = ours(name, settings)(images, **further)
    expected = theirs(name, settings)(images, **further)
    if name == "IdeficsImageProcessor":
        found, expected = {"": found}, {"": expected}
    assert set(found) == set(expected)
    for key in expected:
        assert shape(found[key]) == shape(expected[key]), key


@pytest.mark.parametrize("tensors", ["np", "pt"])
def test_floats_become_what_the_framework_makes_of_them(tensors: str) -> None:
    """Fuyu's scale factors are Python's floats, float32 in torch."""
    images = [picture((40, 72), "photograph"), picture((72, 40), "noise")]
    found = ours("FuyuImageProcessor", SIDES)(images, return_tensors=tensors)["image_scale_factors"]
    expected = theirs("FuyuImageProcessor", {**SIDES, "backend": "pil"})(images, return_tensors=tensors)["image_scale_factors"]
    assert found.dtype == expected.dtype
    assert np.array_equal(found, expected)
