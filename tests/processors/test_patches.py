"""The patches, NaFlex and flattened patches families beyond settings: arrays of other dtypes, calls, and refusals."""

from __future__ import annotations

import functools
from typing import Any

import cases.parity as cases
import numpy as np
import pytest
import torch
import transformers

import graphproc as gp
from graphproc.errors import ConfigError, ImageError

OFF = {"do_resize": False, "do_rescale": False, "do_normalize": False}
MOVED = {"Qwen2VLImageProcessor": 8, "PaddleOCRVLImageProcessor": 8, "Siglip2ImageProcessor": 8, "Gemma4ImageProcessor": 8}


@pytest.mark.parametrize("name", MOVED)
@pytest.mark.parametrize("dtype", ["uint8", "int32", "float32", "float64"])
def test_only_pixels_keep_the_dtype_of_an_array_that_is_moved_about(name: str, dtype: str) -> None:
    image = np.random.default_rng(3).integers(0, 256, (32, 48, 3)).astype(dtype)
    settings = {**OFF, "patch_size": MOVED[name]}
    found = cases.attempt(lambda: cases.ours(name, settings)(image, return_tensors="np"), ImageError)
    expected = cases.attempt(lambda: cases.theirs(name, settings)(image, return_tensors="np"), Exception)
    assert cases.difference(found, expected) == ""


@pytest.mark.parametrize("name", ["Pix2StructImageProcessor", "Kosmos2_5ImageProcessor"])
def test_floats_of_every_width_are_standardized(name: str) -> None:
    image = np.random.default_rng(3).random((32, 48, 3))
    processor, reference = cases.ours(name, {"max_patches": 20}), cases.theirs(name, {"max_patches": 20})
    for given in (image.astype(np.float32), image):
        found = cases.attempt(functools.partial(processor, given, return_tensors="np"), ImageError)
        expected = cases.attempt(functools.partial(reference, given, return_tensors="np"), Exception)
        assert cases.difference(found, expected, processor.spec.parity_of().bound) == ""


@pytest.mark.parametrize(
    "call", [{"min_pixels": 30000}, {"max_pixels": 5000}, {"size": {"shortest_edge": 1, "longest_edge": 999}}]
)
@pytest.mark.filterwarnings("ignore:Passing:FutureWarning")
def test_limits_in_a_call_replace_those_of_the_processor(call: dict[str, Any]) -> None:
    image = cases.picture((90, 120), "noise")
    settings = {"min_pixels": 4000, "max_pixels": 60000}
    found = cases.ours("Qwen2VLImageProcessor", settings)(image, return_tensors="np", **call)
    expected = cases.theirs("Qwen2VLImageProcessor", settings)(image, return_tensors="np", **call)
    assert cases.difference(dict(found), dict(expected)) == ""


def test_limits_are_kept_as_size() -> None:
    processor = gp.Qwen2VLImageProcessor(min_pixels=4000, size={"max_pixels": 9, "min_pixels": 8}, max_pixels=60000)
    assert processor.size == {"shortest_edge": 4000, "longest_edge": 60000}
    assert processor.min_pixels is None
    assert "min_pixels" not in processor.to_dict()


def test_bools_are_cut_into_patches_as_they_are() -> None:
    """Torch resizes bools for torchvision, and cuts patches out of them; whole numbers of more bits it does not cut."""
    image = torch.from_numpy(np.random.default_rng(0).random((3, 33, 28)) > 0.5)
    settings = {"max_patches": 30, "do_normalize": False}
    expected = transformers.Pix2StructImageProcessor(**settings)(image, return_tensors="np")["flattened_patches"]
    found = gp.Pix2StructImageProcessor(**settings)(image, return_tensors="np")["flattened_patches"]
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert (found == expected).all()


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("Pix2StructImageProcessor", {"is_vqa": True}, "font"),
        ("Kosmos2_5ImageProcessor", {"do_normalize": False}, "torch cuts patches out of floats alone"),
        ("Kosmos2_5ImageProcessor", {"do_normalize": False, "backend": "pil"}, "standardised"),
        ("Gemma4ImageProcessor", {"max_soft_tokens": 100}, "one of 70, 140"),
        ("Qwen2VLImageProcessor", {"patch_size": 0}, "at least 1, got 0"),
        ("Qwen2VLImageProcessor", {"merge_size": 2.0}, "whole number"),
        ("Qwen2VLImageProcessor", {"temporal_patch_size": True}, "whole number"),
        ("Qwen2VLImageProcessor", {"size": 90, "max_pixels": 9}, "beside max_pixels"),
        ("Kimi_K25ImageProcessor", {"size": {"max_height": 6, "max_width": 7}}, "equal numbers of patches"),
        ("NeoMMEImageProcessor", {"max_side": 0}, "at least 1, got 0"),
        ("NeoMMEImageProcessor", {"size": {"shortest_edge": 9}}, "min_pixels and max_pixels, or null"),
        ("Siglip2ImageProcessor", {"max_num_patches": None}, "got None"),
    ],
)
def test_settings_without_a_meaning_are_refused(name: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        cases.ours(name, settings).compile()


def test_an_image_that_is_not_resized_must_be_whole_tokens() -> None:
    with pytest.raises(gp.GraphprocError, match="the width is no multiple of 28 pixels"):
        gp.Qwen2VLImageProcessor(do_resize=False)(cases.picture((56, 60), "noise"))


def test_the_unified_gemma_takes_whole_tokens_and_three_channels() -> None:
    with pytest.raises(gp.GraphprocError, match="the width is no multiple of 48 pixels"):
        gp.Gemma4UnifiedImageProcessor(do_resize=False)(cases.picture((48, 64), "noise"))
    with pytest.raises(ConfigError, match="expected images of 3 channels, got 1"):
        gp.Gemma4UnifiedImageProcessor(do_convert_rgb=False)(np.zeros((48, 48, 1), np.uint8))
