"""Masks of everything: crops, what is kept of their masks, and the best of all, as transformers' SAM classes have them."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
import tiers
from cases.parity import reference_class
from PIL import Image

import graphproc as gp
from graphproc.errors import ConfigError, ImageError
from graphproc.postprocessing.mask_generation import from_run_lengths, run_lengths

torch = pytest.importorskip("torch")
NAMES = [("SamImageProcessor", "pil"), ("SamImageProcessor", "torchvision"), ("Sam2ImageProcessor", "torchvision")]
NAMES += [("Sam3ImageProcessor", "torchvision")]
METHODS = ("generate_crop_boxes", "filter_masks", "post_process_for_mask_generation")
every_class = pytest.mark.parametrize(("name", "backend"), NAMES)


def both(name: str, backend: str) -> tuple[Any, Any]:
    return getattr(gp, name)(backend=backend), reference_class(name, backend)()


def assert_same(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    if isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            assert_same(a, b)
    elif isinstance(expected, dict):
        assert found == expected
    else:
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        if found.dtype == torch.bfloat16:
            found, expected = found.float(), expected.float()
        if found.dtype in (torch.float32, torch.float64):  # torch's points are evenly spaced from both ends
            np.testing.assert_allclose(found, expected, rtol=3e-7)
        else:
            np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


@every_class
def test_signatures(name: str, backend: str) -> None:
    ours, theirs = both(name, backend)
    for method in METHODS:
        parameters = [
            [(p.name, p.default) for p in inspect.signature(getattr(processor, method)).parameters.values()]
            for processor in (ours, theirs)
        ]
        assert parameters[0] == parameters[1]


@every_class
@pytest.mark.parametrize("size", [(30, 47), (41, 20)])
def test_crops(name: str, backend: str, size: tuple[int, int]) -> None:
    ours, theirs = both(name, backend)
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8))
    for given in (image, np.array(image), torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1)):
        for options in ({}, {"crop_n_layers": 2, "points_per_crop": 5}, {"crop_n_layers": 1, "overlap_ratio": 0.1}):
            found = ours.generate_crop_boxes(given, 64, **options)
            assert_same(found, theirs.generate_crop_boxes(given, 64, **options))


@tiers.crossed(("name, backend", NAMES), ("dtype", ["float32", "float16", "bfloat16"]))
def test_what_is_kept(name: str, backend: str, dtype: str) -> None:
    ours, theirs = both(name, backend)
    generator = torch.Generator().manual_seed(1)
    coarse = torch.randn((6, 3, 4, 5), generator=generator)
    masks = torch.nn.functional.interpolate(coarse, size=(80, 90), mode="bicubic") * 30
    masks[0, 0], masks[1, 0] = -5, 5  # nothing, and everything
    masks = masks.to(getattr(torch, dtype))
    scores = torch.rand((6, 3), generator=generator).to(masks.dtype)
    counts = set()
    for crop, size in (([0, 0, 90, 80], (80, 90)), ([30, 25, 120, 105], (120, 140)), ([30.0, 25.0, 120.0, 105.0], (105, 120))):
        for options in (
            {},
            {"pred_iou_thresh": 0.3, "stability_score_thresh": 0.5},
            {"pred_iou_thresh": 0.0, "stability_score_thresh": 0.0, "mask_threshold": 3},
            {"pred_iou_thresh": 1.0},
        ):
            call = (masks, scores, size, crop)
            found, expected = ours.filter_masks(*call, **options), theirs.filter_masks(*call, **options)
            assert_same(found, expected)
            counts.add(len(found[0]))
            arrays = ours.filter_masks(masks.float().numpy(), scores.float().numpy(), size, crop, **options)
            assert isinstance(arrays[1], np.ndarray)
            assert isinstance(arrays[2], np.ndarray)
    assert len(counts) > 2


@every_class
def test_the_best_of_all(name: str, backend: str) -> None:
    ours, theirs = both(name, backend)
    rng = np.random.default_rng(2)
    corners = rng.integers(0, 30, (40, 2))
    boxes = torch.from_numpy(np.concatenate([corners, corners + rng.integers(1, 20, (40, 2))], axis=1))
    masks = [run_lengths(rng.random((7, 9)) > 0.5) for _ in boxes]
    scores = torch.from_numpy(rng.integers(0, 12, 40).astype(np.float32) / 12)  # some are equal
    counts = set()
    for limit in (0.0, 0.3, 0.7, 1.0):
        found = ours.post_process_for_mask_generation(masks, scores, boxes, limit)
        assert_same(found, theirs.post_process_for_mask_generation(masks, scores, boxes, limit))
        counts.add(len(found[0]))
    assert len(counts) == 3


def test_run_lengths() -> None:
    rng = np.random.default_rng(3)
    for mask in (rng.random((5, 7)) > 0.5, np.zeros((2, 3), bool), np.ones((2, 3), bool), rng.random((1, 1)) > 2):
        np.testing.assert_array_equal(from_run_lengths(run_lengths(mask)), mask)
    assert run_lengths(np.array([[True, True, False], [False, True, False]])) == {"size": [2, 3], "counts": [0, 1, 1, 2, 2]}


def test_refused() -> None:
    processor = gp.Sam2ImageProcessor()
    with pytest.raises(ImageError, match="image: expected one image, got 2"):
        processor.generate_crop_boxes([np.zeros((4, 4, 3))] * 2, 64)
    with pytest.raises(ConfigError, match=r"points_per_crop: expected equal numbers of points in all layers, .* got \[32, 16\]"):
        processor.generate_crop_boxes(np.zeros((40, 40, 3)), 64, crop_n_layers=1, crop_n_points_downscale_factor=2)
    with pytest.raises(ImageError, match="iou_scores: expected one for each of 2 masks, got 3"):
        processor.filter_masks(np.zeros((2, 1, 4, 4)), np.zeros((3, 1)), (4, 4), (0, 0, 4, 4))
