"""Semantic segmentation of mask classifiers: the maps and scores of transformers' processors of both backends."""

from __future__ import annotations

import numpy as np
import pytest
import tiers
from support.mask_outputs import DETR, QUERIES, SIZES, assert_results, ours, outputs, reference, run_graph

METHOD = "post_process_semantic_segmentation"
NAMES = {
    "DetrImageProcessor": DETR,
    "ConditionalDetrImageProcessor": DETR,
    "MaskFormerImageProcessor": QUERIES,
    "Mask2FormerImageProcessor": QUERIES,
    "OneFormerImageProcessor": QUERIES,
}
NAMES |= {f"{name}Pil": fields for name, fields in NAMES.items()}


@tiers.crossed(("name", [*NAMES]), ("sizes", {"sized": SIZES, "unsized": None}))
def test_maps_and_scores(name: str, sizes: list[tuple[int, int]] | None) -> None:
    for seed, scores in ((0, False), (1, True)):
        model = outputs(NAMES[name], seed, batch=len(sizes or [(0, 0)]))
        options = {"target_sizes": sizes, "return_segmentation_scores": scores}
        expected = getattr(reference(name), METHOD)(model, **options)
        for processor in ours(name):
            assert_results(getattr(processor, METHOD)(model, **options), expected, f"{seed}")


def test_which_classes_drop_the_last() -> None:
    """Models of the same shares differ by the class that stands for nothing."""
    model = outputs(DETR, 0)
    model.logits[..., -1] += 20
    maps = [getattr(ours(name)[0], METHOD)(model)[0] for name in ("DetrImageProcessor", "ConditionalDetrImageProcessor")]
    assert maps[0].max() < 5
    assert (maps[1] == 5).all()


@pytest.mark.parametrize("opset", [17, 18])
@pytest.mark.parametrize("name", ["DetrImageProcessor", "Mask2FormerImageProcessor"])
def test_graphs(name: str, opset: int) -> None:
    model = outputs(NAMES[name], 3)
    fields = {field: getattr(model, field) for field in NAMES[name]}
    processor = ours(name)[0]
    for sizes, form in (([(31, 17)] * 3, "batch"), (SIZES, "sequence")):
        expected = getattr(processor, METHOD)(model, target_sizes=sizes)
        given = sizes[0] if form == "batch" else sizes
        found = run_graph(processor, METHOD, fields, given, input=form, opset=opset)["segmentation"]
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one[: other.shape[0], : other.shape[1]], other)
            assert (one[other.shape[0] :] == -1).all()
