"""SAM 3: maps, scores, boxes and masks of transformers' class."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from cases.parity import reference_class
from support.mask_outputs import SIZES, TIES, ours, run_graph
from support.post_outputs import assert_close

from graphproc.errors import ImageError
from graphproc.postprocessing.method import SMOOTH

NAME = "Sam3ImageProcessor"
SEMANTIC, INSTANCE = (f"post_process_{kind}_segmentation" for kind in ("semantic", "instance"))
DETECTION = "post_process_object_detection"
PRESENCE = [[3.0], [0.5], [-6.0]]
"""The logit of any object in each of three images; in the last one nothing counts."""


def outputs(seed: int = 0, presence: bool = True) -> SimpleNamespace:
    """Return what SAM 3 returns for three images."""
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn((3, 13, 5, 6), generator=generator)
    masks = torch.nn.functional.interpolate(coarse, size=(24, 30), mode="bicubic") * 6
    return SimpleNamespace(
        pred_logits=torch.randn((3, 12), generator=generator) * 2,
        pred_boxes=torch.rand((3, 12, 4), generator=generator),
        pred_masks=masks[:, :12],
        semantic_seg=masks[:, 12:],
        presence_logits=torch.tensor(PRESENCE) if presence else None,
    )


def assert_masks(found: Any, expected: Any) -> None:
    """Assert equal maps but for ties."""
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert np.count_nonzero(np.asarray(found) != np.asarray(expected)) <= TIES * found.numel()


@pytest.mark.parametrize("sizes", [SIZES, None], ids=["sized", "unsized"])
@pytest.mark.parametrize("threshold", [0.5, 0.03, 1.0])
def test_maps(threshold: float, sizes: list[tuple[int, int]] | None) -> None:
    for scores in (False, True):
        expected = getattr(reference_class(NAME)(), SEMANTIC)(outputs(), sizes, threshold, scores)
        for processor in ours(NAME):
            found = getattr(processor, SEMANTIC)(outputs(), sizes, threshold, scores)
            for one, other in zip(found, expected, strict=True):
                if scores:
                    assert list(one) == list(other)
                    assert_close(one["segmentation_scores"], other["segmentation_scores"], SMOOTH)
                    one, other = one["segmentation"], other["segmentation"]
                assert_masks(one, other)


@pytest.mark.parametrize("sizes", [SIZES, None], ids=["sized", "unsized"])
@pytest.mark.parametrize("presence", [True, False], ids=["presence", "none"])
@pytest.mark.parametrize("threshold", [0.3, 0.05, 0.9999])
def test_detection(threshold: float, presence: bool, sizes: list[tuple[int, int]] | None) -> None:
    model = outputs(1, presence)
    expected = getattr(reference_class(NAME)(), DETECTION)(model, threshold, sizes)
    assert any(len(image["scores"]) for image in expected) == (threshold < 0.9)
    for processor in ours(NAME):
        assert_close(getattr(processor, DETECTION)(model, threshold, sizes), expected, SMOOTH)


@pytest.mark.parametrize("sizes", [SIZES, None], ids=["sized", "unsized"])
@pytest.mark.parametrize("presence", [True, False], ids=["presence", "none"])
@pytest.mark.parametrize("thresholds", [(0.3, 0.5), (0.05, 0.2), (0.9999, 0.5)], ids=str)
def test_instances(thresholds: tuple[float, float], presence: bool, sizes: list[tuple[int, int]] | None) -> None:
    model = outputs(2, presence)
    expected = getattr(reference_class(NAME)(), INSTANCE)(model, *thresholds, sizes)
    for processor in ours(NAME):
        for one, other in zip(getattr(processor, INSTANCE)(model, *thresholds, sizes), expected, strict=True):
            assert list(one) == list(other)
            assert_masks(one.pop("masks"), other["masks"])
            assert_close(one, {"scores": other["scores"], "boxes": other["boxes"]}, SMOOTH)


@pytest.mark.parametrize("opset", [17, 18])
def test_graphs(opset: int) -> None:
    model, (processor, _) = outputs(3), ours(NAME)
    names = ["pred_logits", "pred_boxes", "pred_masks", "presence_logits"]
    fields = {name: getattr(model, name).numpy() for name in names}
    options = {"opset": opset, "fields": ["presence_logits"], "ragged": True}
    for sizes, form in (([(31, 17)] * 3, "batch"), (SIZES, "sequence")):
        expected = getattr(processor, INSTANCE)(model, target_sizes=sizes)
        found = run_graph(processor, INSTANCE, fields, sizes[0] if form == "batch" else sizes, input=form, **options)
        assert found["count"].tolist() == [len(image["scores"]) for image in expected]
        rows = [(mask, size) for image, size in zip(expected, sizes, strict=True) for mask in image["masks"].numpy()]
        for one, (other, (height, width)) in zip(found["masks"], rows, strict=True):
            np.testing.assert_array_equal(one[:height, :width], other)
        boxes = np.concatenate([image["boxes"].numpy() for image in expected])
        np.testing.assert_allclose(found["boxes"], boxes, rtol=1e-6)


def test_refused() -> None:
    (processor, _) = ours(NAME)
    model = vars(outputs())
    with pytest.raises(ImageError, match="expected model outputs with 'semantic_seg'"):
        getattr(processor, SEMANTIC)({**model, "semantic_seg": None})
