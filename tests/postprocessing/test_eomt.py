"""EoMT: maps, ids, classes and scores of transformers' processor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tiers
from support.mask_outputs import QUERIES, SIZES, assert_results, of_each, ours, outputs, reference, run_graph

from graphproc.errors import ConfigError
from graphproc.postprocessing.eomt import ROWS

NAME = "EomtImageProcessor"
SEMANTIC, INSTANCE, PANOPTIC = (f"post_process_{kind}_segmentation" for kind in ("semantic", "instance", "panoptic"))
EDGES = [None, {"shortest_edge": 32, "longest_edge": 48}, {"shortest_edge": 40, "longest_edge": None}]


@pytest.mark.parametrize("size", EDGES[1:], ids=str)
def test_semantic(size: dict[str, Any] | None) -> None:
    model = outputs(QUERIES, 0)
    for scores in (False, True):
        options = {"size": size, "return_segmentation_scores": scores}
        expected = getattr(reference(NAME), SEMANTIC)(model, SIZES, **options)
        for processor in ours(NAME):
            assert_results(getattr(processor, SEMANTIC)(model, SIZES, **options), expected)


@pytest.mark.parametrize("size", tiers.rows(EDGES, EDGES[:1]), ids=str)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"threshold": 0.3, "overlap_mask_area_threshold": 0.1, "stuff_classes": [0, 1, 3]},
        {"threshold": 0.3, "overlap_mask_area_threshold": 0.0, "mask_threshold": 0.3, "stuff_classes": [0, 1, 2, 3, 4]},
        {"threshold": 0.3, "overlap_mask_area_threshold": 0.1, "mask_threshold": 0.9},
        {"threshold": 0.9999},
        {"threshold": 0.5, "overlap_mask_area_threshold": 1.5},
    ],
    ids=str,
)
def test_panoptic(options: dict[str, Any], size: dict[str, Any] | None) -> None:
    model = outputs(QUERIES, 2)
    expected = getattr(reference(NAME), PANOPTIC)(model, SIZES, size=size, **options)
    for processor in ours(NAME):
        assert_results(getattr(processor, PANOPTIC)(model, SIZES, size=size, **options), expected)


@pytest.mark.slow
@pytest.mark.parametrize("threshold", [0.8, 0.3, 0.9999, 0.0, -1])
def test_instances(threshold: float) -> None:
    for seed, size in ((0, EDGES[1]), (1, EDGES[2])):
        model = outputs(QUERIES, seed)
        expected = getattr(reference(NAME), INSTANCE)(model, SIZES, threshold, size=size)
        for processor in ours(NAME):
            assert_results(getattr(processor, INSTANCE)(model, SIZES, threshold, size=size), expected)


@pytest.mark.parametrize("opset", [17, 18])
def test_graphs(opset: int) -> None:
    options = {"threshold": 0.3, "overlap_mask_area_threshold": 0.0, "stuff_classes": [0, 1, 2, 3, 4], "size": EDGES[1]}
    model = outputs(QUERIES, 4)
    fields = {field: getattr(model, field).numpy() for field in QUERIES}
    for sizes, form in (([(31, 17)] * 3, "batch"), (SIZES, "sequence")):
        expected = getattr(reference(NAME), PANOPTIC)(model, sizes, **options)
        given = sizes[0] if form == "batch" else sizes
        found = run_graph(ours(NAME)[0], PANOPTIC, fields, given, input=form, opset=opset, **options)
        for one, other in zip(of_each(found, sizes, False, ROWS), expected, strict=True):
            np.testing.assert_array_equal(one["segmentation"], other["segmentation"].numpy())
            assert one["ids"].tolist() == [row["id"] for row in other["segments_info"]]
            assert one["label_ids"].tolist() == [row["label_id"] for row in other["segments_info"]]


def test_refused() -> None:
    model = outputs(QUERIES, 0)
    with pytest.raises(ConfigError, match=r"expected target_sizes, \(height, width\) in pixels"):
        getattr(ours(NAME)[0], PANOPTIC)(model, None)
    with pytest.raises(ConfigError, match="size: expected a shortest_edge, and perhaps a longest_edge, got"):
        getattr(ours(NAME)[0], PANOPTIC)(model, SIZES, size={"height": 3, "width": 4})
