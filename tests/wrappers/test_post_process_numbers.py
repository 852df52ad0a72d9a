"""Numbers of every kind that post-processing is given: any type of float, fractions of pixels, nothing, and no numbers."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from cases.parity import reference_class
from support.post_outputs import assert_close, first_of_equals

import graphproc as gp
from graphproc.errors import ImageError
from graphproc.ir.program import Parity
from graphproc.numerics.narrow import rounded
from graphproc.postprocessing.method import SMOOTH
from graphproc.wrappers.precision import promoted

DETECTION = "post_process_object_detection"
SIZES = [(48, 64), (31, 17), (100, 30)]
FRACTIONS = [(48.5, 64.25), (31.75, 17.5), (100.0, 30.5)]
DETECTORS = ("Detr", "Yolos", "ConditionalDetr", "DeformableDetr", "RTDetr", "RfDetr", "GroundingDino", "OwlViT", "Owlv2")
TYPES = [torch.float16, torch.bfloat16, torch.float64]
LAST_PLACES = {torch.float16: Parity("rounding", 2e-3, "the last place of 11 bits"), torch.float64: SMOOTH}
LAST_PLACES[torch.bfloat16] = Parity("rounding", 2e-2, "the last place of 8 bits")
ENGINES = ("numpy", "onnxruntime")


def ours(name: str, engine: str = "onnxruntime", **settings: Any) -> Any:
    return getattr(gp, f"{name}ImageProcessor")(engine=engine, **settings)


def theirs(name: str, backend: str | None = None, **settings: Any) -> Any:
    return reference_class(f"{name}ImageProcessor", backend)(**settings)


def detections(dtype: torch.dtype = torch.float32, queries: int = 20, classes: int = 7) -> SimpleNamespace:
    generator = torch.Generator().manual_seed(queries)
    logits = torch.randn((3, queries, classes), generator=generator) * 2
    return SimpleNamespace(logits=logits.to(dtype), pred_boxes=torch.rand((3, queries, 4), generator=generator).to(dtype))


def as_float64(value: Any) -> Any:
    """Return a result with tensors in float64, and the type that each was."""
    if isinstance(value, list):
        return [as_float64(one) for one in value]
    if hasattr(value, "items"):
        return {key: as_float64(one) for key, one in value.items()}
    return [str(value.dtype), value.double() if value.is_floating_point() else value]


def assert_same(found: Any, expected: Any, parity: Parity, what: str = "") -> None:
    assert_close(as_float64(found), as_float64(expected), parity, what)


# ---- types of floats -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", DETECTORS)
def test_types_of_detections(name: str, dtype: torch.dtype) -> None:
    """Whole sizes in tensors leave narrow floats narrow; in lists they widen those of DETR and its relatives."""
    for sizes in (None, SIZES, torch.tensor(SIZES), torch.tensor(SIZES, dtype=torch.float32)):
        call = {"threshold": 0.3, "target_sizes": sizes}
        with first_of_equals():  # narrow scores are often equal, and torch leaves their order open
            expected = getattr(theirs(name), DETECTION)(detections(dtype), **call)
        assert_same(getattr(ours(name), DETECTION)(detections(dtype), **call), expected, LAST_PLACES[dtype], f"{sizes}")


@pytest.mark.parametrize("dtype", TYPES)
def test_types_of_maps(dtype: torch.dtype) -> None:
    outputs = SimpleNamespace(logits=(torch.randn((3, 5, 8, 9), generator=torch.Generator().manual_seed(0)) * 2).to(dtype))
    for sizes in (None, [(16, 18)] * 3):
        call = {"target_sizes": sizes, "return_segmentation_scores": True}
        expected = theirs("Segformer").post_process_semantic_segmentation(outputs, **call)
        for engine in ENGINES:
            found = ours("Segformer", engine).post_process_semantic_segmentation(outputs, **call)
            assert [one.segmentation.dtype for one in found] == [torch.int64] * 3
            assert_same([f.segmentation_scores for f in found], [e.segmentation_scores for e in expected], LAST_PLACES[dtype])


@pytest.mark.parametrize("dtype", TYPES)
def test_types_of_depths(dtype: torch.dtype) -> None:
    """A number that is computed with does not widen what it meets."""
    depth = torch.rand((2, 6, 7), generator=torch.Generator().manual_seed(0)).to(dtype)
    outputs = SimpleNamespace(predicted_depth=depth, field_of_view=torch.tensor([40.0, 60.0]).to(dtype))
    for sizes in (None, [(9, 5), (12, 14)]):
        expected = theirs("DepthPro").post_process_depth_estimation(outputs, sizes)
        found = ours("DepthPro").post_process_depth_estimation(outputs, sizes)
        assert {one["predicted_depth"].dtype for one in found} == {dtype}
        for a, b in zip(found, expected, strict=True):
            assert a["field_of_view"].dtype == b["field_of_view"].dtype
            np.testing.assert_allclose(a["predicted_depth"].double(), b["predicted_depth"].double(), rtol=4e-2)


def test_a_threshold_is_of_the_type_of_what_it_is_compared_with() -> None:
    """0.999 is 1 in bfloat16, which no score is above."""
    outputs = detections(torch.bfloat16)
    outputs.logits += 8
    for name in ("RTDetr", "OwlViT"):
        expected = getattr(theirs(name), DETECTION)(outputs, threshold=0.999)
        assert [len(one["scores"]) for one in expected] == [0, 0, 0]
        assert_same(getattr(ours(name), DETECTION)(outputs, threshold=0.999), expected, SMOOTH)


def test_numpy_arrays_keep_their_type() -> None:
    for dtype in (np.float16, np.float32, np.float64):
        arrays = {name: tensor.numpy().astype(dtype) for name, tensor in vars(detections()).items()}
        (found, *_) = ours("RTDetr").post_process_object_detection(arrays, 0.3)
        assert {found["scores"].dtype, found["boxes"].dtype} == {np.dtype(dtype)}


def test_types_of_products() -> None:
    for one in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        for other in (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64):
            names = [
                {"float16": "f16", "bfloat16": "bf16", "float32": "f32", "float64": "f64", "int64": "i64"}[str(d)[6:]]
                for d in (one, other, torch.promote_types(one, other))
            ]
            assert promoted(names[0], names[1]) == promoted(names[1], names[0]) == names[2]


def test_rounding() -> None:
    x = torch.randn(1000, generator=torch.Generator().manual_seed(0)) * 1e5
    for kind, dtype in (("f16", torch.float16), ("bf16", torch.bfloat16), ("f32", torch.float32)):
        np.testing.assert_array_equal(rounded(x.numpy(), kind), x.to(dtype).float().numpy())


# ---- sizes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", DETECTORS)
def test_fractions_of_pixels(name: str, engine: str) -> None:
    for form in (list, torch.tensor, lambda s: torch.tensor(s, dtype=torch.float64)):
        sizes = form(FRACTIONS)
        expected = getattr(theirs(name), DETECTION)(detections(), threshold=0.3, target_sizes=sizes)
        assert_same(getattr(ours(name, engine), DETECTION)(detections(), threshold=0.3, target_sizes=sizes), expected, SMOOTH)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", DETECTORS)
def test_sizes_of_float64_multiply_in_float64(name: str, engine: str) -> None:
    sizes = torch.tensor(SIZES, dtype=torch.float64)
    expected = getattr(theirs(name), DETECTION)(detections(), threshold=0.3, target_sizes=sizes)
    for found, wanted in zip(getattr(ours(name, engine), DETECTION)(detections(), 0.3, sizes), expected, strict=True):
        assert found["boxes"].dtype == wanted["boxes"].dtype == torch.float64
        assert torch.equal(found["boxes"], wanted["boxes"])


@pytest.mark.parametrize(
    "form",
    [
        lambda s: tuple(tuple(row) for row in s),
        lambda s: [np.array(row) for row in s],
        lambda s: [torch.tensor(row) for row in s],
        lambda s: np.array(s, np.float64),
        lambda s: torch.tensor(s, dtype=torch.bfloat16),
        lambda s: [[float(v) for v in row] for row in s],
    ],
    ids=["tuples", "arrays", "tensors", "float64", "bfloat16", "floats"],
)
def test_forms_of_sizes(form: Callable[[Any], Any]) -> None:
    outputs = SimpleNamespace(logits=torch.randn((3, 4, 6, 7), generator=torch.Generator().manual_seed(0)))
    wanted = ours("Segformer").post_process_semantic_segmentation(outputs, SIZES)
    assert_close(ours("Segformer").post_process_semantic_segmentation(outputs, form(SIZES)), wanted, SMOOTH)
    found, wanted = (getattr(ours("Detr"), DETECTION)(detections(), 0.3, s) for s in (form(SIZES), SIZES))
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_allclose(a["boxes"], b["boxes"], rtol=1e-6)


def test_keypoints_in_fractions() -> None:
    generator = torch.Generator().manual_seed(0)
    outputs = SimpleNamespace(
        keypoints=torch.rand((3, 9, 2), generator=generator),
        scores=torch.rand((3, 9), generator=generator),
        descriptors=torch.rand((3, 9, 4), generator=generator),
        mask=torch.ones((3, 9), dtype=torch.int64),
    )
    expected = theirs("SuperPoint").post_process_keypoint_detection(outputs, FRACTIONS)
    found = ours("SuperPoint").post_process_keypoint_detection(outputs, FRACTIONS)
    assert_same(found, expected, Parity("the same"))
    whole = ours("SuperPoint").post_process_keypoint_detection(outputs, [(int(h), int(w)) for h, w in FRACTIONS])
    assert any((a["keypoints"] != b["keypoints"]).any() for a, b in zip(found, whole, strict=True))


def test_outlines_in_fractions() -> None:
    pytest.importorskip("cv2", reason="outlines need OpenCV")
    generator = torch.Generator().manual_seed(0)
    outputs = SimpleNamespace(
        logits=torch.randn((1, 6, 5), generator=generator),
        pred_boxes=torch.rand((1, 6, 4), generator=generator) * 0.5 + 0.2,
        order_logits=torch.randn((1, 6, 6), generator=generator),
        out_masks=torch.randn((1, 6, 200, 200), generator=generator),
    )
    for sizes in ([(100.5, 80.25)], torch.tensor([[100.5, 80.25]])):
        (expected,) = theirs("PPDocLayoutV3").post_process_object_detection(outputs, 0.5, sizes)
        (found,) = ours("PPDocLayoutV3").post_process_object_detection(outputs, 0.5, sizes)
        assert_same(found["boxes"], expected["boxes"], SMOOTH)
        for a, b in zip(found["polygon_points"], expected["polygon_points"], strict=True):
            np.testing.assert_array_equal(a, b)


def test_maps_have_whole_sides() -> None:
    outputs = {"logits": torch.zeros((1, 2, 3, 3))}
    with pytest.raises(ImageError, match=r"target_sizes: expected whole numbers of pixels, got \[\(4.5, 6\)\]"):
        ours("Segformer").post_process_semantic_segmentation(outputs, [(4.5, 6)])


# ---- nothing, one, and no numbers ------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", DETECTORS)
def test_no_query_and_one(name: str, engine: str) -> None:
    for queries in (0, 1):
        for sizes in (None, SIZES):
            outputs = detections(queries=queries)
            expected = getattr(theirs(name), DETECTION)(outputs, threshold=0.0, target_sizes=sizes)
            assert_same(getattr(ours(name, engine), DETECTION)(outputs, threshold=0.0, target_sizes=sizes), expected, SMOOTH)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["MaskFormer", "Detr"])
def test_masks_of_no_query(name: str, engine: str) -> None:
    """Where transformers does not resize them, which it cannot."""
    names = ("logits", "pred_masks") if name == "Detr" else ("class_queries_logits", "masks_queries_logits")
    outputs = SimpleNamespace(**dict(zip(names, (torch.zeros((2, 0, 4)), torch.zeros((2, 0, 5, 6))), strict=True)))
    for method in ("semantic", "instance", "panoptic"):
        sizes = [(7, 8), (9, 3)] if name == "Detr" else None
        expected = getattr(theirs(name), f"post_process_{method}_segmentation")(outputs, target_sizes=sizes)
        found = getattr(ours(name, engine), f"post_process_{method}_segmentation")(outputs, target_sizes=sizes)
        for a, b in zip(found, expected, strict=True):
            a, b = (a, b) if method == "semantic" else (a["segmentation"], b["segmentation"])
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["Mask2Former", "MaskFormer", "Eomt"])
def test_masks_of_no_query_that_are_resized(name: str) -> None:
    """Where transformers resizes the masks of all queries it needs one, and so do these."""
    shapes = {"class_queries_logits": (2, 0, 4), "masks_queries_logits": (2, 0, 5, 6)}
    outputs = SimpleNamespace(**{key: torch.zeros(shape) for key, shape in shapes.items()}, patch_offsets=None)
    for method in ("instance",) if name == "MaskFormer" else ("semantic", "instance", "panoptic"):
        for processor, message in (
            (theirs(name), "Non-empty 4D"),
            (ours(name), "at least one query, got class_queries"),
        ):
            with pytest.raises((RuntimeError, ImageError), match=message):
                getattr(processor, f"post_process_{method}_segmentation")(outputs, target_sizes=[(7, 8), (9, 3)])


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_no_number_is_the_largest(engine: str) -> None:
    """As torch has it; runtimes differ, so the numpy reference computes it."""
    outputs = detections()
    outputs.logits[0, 3, 2] = outputs.logits[1, 0, 0] = torch.nan
    for name in ("DeformableDetr", "RTDetr", "Detr", "OwlViT"):
        expected = getattr(theirs(name), DETECTION)(outputs, threshold=0.3)
        assert_same(getattr(ours(name, engine), DETECTION)(outputs, threshold=0.3), expected, SMOOTH, name)


@pytest.mark.parametrize("name", ["OwlViT", "Owlv2"])
def test_boxes_turned_round_overlap_nothing(name: str) -> None:
    """Boxes of negative width or height suppress no other and are suppressed by none; scores without a number leave nothing."""
    generator = torch.Generator().manual_seed(2)
    outputs = SimpleNamespace(
        logits=torch.randn((2, 12, 3), generator=generator),
        target_pred_boxes=torch.rand((2, 12, 4), generator=generator) * 2 - 1,
    )
    outputs.logits[1, 3, 1] = torch.nan
    for dtype in (torch.float32, torch.float64):
        for threshold in (0, 0.3):
            given = SimpleNamespace(logits=outputs.logits.to(dtype), target_pred_boxes=outputs.target_pred_boxes.to(dtype))
            expected = theirs(name).post_process_image_guided_detection(given, nms_threshold=threshold)
            assert [len(one["scores"]) > 5 for one in expected] == [True, False]
            for engine in ENGINES:
                found = ours(name, engine).post_process_image_guided_detection(given, nms_threshold=threshold)
                for a, b in zip(found, expected, strict=True):
                    assert_same([a["scores"], a["boxes"]], [b["scores"], b["boxes"]], SMOOTH)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.float64])
def test_shares_among_images(dtype: torch.dtype, engine: str) -> None:
    """Without focal loss, transformers' RT-DETR takes a score's share over the images of the batch."""
    call = {"threshold": 0.4, "target_sizes": SIZES, "use_focal_loss": False}
    with pytest.warns(UserWarning, match="Implicit dimension choice"):
        expected = getattr(theirs("RTDetr"), DETECTION)(detections(dtype), **call)
    found = getattr(ours("RTDetr", engine), DETECTION)(detections(dtype), **call)
    places = {torch.float32: SMOOTH, torch.float64: Parity("rounding", 1e-14, "the last place of 53 bits")}
    assert_same(found, expected, places.get(dtype) or LAST_PLACES[dtype])
    arrays = {name: tensor.numpy() for name, tensor in vars(detections()).items()}
    assert len(getattr(ours("RTDetr", engine), DETECTION)(arrays, **call)) == 3


def test_thresholds_of_any_type() -> None:
    wanted = getattr(ours("Detr"), DETECTION)(detections(), 0.5)
    for threshold in (np.float32(0.5), np.float64(0.5), torch.tensor(0.5)):
        assert_close(getattr(ours("Detr"), DETECTION)(detections(), threshold), wanted, Parity("the same"))
    assert [len(one["scores"]) for one in getattr(ours("Detr"), DETECTION)(detections(), float("inf"))] == [0, 0, 0]
    assert [len(one["scores"]) for one in getattr(ours("Detr"), DETECTION)(detections(), float("-inf"))] == [20, 20, 20]


# ---- sizes of maps ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["DPT", "PromptDepthAnything", "CHMv2", "Tipsv2Dpt", "DepthPro", "GLPN", "ZoeDepth"])
def test_one_row_or_column(name: str) -> None:
    outputs = SimpleNamespace(predicted_depth=torch.rand((3, 6, 7)), field_of_view=None)
    sizes = [(1, 4), (5, 1), (3, 2)]
    options = {"do_remove_padding": False} if name == "ZoeDepth" else {}
    expected = theirs(name).post_process_depth_estimation(outputs, target_sizes=sizes, **options)
    found = ours(name).post_process_depth_estimation(outputs, target_sizes=sizes, **options)
    assert [a["predicted_depth"].shape for a in found] == [b["predicted_depth"].shape for b in expected]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("backend", ["pil", "torchvision"])
def test_oneformer_maps_that_shrink(backend: str, engine: str) -> None:
    """Torchvision's backend resizes the scores with antialiasing."""
    generator = torch.Generator().manual_seed(0)
    outputs = SimpleNamespace(
        class_queries_logits=torch.randn((2, 6, 5), generator=generator) * 3,
        masks_queries_logits=torch.randn((2, 6, 20, 24), generator=generator) * 3,
    )
    reference = reference_class("OneFormerImageProcessor", backend)
    call = {"target_sizes": [(7, 5), (30, 11)], "return_segmentation_scores": True}
    expected = reference.post_process_semantic_segmentation(None, outputs, **call)
    found = ours("OneFormer", engine, backend=backend).post_process_semantic_segmentation(outputs, **call)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a.segmentation, b.segmentation)
        np.testing.assert_allclose(a.segmentation_scores, b.segmentation_scores, rtol=1e-5, atol=1e-6)


def test_sam3_finds_nothing() -> None:
    outputs = SimpleNamespace(
        pred_logits=torch.full((1, 4), -9.0),
        pred_boxes=torch.rand(1, 4, 4),
        pred_masks=torch.rand(1, 4, 2, 3),
        presence_logits=None,
    )
    (expected,) = theirs("Sam3").post_process_instance_segmentation(outputs, target_sizes=[(5, 7)])
    for engine in ENGINES:
        (found,) = ours("Sam3", engine).post_process_instance_segmentation(outputs, target_sizes=[(5, 7)])
        assert tuple(found["masks"].shape) == tuple(expected["masks"].shape) == (0, 2, 3)
