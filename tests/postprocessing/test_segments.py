"""Panoptic segments, and Detr's instances: maps, ids, classes and scores of transformers' processors of both backends."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import tiers
from support.mask_outputs import DETR, QUERIES, SIZES, assert_results, of_each, ours, outputs, reference, run_graph

from graphproc.emitters.onnx.checks import cuda_fallbacks
from graphproc.errors import ConfigError
from graphproc.postprocessing.segments import ROWS, rounded_to_float32, run_lengths

INSTANCE, PANOPTIC = "post_process_instance_segmentation", "post_process_panoptic_segmentation"
NAMES = {
    "DetrImageProcessor": DETR,
    "ConditionalDetrImageProcessor": DETR,
    "MaskFormerImageProcessor": QUERIES,
    "Mask2FormerImageProcessor": QUERIES,
    "OneFormerImageProcessor": QUERIES,
}
NAMES |= {f"{name}Pil": fields for name, fields in NAMES.items()}
# Most queries kept and some accepted, most accepted, none kept, kept but none accepted.
OPTIONS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "some": {"threshold": 0.3, "overlap_mask_area_threshold": 0.1},
    "most": {"threshold": 0.3, "overlap_mask_area_threshold": 0.0, "mask_threshold": 0.3},
    "none kept": {"threshold": 0.9999},
    "none accepted": {"threshold": 0.5, "overlap_mask_area_threshold": 1e9},
}


@pytest.mark.parametrize("options", tiers.rows(OPTIONS, ["some", "none kept"]))
@pytest.mark.parametrize("name", tiers.rows(NAMES, [*NAMES][:2]))
def test_panoptic(name: str, options: str) -> None:
    accepted = 0
    for seed, sizes, fuse in ((0, SIZES, {1, 3}), (1, None, {0, 1, 2, 3, 4}), (2, SIZES[:1], None)):
        model = outputs(NAMES[name], seed, batch=len(sizes or [(0, 0)]))
        given = {"target_sizes": sizes, "label_ids_to_fuse": fuse, **OPTIONS[options]}
        expected = getattr(reference(name), PANOPTIC)(model, **given)
        accepted += sum(len(image["segments_info"]) for image in expected)
        for processor in ours(name):
            assert_results(getattr(processor, PANOPTIC)(model, **given), expected, f"{seed}")
    assert (accepted > 0) == (not options.startswith("none"))


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("name", tiers.rows(["DetrImageProcessor", "ConditionalDetrImageProcessor"], ["DetrImageProcessor"]))
def test_instances(name: str, options: dict[str, Any]) -> None:
    for seed, sizes in ((3, SIZES), (4, None)):
        model = outputs(DETR, seed, batch=len(sizes or [(0, 0)]))
        for runs in (False, True):
            given = {"target_sizes": sizes, "return_coco_annotation": runs, **options}
            expected = getattr(reference(name), INSTANCE)(model, **given)
            for processor in ours(name):
                assert_results(getattr(processor, INSTANCE)(model, **given), expected, f"{seed}")


def test_ids_count_on_from_a_fused_one() -> None:
    """Ten stripes, two classes that fuse and one that does not: transformers gives one id to several segments."""
    torch = pytest.importorskip("torch")
    labels = [0, 2, 1, 2, 0, 2, 2, 1, 2, 0]
    model = outputs(DETR, 0, batch=1, queries=10, classes=4, size=(12, 60))
    model.logits = torch.nn.functional.one_hot(torch.tensor([labels]), 4).float() * 9
    stripes = torch.arange(60).view(1, 1, 1, 60) // 6 == torch.arange(10).view(1, 10, 1, 1)
    model.pred_masks = torch.where(stripes, 6.0, -6.0).expand(1, 10, 12, 60)
    options = {"label_ids_to_fuse": {0, 1}}
    expected = getattr(reference("DetrImageProcessor"), PANOPTIC)(model, **options)
    ids = [segment["id"] for segment in expected[0]["segments_info"]]
    assert ids == [1, 2, 3, 4, 1, 2, 3, 3, 4, 1]
    for processor in ours("DetrImageProcessor"):
        assert_results(getattr(processor, PANOPTIC)(model, **options), expected)


def test_areas_that_meet_the_threshold_exactly() -> None:
    """4 of 5 pixels is more than 0.8 in float32, which is what torch divides in; 3 of 5 is no more than 0.6."""
    torch = pytest.importorskip("torch")
    model = outputs(DETR, 0, batch=1, queries=2, classes=3, size=(12, 60))
    model.logits = torch.tensor([[[9.0, 0, 0], [0, 9.0, 0]]])
    counts = []
    for own, threshold in ((4, 0.8), (3, 0.6), (3, 0.7), (2, 0.4), (1, 0.2)):
        first, second = torch.full((1, 10), -9.0), torch.full((1, 10), -9.0)
        first[0, :5], second[0, own:] = 5.0, 6.0
        model.pred_masks = torch.stack([first, second])[None]
        expected = getattr(reference("DetrImageProcessor"), INSTANCE)(model, overlap_mask_area_threshold=threshold)
        counts.append(len(expected[0]["segments_info"]))
        for processor in ours("DetrImageProcessor"):
            assert_results(getattr(processor, INSTANCE)(model, overlap_mask_area_threshold=threshold), expected)
    assert set(counts) == {1, 2}


@pytest.mark.parametrize("ragged", [False, True], ids=["padded", "ragged"])
@pytest.mark.parametrize("opset", [17, 18])
def test_graphs(opset: int, ragged: bool) -> None:
    name, options = "MaskFormerImageProcessor", {"label_ids_to_fuse": {1, 3}, **OPTIONS["some"]}
    model = outputs(QUERIES, 5)
    model.class_queries_logits[1, :, -1] += 30  # one image without candidates
    fields = {field: getattr(model, field).numpy() for field in QUERIES}
    processor = ours(name)[0]
    for sizes, form in (([(31, 17)] * 3, "batch"), (SIZES, "sequence"), (None, "batch")):
        expected = getattr(reference(name), PANOPTIC)(model, target_sizes=sizes, **options)
        given = sizes[0] if sizes and form == "batch" else sizes
        found = run_graph(
            processor, PANOPTIC, fields, given, sized=sizes is not None, input=form, opset=opset, ragged=ragged, **options
        )
        assert found["ids"].shape == ((found["count"].sum(),) if ragged else (3, 12))
        for one, other in zip(of_each(found, sizes or [(30, 40)] * 3, ragged, ROWS), expected, strict=True):
            rows = other["segments_info"]
            np.testing.assert_array_equal(one["segmentation"], other["segmentation"].numpy())
            np.testing.assert_allclose(one["scores"], [row["score"] for row in rows], rtol=1e-5, atol=1.5e-6)
            for column, key in (("ids", "id"), ("label_ids", "label_id"), ("was_fused", "was_fused")):
                assert one[column].tolist() == [row[key] for row in rows]
            assert (one["candidates"] == 0) == (other["segmentation"].is_floating_point())
    assert [len(image["segments_info"]) for image in expected][1] == 0


def test_numpy_arrays_come_back_as_arrays() -> None:
    model = outputs(DETR, 0)
    arrays = {name: getattr(model, name).numpy() for name in DETR}
    results = ours("DetrImageProcessor")[1].post_process_instance_segmentation(arrays, threshold=0.3)
    assert all(isinstance(result["segmentation"], np.ndarray) for result in results)


def test_run_lengths() -> None:
    assert run_lengths(np.array([[0, 1, 1], [0, 0, 1]])) == [[1, 1, 4, 2], [2, 2, 6, 1]]
    assert run_lengths(np.full((2, 3), -1.0)) == [[1, 6]]


def test_thresholds_in_float32() -> None:
    for value in (0.0, 0.1, 0.5, 0.7, 0.8, 1.0, -0.1):
        below, above = rounded_to_float32(value, up=False), rounded_to_float32(value, up=True)
        assert float(np.float32(below)) == below <= value <= above == float(np.float32(above))
        assert np.nextafter(np.float32(below), np.float32(2)) >= np.float32(above)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": "high"}, "threshold: expected a number, got 'high'"),
        ({"mask_threshold": True}, "mask_threshold: expected a number, got True"),
        ({"label_ids_to_fuse": {0.5}}, "label_ids_to_fuse: expected whole numbers"),
        ({"labels": {1}}, "unknown option 'labels'"),
    ],
)
def test_refused_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ours("DetrImageProcessor")[0].compile_post_processing("panoptic_segmentation", **options)


@pytest.mark.parametrize(
    ("name", "method", "options"),
    [
        ("DetrImageProcessor", INSTANCE, {}),
        ("OneFormerImageProcessor", PANOPTIC, {"label_ids_to_fuse": {1, 2}}),
        ("Mask2FormerImageProcessor", INSTANCE, {"return_binary_maps": True}),
        ("EomtImageProcessor", PANOPTIC, {"stuff_classes": [1, 2]}),
        ("EomtImageProcessor", INSTANCE, {}),
        ("SegGptImageProcessor", "semantic_segmentation", {"num_labels": 3}),
        ("Mask2FormerImageProcessor", "semantic_segmentation", {}),
    ],
)
def test_every_node_has_a_cuda_kernel(name: str, method: str, options: dict[str, Any]) -> None:
    processor = ours(name)[0]
    for form in ("batch", "sequence"):
        model = processor.post_processing_to_onnx(method, target="cuda", input=form, **options)
        assert cuda_fallbacks(model) == []


def test_sets_are_metadata_in_order() -> None:
    processor = ours("DetrImageProcessor")[0]
    models = [processor.post_processing_to_onnx(PANOPTIC, label_ids_to_fuse=fuse) for fuse in ({9, 1, 40}, [1, 9, 40])]
    assert models[0].SerializeToString() == models[1].SerializeToString()
    (entry,) = (json.loads(p.value) for p in models[0].metadata_props if p.key == "graphproc.post")
    assert entry["options"]["label_ids_to_fuse"] == [1, 9, 40]
