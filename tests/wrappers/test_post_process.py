"""`post_process_*` methods against those of transformers: signatures, kinds of outputs and sizes, results, and errors."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tiers
import torch
import transformers
from cases.parity import reference_class
from support.post_outputs import assert_close
from transformers.utils import ModelOutput

import graphproc as gp
from graphproc.errors import ConfigError, ImageError, ProgramError
from graphproc.ir.program import Parity
from graphproc.postprocessing.method import SMOOTH
from graphproc.postprocessing.registry import methods
from graphproc.processors.registry import specs

Array = np.ndarray[Any, Any]

ENGINES = ("numpy", "onnxruntime")
SIZES = [(48, 64), (31, 17), (100, 30)]
DETECTORS = ("Detr", "Yolos", "ConditionalDetr", "DeformableDetr", "RTDetr", "RfDetr")
SEGMENTERS = ("Beit", "CHMv2", "DPT", "MobileNetV2", "MobileViT", "Sapiens2", "Segformer", "Tipsv2Dpt")

NOT_HERE: Mapping[str, str] = {
    "Sapiens2ImageProcessor.post_process_pose_estimation": "heatmaps of all persons of several images, blurred by torch",
    "PPDocLayoutV4ImageProcessor.post_process_object_detection": "the order is that of a graph of successors without cycles",
    "PPOCRV5ServerDetImageProcessor.post_process_object_detection": "outlines of regions, by OpenCV and a library of polygons",
    "DeepseekVLImageProcessor.postprocess": "transformers has it to say that it is not needed",
    "DeepseekVLHybridImageProcessor.postprocess": "transformers has it to say that it is not needed",
}
"""Methods of transformers' processors that are no methods here, and why; `Class.method` is one class's."""


def ours(name: str, engine: str = "onnxruntime") -> Any:
    return getattr(gp, f"{name}ImageProcessor")(engine=engine)


def theirs(name: str) -> Any:
    return reference_class(f"{name}ImageProcessor")()


def detections(seed: int = 0, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    """Return what a detector returns for three images: of the first much scores high, of the last little."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn((3, 20, 7), generator=generator) * 2
    logits[:, :, :-1] -= torch.tensor([0.0, 2.0, 4.0])[:, None, None]
    return {"logits": logits.to(dtype), "pred_boxes": torch.rand((3, 20, 4), generator=generator).to(dtype)}


def scores(seed: int = 0, dtype: torch.dtype = torch.float32) -> dict[str, torch.Tensor]:
    """Return what a segmentation model returns for three images."""
    return {"logits": (torch.randn((3, 9, 12, 15), generator=torch.Generator().manual_seed(seed)) * 2).to(dtype)}


def arrays(outputs: Mapping[str, torch.Tensor]) -> dict[str, Array]:
    return {name: tensor.float().numpy() for name, tensor in outputs.items()}


def kind(value: Any) -> set[type]:
    """Return the types of the arrays or tensors in a result."""
    if isinstance(value, Mapping):
        return kind(list(value.values()))
    if isinstance(value, (list, tuple)):
        return {found for item in value for found in kind(item)}
    return {type(value)}


# ---- results ---------------------------------------------------------------------------------------------------


@tiers.crossed(("name", DETECTORS), ("threshold", [0.05, 0.4, 0.999]), ("engine", ENGINES))
def test_detection(name: str, threshold: float, engine: str) -> None:
    outputs = detections()
    limits = {"ConditionalDetr": (30,), "DeformableDetr": (30,), "RfDetr": (None, 7, 30, 1000)}.get(name)
    for sizes, limit in product((SIZES, torch.tensor(SIZES), None), limits or (None,)):
        call = {"threshold": threshold, "target_sizes": sizes, **({"top_k": limit} if limits else {})}
        expected = theirs(name).post_process_object_detection(SimpleNamespace(**outputs), **call)
        found = ours(name, engine).post_process_object_detection(SimpleNamespace(**outputs), **call)
        assert kind(found) == {torch.Tensor}
        assert_close(found, expected, SMOOTH, f"{sizes} {limit}")


def test_the_thresholds_mean_something() -> None:
    counts = {
        name: [len(image["scores"]) for image in ours(name).post_process_object_detection(detections(), threshold=0.4)]
        for name in DETECTORS
    }
    assert all(count[0] > count[2] for count in counts.values()), counts


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", SEGMENTERS)
def test_semantic_segmentation(name: str, engine: str) -> None:
    outputs = scores()
    for sizes in (SIZES, None):
        for flag in (False, True):
            call = {"target_sizes": sizes, "return_segmentation_scores": flag}
            expected = theirs(name).post_process_semantic_segmentation(SimpleNamespace(**outputs), **call)
            found = ours(name, engine).post_process_semantic_segmentation(SimpleNamespace(**outputs), **call)
            assert_close(found, expected, SMOOTH, f"{sizes} {flag}")
            if flag:  # by attribute and by key
                assert all(isinstance(one, gp.BatchFeature) and one.segmentation is one["segmentation"] for one in found)


@pytest.mark.parametrize("engine", ENGINES)
def test_scores_under_another_name(engine: str) -> None:
    """A model that predicts depths and normals too has other names; where there are both, transformers takes these."""
    logits = scores()["logits"]
    for outputs in ({"segmentation_logits": logits}, {"segmentation_logits": logits, "logits": -logits}):
        expected = theirs("Tipsv2Dpt").post_process_semantic_segmentation(SimpleNamespace(**outputs), SIZES)
        assert_close(ours("Tipsv2Dpt", engine).post_process_semantic_segmentation(outputs, SIZES), expected, SMOOTH)
    with pytest.raises(ImageError, match="expected model outputs with 'logits', got normals"):
        ours("Tipsv2Dpt", engine).post_process_semantic_segmentation({"normals": logits}, SIZES)


@pytest.mark.parametrize("engine", ENGINES)
def test_classification(engine: str) -> None:
    logits = torch.randn((3, 10), generator=torch.Generator().manual_seed(1)) * 3
    found = ours("ViT", engine).post_process_image_classification({"logits": logits})
    best, labels = logits.softmax(-1).topk(5)
    assert_close(found, [{"scores": s, "labels": i} for s, i in zip(best, labels, strict=True)], SMOOTH)
    call = {"top_k": 100, "function_to_apply": "sigmoid"}
    found = ours("ViT", engine).post_process_image_classification({"logits": logits}, **call)
    best, labels = logits.sigmoid().sort(-1, descending=True)
    assert_close(found, [{"scores": s, "labels": i} for s, i in zip(best, labels, strict=True)], SMOOTH)
    found = ours("ViT", engine).post_process_image_classification({"logits": logits}, 3, "none")
    assert_close([image["scores"] for image in found], list(logits.topk(3)[0]), Parity("as they are"))


# ---- what comes in ---------------------------------------------------------------------------------------------


@dataclass
class Outputs(ModelOutput):  # type: ignore[misc]
    """As transformers' models return them."""

    logits: Any = None
    pred_boxes: Any = None


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("wrap", [dict, lambda o: Outputs(**o), lambda o: SimpleNamespace(**o)], ids=["dict", "output", "object"])
@pytest.mark.parametrize("convert", [dict, arrays], ids=["torch", "numpy"])
def test_kinds_of_outputs(convert: Callable[..., Any], wrap: Callable[..., Any], engine: str) -> None:
    """The same kind comes out, whatever holds them."""
    made, want = convert(detections()), theirs("Detr").post_process_object_detection(SimpleNamespace(**detections()), 0.3, SIZES)
    found = ours("Detr", engine).post_process_object_detection(wrap(made), 0.3, SIZES)
    assert kind(found) == {torch.Tensor if convert is dict else np.ndarray}
    if convert is arrays:
        want = [{key: value.numpy() for key, value in image.items()} for image in want]
    assert_close(found, want, SMOOTH)
    for image in found:  # results are the caller's own to write to
        for value in image.values():
            value[...] = 0


def test_outputs_with_gradients() -> None:
    outputs = {name: tensor.requires_grad_() for name, tensor in detections().items()}
    (found, *_) = ours("Detr").post_process_object_detection(outputs, 0.3)
    assert not found["scores"].requires_grad


@pytest.mark.parametrize(
    "convert", [list, np.array, torch.tensor, lambda s: [list(spec) for spec in s], lambda s: np.array(s, "i4")]
)
def test_kinds_of_sizes(convert: Callable[..., Any]) -> None:
    for name, method, outputs in (
        ("Detr", "post_process_object_detection", detections()),
        ("Segformer", "post_process_semantic_segmentation", scores()),
    ):
        found = getattr(ours(name), method)(outputs, target_sizes=convert(SIZES))
        assert_close(found, getattr(ours(name), method)(outputs, target_sizes=SIZES), Parity("the same"))


def test_one_image_at_a_time() -> None:
    """An image's result does not depend on the others of its batch."""
    outputs, processor = detections(), ours("ConditionalDetr", "numpy")
    whole = processor.post_process_object_detection(outputs, 0.1, SIZES)
    for index, size in enumerate(SIZES):
        one = {name: tensor[index : index + 1] for name, tensor in outputs.items()}
        assert_close(processor.post_process_object_detection(one, 0.1, [size]), whole[index : index + 1], Parity("the same"))


# ---- signatures ------------------------------------------------------------------------------------------------


CLASSES = sorted(name for name in specs() if hasattr(transformers, f"{name}Pil") or hasattr(transformers, name))


@pytest.mark.parametrize("name", [name for name in CLASSES if len(methods(name)) > 1])
def test_signatures_are_those_of_transformers(name: str) -> None:
    for method in methods(name):
        if method == "post_process_image_classification":
            continue
        found = inspect.signature(getattr(getattr(gp, name), method))
        wanted = [
            [(p.name, p.default) for p in inspect.signature(getattr(reference_class(name, backend), method)).parameters.values()]
            for backend in specs()[name].backends
        ]
        # Where transformers' two classes differ (Janus), it is the one with more parameters.
        assert [(p.name, p.default) for p in found.parameters.values()] == max(wanted, key=len), method
        assert getattr(getattr(gp, name), method).__doc__


@tiers.each("name", CLASSES)
def test_every_method_of_transformers_is_here(name: str) -> None:
    known = {m for m in dir(reference_class(name)) if m.startswith(("post_process", "postprocess"))}
    known -= set(dir(getattr(gp, name)))
    assert {m for m in known if m not in NOT_HERE and f"{name}.{m}" not in NOT_HERE} == set()


@pytest.mark.parametrize("engine", ["numpy", "onnxruntime"])
def test_zoe_takes_the_depths_of_the_mirrored_image(engine: str) -> None:
    import torch

    rng = np.random.default_rng(0)
    one, other = (SimpleNamespace(predicted_depth=torch.tensor(rng.random((2, 6, 9)), dtype=torch.float32)) for _ in range(2))
    call = {"source_sizes": [(20, 31), (40, 15)], "outputs_flipped": other}
    wanted = theirs("ZoeDepth").post_process_depth_estimation(one, **call)
    found = ours("ZoeDepth", engine).post_process_depth_estimation(one, **call)
    plain = ours("ZoeDepth", engine).post_process_depth_estimation(one, source_sizes=call["source_sizes"])
    for got, want, without in zip(found, wanted, plain, strict=True):
        np.testing.assert_allclose(got["predicted_depth"], want["predicted_depth"], rtol=1e-5)
        assert not np.array_equal(got["predicted_depth"], without["predicted_depth"])


# ---- errors ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "call", "error", "message"),
    [
        ({"logits": None}, {}, ImageError, "expected model outputs with 'logits', got logits, pred_boxes"),
        ({"logits": torch.zeros(3, 20)}, {}, ImageError, r"expected logits \[.*queries, classes\].*, got the shape \[.*20\]"),
        ({"logits": torch.zeros(2, 20, 7)}, {}, ImageError, "expected outputs of one batch, got {'logits': 2, 'pred_boxes': 3}"),
        (
            {"pred_boxes": torch.zeros(3, 20, 5)},
            {},
            ImageError,
            r"expected pred_boxes \[queries, 4\] of each image, got the shape \[20, 5\]",
        ),
        (
            {"pred_boxes": torch.zeros(3, 19, 4)},
            {},
            ImageError,
            "expected 20 queries in pred_boxes, the number in logits, got 19",
        ),
        ({}, {"target_sizes": SIZES[:2]}, ImageError, r"target_sizes: expected \(height, width\) of each image, \[3, 2\], got"),
        ({}, {"target_sizes": [3, 4, 5]}, ImageError, "target_sizes: expected"),
        ({}, {"target_sizes": [(0, 4)] * 3}, ImageError, "target_sizes: expected"),
        ({}, {"target_sizes": [("a", "b")] * 3}, ImageError, "target_sizes: expected"),
        ({}, {"target_sizes": [(3.5, float("nan"))] * 3}, ImageError, "target_sizes: expected"),
        ({}, {"target_sizes": [(3, 4), (3,), (4, 5)]}, ImageError, "target_sizes: expected"),
        ({"logits": torch.zeros(3, 20, 0)}, {}, ImageError, r"expected logits \[queries, classes\] .*, got the shape \[20, 0\]"),
        (
            {"logits": torch.zeros(3, 20, 1)},
            {},
            ProgramError,
            "expected at least two classes; the last one means no object",
        ),
        ({}, {"threshold": "high"}, ConfigError, "threshold: expected a number, got 'high'"),
    ],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_refused(change: dict[str, Any], call: dict[str, Any], error: type[Exception], message: str, engine: str) -> None:
    with pytest.raises(error, match=message):
        ours("Detr", engine).post_process_object_detection({**detections(), **change}, **call)


def test_refused_options() -> None:
    with pytest.raises(TypeError, match="colour"):
        ours("Detr").post_process_object_detection(detections(), colour=3)
    with pytest.raises(ConfigError, match="top_k: expected a whole number of at least 1, got 0"):
        ours("DeformableDetr").post_process_object_detection(detections(), top_k=0)
    with pytest.raises(ConfigError, match="use_focal_loss: expected true in a graph"):
        ours("RTDetr").compile_post_processing("object_detection", use_focal_loss=False)
    with pytest.raises(ConfigError, match="function_to_apply: expected softmax, sigmoid or none, got 'tanh'"):
        ours("ViT").post_process_image_classification({"logits": torch.zeros(1, 3)}, function_to_apply="tanh")
    with pytest.raises(ImageError, match="expected model outputs with 'logits', got list"):
        ours("Detr").post_process_object_detection([1, 2])
    with pytest.raises(AttributeError):
        ours("ViT").post_process_object_detection(detections())


def test_programs_and_graphs_of_methods() -> None:
    processor = ours("Detr")
    program = processor.compile_post_processing("object_detection", threshold=0.7)
    assert program.name == "DetrImageProcessor.post_process_object_detection"
    assert "number=0.7" in str(program)
    with pytest.raises(ConfigError, match=r"unknown option 'treshold'\. Known: threshold, target_sizes"):
        processor.compile_post_processing("object_detection", treshold=0.7)
    with pytest.raises(ConfigError, match=r"DetrImageProcessor has no method 'post_process_masks'\. It has post_process_"):
        processor.compile_post_processing("masks")
    graph = processor.post_processing_to_onnx("object_detection", threshold=0.7, id2label={0: "cat", 1: "dog"})
    entries = {entry.key: entry.value for entry in graph.metadata_props}
    assert entries["graphproc.id2label"] == '{"0": "cat", "1": "dog"}'
    assert entries["graphproc.post"] == (
        '{"method": "post_process_object_detection", "options": {"threshold": 0.7}, "processor": "DetrImageProcessor"}'
    )
