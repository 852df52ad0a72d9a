"""Instances of MaskFormer, Mask2Former and OneFormer: maps, ids, classes and scores of transformers' processors of both backends.

transformers takes `torch.topk(sorted=False)`, which leaves the order open. With `sorted=True` in its place, results
are equal. As it is, they are equal except for the numbers of the ids, on masks that do not overlap.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tiers
from support.mask_outputs import QUERIES, SIZES, apart, assert_results, of_each, ours, outputs, reference, run_graph

from graphproc.errors import ConfigError
from graphproc.postprocessing.instances import ROWS

METHOD = "post_process_instance_segmentation"
NAMES = tuple(f"{stem}ImageProcessor{ending}" for stem in ("MaskFormer", "Mask2Former") for ending in ("", "Pil"))
FORMS: tuple[dict[str, bool], ...] = ({}, {"return_binary_maps": True}, {"return_coco_annotation": True})


@pytest.fixture
def sorted_topk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `topk` sort its results where a caller leaves the order open."""
    torch = pytest.importorskip("torch")
    topk = torch.Tensor.topk
    monkeypatch.setattr(torch.Tensor, "topk", lambda x, k, sorted=True, **settings: topk(x, k, sorted=True, **settings))


@pytest.mark.parametrize("threshold", tiers.rows([0.5, 0.2, 0.999, -1], [0.5]))
@pytest.mark.parametrize("name", tiers.rows(NAMES, NAMES[::2]))
@pytest.mark.usefixtures("sorted_topk")
def test_instances(name: str, threshold: float) -> None:
    for sizes, form in ((SIZES, FORMS[0]), (None, FORMS[0]), (SIZES[1:2], FORMS[1]), (SIZES[:1], FORMS[2])):
        model = outputs(QUERIES, 0, batch=len(sizes or [(0, 0)]))
        options = {"threshold": threshold, "target_sizes": sizes, **form}
        expected = getattr(reference(name), METHOD)(model, **options)
        assert any(image["segments_info"] for image in expected) == (threshold < 0.9)
        for processor in ours(name):
            assert_results(getattr(processor, METHOD)(model, **options), expected, str(form))


def renumbered(found: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    """Return a result with the ids that the same instances have in another."""

    def order(segment: dict[str, Any]) -> tuple[float, int]:
        return (round(segment["score"], 4), segment["label_id"])

    pairs = zip(sorted(found["segments_info"], key=order), sorted(expected["segments_info"], key=order), strict=True)
    ids = {one["id"]: other["id"] for one, other in pairs}
    segments = sorted(({**segment, "id": ids[segment["id"]]} for segment in found["segments_info"]), key=lambda s: s["id"])
    segmentation = found["segmentation"].clone()
    for one, other in ids.items():
        segmentation[found["segmentation"] == one] = other
    return {"segmentation": segmentation, "segments_info": segments}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*NAMES, "OneFormerImageProcessor", "OneFormerImageProcessorPil"])
def test_instances_in_any_order(name: str, tmp_path: Path) -> None:
    (tmp_path / "coco.json").write_text("{}")
    settings = {"class_info_file": "coco.json"} if "One" in name else {}
    for seed, sizes in ((0, SIZES), (1, None)):
        # Shares so far apart that a query is in one pair at most.
        model = apart(outputs(QUERIES, seed, peak=9.0), QUERIES)
        options = {"threshold": 0.51, "overlap_mask_area_threshold": 0.2, "target_sizes": sizes}
        expected = getattr(reference(name, repo_path=tmp_path, **settings), METHOD)(model, **options)
        assert all(len(image["segments_info"]) > 4 for image in expected)
        for processor in ours(name, **settings):
            found = getattr(processor, METHOD)(model, **options)
            assert_results([renumbered(one, other) for one, other in zip(found, expected, strict=True)], expected, f"{seed}")


@pytest.mark.parametrize("opset", [17, 18])
@pytest.mark.usefixtures("sorted_topk")
def test_graphs(opset: int) -> None:
    model = outputs(QUERIES, 2)
    fields = {field: getattr(model, field).numpy() for field in QUERIES}
    processor = ours(NAMES[0])[0]
    for sizes, form in (([(31, 17)] * 3, "batch"), (SIZES, "sequence")):
        expected = getattr(reference(NAMES[0]), METHOD)(model, target_sizes=sizes, return_binary_maps=True)
        given = sizes[0] if form == "batch" else sizes
        for ragged in (False, True):
            settings = {"input": form, "opset": opset, "ragged": ragged, "return_binary_maps": True}
            found = run_graph(processor, METHOD, fields, given, **settings)
            for one, other, (height, width) in zip(of_each(found, sizes, ragged, ROWS), expected, sizes, strict=True):
                assert one["label_ids"].tolist() == [row["label_id"] for row in other["segments_info"]]
                assert one["ids"].tolist() == list(range(len(one["ids"])))
                np.testing.assert_array_equal(one["masks"][:, :height, :width], other["segmentation"].numpy())


THINGS = {"thing_ids": [1, 3]}
TASKS: dict[str, dict[str, Any]] = {
    "defaults": {"overlap_mask_area_threshold": 0.1, "threshold": 0.3},
    "every pair": {"is_demo": False, "overlap_mask_area_threshold": 0.0},
    "things": {"task_type": "panoptic", "threshold": 0.3, "overlap_mask_area_threshold": 0.0},
    "every pair of things": {"task_type": "panoptic", "is_demo": False, "overlap_mask_area_threshold": 0.0},
    "none kept": {"threshold": 0.9999},
    "run lengths": {"return_coco_annotation": True, "threshold": 0.3, "overlap_mask_area_threshold": 0.1},
}


def _classes(folder: Path, name: str, things: list[int]) -> None:
    (folder / name).write_text(json.dumps({str(i): {"name": f"class {i}", "isthing": int(i in things)} for i in range(5)}))


@tiers.crossed(("options", TASKS), ("name", ["OneFormerImageProcessor", "OneFormerImageProcessorPil"]))
@pytest.mark.usefixtures("sorted_topk")
def test_oneformer(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    _classes(tmp_path, "coco.json", THINGS["thing_ids"])
    for seed, sizes in ((0, SIZES), (1, None)):
        model = outputs(QUERIES, seed)
        processor = reference(name, repo_path=tmp_path, class_info_file="coco.json")
        expected = getattr(processor, METHOD)(model, target_sizes=sizes, **options)
        assert any(image["segments_info"] for image in expected) == ("0.9999" not in str(options))
        for processor in ours(name, class_info_file="coco.json", metadata=THINGS):
            assert_results(getattr(processor, METHOD)(model, target_sizes=sizes, **options), expected, f"{seed}")


def test_every_pair_of_no_query(tmp_path: Path) -> None:
    _classes(tmp_path, "coco.json", THINGS["thing_ids"])
    torch = pytest.importorskip("torch")
    model = SimpleNamespace(class_queries_logits=torch.zeros((2, 0, 5)), masks_queries_logits=torch.zeros((2, 0, 7, 9)))
    options = TASKS["every pair"]
    expected = getattr(reference("OneFormerImageProcessor", repo_path=tmp_path, class_info_file="coco.json"), METHOD)(
        model, **options
    )
    for processor in ours("OneFormerImageProcessor", class_info_file="coco.json", metadata=THINGS):
        assert_results(getattr(processor, METHOD)(model, **options), expected)


@pytest.mark.usefixtures("sorted_topk")
def test_oneformer_numbers_things_by_themselves_for_ade20k(tmp_path: Path) -> None:
    _classes(tmp_path, "ade20k.json", [0, 1, 3, 4])
    model = outputs(QUERIES, 0)
    model.class_queries_logits[..., 2] -= 100
    options = {"is_demo": False, "overlap_mask_area_threshold": 0.0}
    expected = getattr(reference("OneFormerImageProcessor", repo_path=tmp_path, class_info_file="ade20k.json"), METHOD)(
        model, **options
    )
    assert {3, 4} & {segment["label_id"] for image in expected for segment in image["segments_info"]} == {3}
    settings = {"class_info_file": "ade20k.json", "metadata": {"thing_ids": [0, 1, 3, 4]}}
    for processor in ours("OneFormerImageProcessor", **settings):
        assert_results(getattr(processor, METHOD)(model, **options), expected)


def test_refused() -> None:
    model = outputs(QUERIES, 0)
    with pytest.raises(ConfigError, match="return_coco_annotation and return_binary_maps: expected one of them, got both"):
        getattr(ours(NAMES[0])[0], METHOD)(model, return_coco_annotation=True, return_binary_maps=True)
    with pytest.raises(ConfigError, match=r"the numbers of the classes of things in the settings, metadata=\{'thing_ids'"):
        getattr(ours("OneFormerImageProcessor")[0], METHOD)(model, task_type="panoptic")
