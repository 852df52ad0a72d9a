"""RF-DETR's instances: maps, masks, run lengths, ids, classes and scores of transformers' class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tiers
from cases.parity import reference_class
from support.mask_outputs import DETR, SIZES, assert_results, of_each, ours, outputs, run_graph

from graphproc.errors import ConfigError
from graphproc.postprocessing.instances import ROWS

NAME, METHOD = "RfDetrImageProcessor", "post_process_instance_segmentation"
FORMS: tuple[dict[str, bool], ...] = ({}, {"return_binary_maps": True}, {"return_coco_annotation": True})
OPTIONS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "many": {"threshold": 0.05, "top_k": 40},
    "every pair": {"threshold": -1, "top_k": 1000},
    "few": {"top_k": 3},
    "large masks": {"mask_threshold": -4.5},
    "one query everywhere": {"mask_threshold": -1e3},
    "none kept": {"threshold": 0.9999},
    "none accepted": {"mask_threshold": 1e3},
}


@tiers.crossed(("options", OPTIONS), ("form", dict(zip(["map", "binary", "coco"], FORMS, strict=True))))
def test_instances(options: dict[str, Any], form: dict[str, bool]) -> None:
    for seed, sizes in ((0, SIZES), (1, None)):
        model = outputs(DETR, seed)
        call = {"target_sizes": sizes, **options, **form}
        expected = getattr(reference_class(NAME)(), METHOD)(model, **call)
        for processor in ours(NAME):
            assert_results(getattr(processor, METHOD)(model, **call), expected, f"{seed}")


def test_the_examples_show_something() -> None:
    """Some candidates paint nothing, because others were there before; as masks they are."""
    pytest.importorskip("torch")
    model, (processor, _) = outputs(DETR, 0), ours(NAME)
    painted, masks = (getattr(processor, METHOD)(model, **OPTIONS["many"], **form) for form in FORMS[:2])
    assert all(0 < len(one["segments_info"]) < len(other["segments_info"]) for one, other in zip(painted, masks, strict=True))


@pytest.mark.parametrize("opset", [17, 18])
def test_graphs(opset: int) -> None:
    pytest.importorskip("torch")
    model, options = outputs(DETR, 2), {"threshold": 0.2, "return_binary_maps": True}
    fields = {field: getattr(model, field).numpy() for field in DETR}
    processor = ours(NAME)[0]
    for sizes, form in (([(31, 17)] * 3, "batch"), (SIZES, "sequence")):
        expected = getattr(processor, METHOD)(model, target_sizes=sizes, **options)
        given = sizes[0] if form == "batch" else sizes
        for ragged in (False, True):
            found = run_graph(processor, METHOD, fields, given, input=form, opset=opset, ragged=ragged, **options)
            for one, other, (height, width) in zip(of_each(found, sizes, ragged, ROWS), expected, sizes, strict=True):
                assert one["label_ids"].tolist() == [row["label_id"] for row in other["segments_info"]]
                assert one["ids"].tolist() == [row["id"] for row in other["segments_info"]]
                np.testing.assert_array_equal(one["masks"][:, :height, :width] > 0, other["segmentation"].numpy())


def test_refused() -> None:
    model, (processor, _) = outputs(DETR, 0), ours(NAME)
    with pytest.raises(ConfigError, match="return_coco_annotation and return_binary_maps: expected one of them, got both"):
        getattr(processor, METHOD)(model, return_coco_annotation=True, return_binary_maps=True)
    with pytest.raises(ConfigError, match="top_k: expected a whole number of at least 1, got 0"):
        getattr(processor, METHOD)(model, top_k=0)
