"""Masks of prompts: those of transformers' classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tiers
from cases.parity import reference_class
from support.mask_outputs import SIZES, TIES, ours, run_graph

from graphproc.postprocessing.masks import NOTHING

METHOD = "post_process_masks"
NAMES = ("Sam2ImageProcessor", "Sam3ImageProcessor")


def masks(prompts: int = 4, count: int = 3) -> Any:
    """Return smooth logits [images, prompts, masks, height, width] that overlap."""
    import torch

    coarse = torch.randn((len(SIZES) * prompts, count, 5, 6), generator=torch.Generator().manual_seed(prompts))
    fine = torch.nn.functional.interpolate(coarse, size=(20, 27), mode="bicubic") * 12
    return fine.reshape(len(SIZES), prompts, count, 20, 27)


def assert_same(found: Any, expected: Any) -> None:
    """Assert equal bools but for ties; floats within 1e-5 of the largest."""
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    found, expected = np.asarray(found), np.asarray(expected)
    if expected.dtype == bool:
        assert np.count_nonzero(found != expected) <= TIES * found.size
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


@tiers.crossed(
    ("name", NAMES),
    ("options", [{}, {"mask_threshold": -2.5}, {"mask_threshold": 1}, {"binarize": False}]),
    ("apart", {"each": False, "apart": True}),
    ("prompts", [4, 1]),
)
def test_masks(name: str, options: dict[str, Any], apart: bool, prompts: int) -> None:
    given = {**options, "apply_non_overlapping_constraints": apart}
    expected = getattr(reference_class(name)(), METHOD)(list(masks(prompts)), SIZES, **given)
    for processor in ours(name):
        found = getattr(processor, METHOD)(masks(prompts), SIZES, **given)
        assert type(found) is list
        for one, other in zip(found, expected, strict=True):
            assert_same(one, other)


def test_what_belongs_to_others() -> None:
    """The example shows something: masks overlap, and where they are kept apart, no pixel has two."""
    (processor, _) = ours(NAMES[0])
    each = getattr(processor, METHOD)(masks(), SIZES)
    apart = getattr(processor, METHOD)(masks(), SIZES, apply_non_overlapping_constraints=True)
    assert all((one.sum(0) > 1).any() for one in each)
    assert all((one.sum(0) <= 1).all() for one in apart)
    (floats, *_) = getattr(processor, METHOD)(masks(), SIZES, binarize=False, apply_non_overlapping_constraints=True)
    assert ((floats > NOTHING).sum(0) <= 1).all()
    assert (floats < NOTHING).any(), "what is less stays as it is"


@pytest.mark.parametrize("name", NAMES)
def test_what_does_nothing_in_transformers(name: str) -> None:
    (processor, _) = ours(name)
    plain = getattr(processor, METHOD)(masks(), SIZES)
    more = getattr(processor, METHOD)(masks(), SIZES, max_hole_area=9.0, max_sprinkle_area=9.0, reshaped_input_sizes=[(3, 4)])
    for one, other in zip(plain, more, strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(TypeError, match="original_sizes"):
        getattr(processor, METHOD)(masks(), colour=3)


@pytest.mark.parametrize("opset", [17, 18])
def test_graphs(opset: int) -> None:
    options = {"apply_non_overlapping_constraints": True, "opset": opset}
    (processor, _) = ours(NAMES[0])
    expected = getattr(processor, METHOD)(masks(), [SIZES[0]] * 3, apply_non_overlapping_constraints=True)
    found = run_graph(processor, "masks", {"pred_masks": masks(), "original_size": np.array(SIZES[0])}, None, **options)
    for one, other in zip(found["masks"], expected, strict=True):
        assert_same(one, other.numpy())
