"""Where a call puts its tensors, with transformers' classes as the oracle."""

from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest
import torch

import graphproc as gp
from graphproc.errors import ConfigError

IMAGE = np.zeros((20, 30, 3), np.uint8)


@pytest.mark.parametrize("device", [None, "cpu", torch.device("cpu"), "meta", torch.device("meta")])
@pytest.mark.parametrize("suffix", ["Pil", ""])
def test_tensors_are_where_transformers_puts_them(suffix: str, device: Any) -> None:
    transformers = pytest.importorskip("transformers")
    theirs = getattr(transformers, f"CLIPImageProcessor{suffix}")()
    ours = gp.CLIPImageProcessor(backend="pil" if suffix else "torchvision")
    expected = theirs(IMAGE, return_tensors="pt", device=device)["pixel_values"]
    with contextlib.nullcontext() if ours.backend != "pil" or str(device) in ("None", "cpu") else pytest.warns(match="device="):
        found = ours(IMAGE, return_tensors="pt", device=device)["pixel_values"]
    assert ours(IMAGE, return_tensors="pt", device=device)["pixel_values"].device == expected.device  # it is said once
    assert found.device == expected.device
    assert found.shape == expected.shape


@pytest.mark.parametrize("device", ["nonsense", 3.5, "cuda:99", -1])
def test_a_device_that_is_not_there(device: Any) -> None:
    with pytest.raises(ConfigError, match="device: expected one that torch has here"):
        gp.CLIPImageProcessor(backend="torchvision")(IMAGE, return_tensors="pt", device=device)


@pytest.mark.parametrize("return_tensors", [None, "np"])
def test_arrays_have_no_device(return_tensors: Any) -> None:
    ours = gp.CLIPImageProcessor(backend="torchvision")
    with pytest.raises(ConfigError, match="device: expected return_tensors='pt'"):
        ours(IMAGE, return_tensors=return_tensors, device="meta")
    ours(IMAGE, return_tensors=return_tensors, device="cpu")
