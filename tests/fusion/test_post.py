"""Raw pixels in, answers out: preprocessing, model and post-processing as one graph against the three run one by one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import transformers
from onnx import helper
from support.nets import FLOAT, HALF, INT64, detector, model, segmenter
from support.post_outputs import assert_close

import graphproc as gp
from graphproc.errors import ConfigError, FusionError
from graphproc.fusion.fuse import fuse_graphs
from graphproc.postprocessing.method import SMOOTH
from graphproc.wrappers.examples import photograph

Array = np.ndarray[Any, Any]

PHOTO = photograph()
IMAGES = [PHOTO[:60, :90].copy(), PHOTO[20:90, 10:60].copy(), PHOTO[:33, 5:95].copy()]
SMALL: dict[str, dict[str, Any]] = {
    "RTDetr": {"size": {"height": 32, "width": 40}},
    "Detr": {"size": {"shortest_edge": 24, "longest_edge": 40}},
    "DeformableDetr": {"size": {"shortest_edge": 24, "longest_edge": 40}},
    "Segformer": {"size": {"height": 32, "width": 40}},
    "DPT": {"size": {"height": 32, "width": 40}},
}


def processor(name: str) -> Any:
    return getattr(gp, f"{name}ImageProcessor")(**SMALL[name])


def run(graph: onnx.ModelProto | str, feeds: Mapping[str, Any]) -> dict[str, Array]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    source = graph if isinstance(graph, str) else graph.SerializeToString()
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, dict(feeds)), strict=True))


def feeds(images: Sequence[Array], input: str) -> dict[str, Any]:
    if input == "image":
        return {"image": images[0]}
    return {"images": np.stack(images) if input == "batch" else list(images)}


def apart(name: str, net: onnx.ModelProto, images: Sequence[Array], input: str) -> dict[str, Array]:
    """Return the model's outputs, from the pixels that the preprocessing graph gives."""
    pixels = run(processor(name).to_onnx(input=input), feeds(images, input))
    return run(net, {"pixel_values": pixels["pixel_values"]})


def reference(name: str, method: str, outputs: Mapping[str, Array], images: Sequence[Array], **options: Any) -> list[Any]:
    """Return what transformers makes of the model's outputs."""
    tensors = SimpleNamespace(**{key: torch.from_numpy(value).float() for key, value in outputs.items()})
    made = getattr(transformers, f"{name}ImageProcessorPil")(**SMALL[name])
    found: list[Any] = getattr(made, method)(tensors, target_sizes=[image.shape[:2] for image in images], **options)
    return found


def cut(found: Mapping[str, Array]) -> list[dict[str, Array]]:
    """Return the rows that count, image by image."""
    return [{key: found[key][i, :count] for key in ("scores", "labels", "boxes")} for i, count in enumerate(found["count"])]


def names(values: Any) -> list[str]:
    return [value.name for value in values]


def metadata(graph: onnx.ModelProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in graph.metadata_props}


# ---- results ---------------------------------------------------------------------------------------------------

THRESHOLDS = {"RTDetr": 0.96, "DeformableDetr": 0.3, "Detr": 0.3}
"""Options with which some of the net's rows count."""
FORMS = [("batch", [IMAGES[0], IMAGES[0][:, ::-1].copy()]), ("image", IMAGES[1:2]), ("sequence", IMAGES)]


@pytest.mark.slow
@pytest.mark.parametrize(("input", "images"), FORMS, ids=[form[0] for form in FORMS])
@pytest.mark.parametrize("name", ["RTDetr", "DeformableDetr", "Detr"])
def test_boxes_are_in_the_pixels_of_the_images(name: str, input: str, images: list[Array]) -> None:
    net, own = detector(), processor(name)
    threshold = THRESHOLDS[name]
    fused = gp.fuse(own, net, post=own, post_options={"threshold": threshold}, input=input)
    onnx.checker.check_model(fused, full_check=True)
    assert names(fused.graph.input) == ["image" if input == "image" else "images"]
    assert names(fused.graph.output) == ["scores", "labels", "boxes", "count"]
    found = run(fused, feeds(images, input))
    expected = reference(name, "post_process_object_detection", apart(name, net, images, input), images, threshold=threshold)
    assert 0 < found["count"].sum() < found["scores"].size, "the example shows something"
    assert_close(cut(found), [{key: value.numpy() for key, value in image.items()} for image in expected], SMOOTH)


@pytest.mark.parametrize("output", ["logits", "segmentation_logits"])
def test_outputs_that_stand_in_for_others(output: str) -> None:
    """One method reads what either of two kinds of models gives."""
    spread = {"do_normalize": True, "image_mean": 0.5, "image_std": 0.25}
    net, own = segmenter(output=output), gp.Tipsv2DptImageProcessor(size={"height": 32, "width": 40}, **spread)
    fused = gp.fuse(own, net, post=own)
    pixels = run(own.to_onnx(), {"images": IMAGES[0][None]})
    (expected,) = own.post_process_semantic_segmentation(run(net, pixels), [IMAGES[0].shape[:2]])
    assert len(np.unique(expected)) > 1
    np.testing.assert_array_equal(run(fused, {"images": IMAGES[0][None]})["segmentation"][0], expected)
    with pytest.raises(FusionError, match=r"Tipsv2DptImageProcessor fits a model that gives scores"):
        gp.fuse(own, segmenter(output="scores"), post=own)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Segformer", "DPT"])
def test_maps_have_the_size_of_the_images(name: str) -> None:
    """Images of several sizes go through one graph one by one, and together through one of sequences."""
    net, own = segmenter(), processor(name)
    fused = gp.fuse(own, net, post=own)
    together = run(gp.fuse(own, net, post=own, input="sequence"), {"images": IMAGES})["segmentation"]
    assert together.shape == (3, 70, 90)
    for index, image in enumerate(IMAGES):
        height, width, _ = image.shape
        (found,) = run(fused, {"images": image[None]})["segmentation"]
        (expected,) = reference(name, "post_process_semantic_segmentation", apart(name, net, [image], "batch"), [image])
        assert len(np.unique(found)) > 1
        np.testing.assert_array_equal(found, expected.numpy(), strict=True)
        np.testing.assert_array_equal(together[index, :height, :width], found)
        assert (together[index, height:] == -1).all()
        assert (together[index, :, width:] == -1).all()


def test_depths_whose_name_is_also_the_results() -> None:
    net, own = segmenter(output="predicted_depth", classes=1), processor("DPT")
    fused = fuse_graphs(own, net, post=own, keep=["predicted_depth"])
    assert names(fused.model.graph.output) == ["predicted_depth", "model_predicted_depth"]
    found = run(fused.model, {"images": IMAGES[0][None]})
    outputs = apart("DPT", net, IMAGES[:1], "batch")
    (expected,) = reference("DPT", "post_process_depth_estimation", outputs, IMAGES[:1])
    assert_close(found["predicted_depth"][0], expected["predicted_depth"].numpy(), SMOOTH)
    np.testing.assert_array_equal(found["model_predicted_depth"], outputs["predicted_depth"])


@pytest.mark.slow
def test_rows_of_a_number_that_depends_on_the_image() -> None:
    net, own = detector(), processor("RTDetr")
    options = {"threshold": 0.3}
    for input in ("batch", "sequence"):
        images = [IMAGES[0]] * 2 if input == "batch" else IMAGES
        padded = run(gp.fuse(own, net, post=own, post_options=options, input=input), feeds(images, input))
        ragged = run(gp.fuse(own, net, post=own, post_options={**options, "ragged": True}, input=input), feeds(images, input))
        np.testing.assert_array_equal(ragged["count"], padded["count"])
        rows = cut(padded)
        for key in ("scores", "labels", "boxes"):
            np.testing.assert_array_equal(ragged[key], np.concatenate([image[key] for image in rows]), strict=True)


# ---- what is given besides -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_outputs_of_the_model_and_of_the_preprocessing_are_kept() -> None:
    net, own = detector(), processor("Detr")
    fused = gp.fuse(own, net, post=own, keep=["pixel_mask", "logits"])
    assert names(fused.graph.output) == ["scores", "labels", "boxes", "count", "logits", "pixel_mask"]
    found = run(fused, feeds(IMAGES[:1], "batch"))
    np.testing.assert_array_equal(found["logits"], apart("Detr", net, IMAGES[:1], "batch")["logits"])
    np.testing.assert_array_equal(found["pixel_mask"], run(own.to_onnx(), feeds(IMAGES[:1], "batch"))["pixel_mask"])
    with pytest.raises(FusionError, match="keep: the preprocessing has no output 'scores'; it has pixel_mask, pixel_values"):
        gp.fuse(own, net, post=own, keep=["scores"])


def test_other_inputs_of_the_model_stay() -> None:
    net = detector()
    net.graph.input.append(helper.make_tensor_value_info("scale", FLOAT, [1]))
    last = next(node for node in net.graph.node if node.name == "to_logits")
    net.graph.node.insert(list(net.graph.node).index(last), helper.make_node("Mul", ["scores_f", "scale"], ["scaled"], "scale"))
    last.input[0] = "scaled"
    own = processor("RTDetr")
    fused = gp.fuse(own, net, post=own)
    assert names(fused.graph.input) == ["images", "scale"]
    one, none = (run(fused, {**feeds(IMAGES[:1], "batch"), "scale": np.float32([s])}) for s in (1, 0))
    assert (none["count"] == 0).all() or (none["scores"][none["scores"] > 0] == 0.5).all()
    assert (one["scores"] != none["scores"]).any()


def test_names_that_clash() -> None:
    """A model that calls its values, nodes, weights and a second output as the post-processing calls its own."""
    own = processor("RTDetr")
    post = own.post_processing_to_onnx("object_detection")
    net = detector()
    value, node, weight = post.graph.node[0].output[0], post.graph.node[1].name, post.graph.initializer[0].name
    renamed = {"features": value, "w": weight, "boxes_f_mean": "target_size"}
    for own_node in net.graph.node:
        own_node.input[:] = [renamed.get(name, name) for name in own_node.input]
        own_node.output[:] = [renamed.get(name, name) for name in own_node.output]
    net.graph.node[1].name = node
    net.graph.initializer[0].name = weight
    net.graph.node.append(helper.make_node("Neg", ["logits"], ["scores"], "negative"))
    net.graph.output.append(helper.make_tensor_value_info("scores", FLOAT, ["N", 6, 5]))
    fused = fuse_graphs(own, net, post=own, keep=["scores"])
    onnx.checker.check_model(fused.model, full_check=True)
    assert names(fused.model.graph.output) == ["scores", "labels", "boxes", "count", "model_scores"]
    assert any("scores of the model is called model_scores: the postprocessing has" in note for note in fused.notes)
    assert len(set(names(fused.model.graph.node))) == len(fused.model.graph.node)
    found = run(fused.model, feeds(IMAGES[:1], "batch"))
    expected = run(gp.fuse(own, detector(), post=own, keep=["logits"]), feeds(IMAGES[:1], "batch"))
    np.testing.assert_array_equal(found["model_scores"], -expected.pop("logits"))
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array)


def test_metadata() -> None:
    own = processor("RTDetr")
    labels = {0: "cat", 1: "dog"}
    fused = fuse_graphs(own, detector(author="me"), post=own, post_options={"threshold": 0.25, "id2label": labels})
    entries = metadata(fused.model)
    assert json.loads(entries["graphproc.id2label"]) == {"0": "cat", "1": "dog"}
    assert json.loads(entries["graphproc.post"]) == {
        "processor": "RTDetrImageProcessor",
        "method": "post_process_object_detection",
        "options": {"threshold": 0.25, "use_focal_loss": True},
    }
    assert entries["author"] == "me"
    assert entries["graphproc.config"] == metadata(own.to_onnx())["graphproc.config"]
    joints = [(joint["output"], joint["input"]) for joint in json.loads(entries["graphproc.fusion"])["joints"]]
    assert joints[0] == ("pixel_values", "pixel_values")
    assert {("logits", "logits"), ("pred_boxes", "pred_boxes"), ("target_size", "target_size")} == set(joints[1:])
    assert [(j["output"], j["input"]) for j in fused.joints] == joints


# ---- sources, versions, types ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["file", "bytes", "model"])
def test_a_post_processing_graph(form: str, tmp_path: Path) -> None:
    own, net = processor("RTDetr"), detector()
    graph = own.post_processing_to_onnx("object_detection", threshold=0.3)
    path = tmp_path / "post.onnx"
    onnx.save(graph, path)
    source = {"file": path, "bytes": graph.SerializeToString(), "model": graph}[form]
    before = graph.SerializeToString(deterministic=True)
    found = gp.fuse(own, net, post=source)
    expected = gp.fuse(own, net, post=own, post_options={"threshold": 0.3})
    assert found.SerializeToString(deterministic=True) == expected.SerializeToString(deterministic=True)
    assert graph.SerializeToString(deterministic=True) == before


@pytest.mark.slow
@pytest.mark.parametrize(("version", "ir"), [(17, 8), (18, 8), (19, 9), (20, 9), (21, 10), (22, 10), (23, 11)])
def test_every_opset(version: int, ir: int) -> None:
    own, net = processor("RTDetr"), detector(version, ir)
    graph = own.post_processing_to_onnx("object_detection", threshold=0.3)
    expected = cut(run(gp.fuse(own, detector(), post=graph), feeds(IMAGES[:1], "batch")))
    for post, options in ((own, {"threshold": 0.3}), (graph, {})):
        fused = gp.fuse(own, net, post=post, post_options=options)
        onnx.checker.check_model(fused, full_check=True)
        found = next(o.version for o in fused.opset_import if o.domain == "")
        assert found == (version if post is own else max(version, 18))
        assert_close(cut(run(fused, feeds(IMAGES[:1], "batch"))), expected, SMOOTH)


def test_half_precision_is_converted_on_both_sides() -> None:
    own, net = processor("RTDetr"), detector(dtype=HALF)
    fused = fuse_graphs(own, net, post=own, post_options={"threshold": 0.3})
    casts = {joint["input"]: joint.get("cast") for joint in fused.joints}
    assert casts == {"pixel_values": "float16", "logits": "float32", "pred_boxes": "float32", "target_size": None}
    pixels = run(own.to_onnx(), feeds(IMAGES[:1], "batch"))["pixel_values"].astype(np.float16)
    outputs = run(net, {"pixel_values": pixels})
    expected = reference("RTDetr", "post_process_object_detection", outputs, IMAGES[:1], threshold=0.3)
    found = cut(run(fused.model, feeds(IMAGES[:1], "batch")))
    assert_close(found, [{key: value.numpy() for key, value in image.items()} for image in expected], SMOOTH)


@pytest.mark.slow
def test_weights_in_files(tmp_path: Path) -> None:
    own, net = processor("RTDetr"), detector()
    expected = run(gp.fuse(own, net, post=own), feeds(IMAGES[:1], "batch"))
    path, out = tmp_path / "net.onnx", tmp_path / "fused.onnx"
    onnx.save(net, path, save_as_external_data=True, location="net.weights", size_threshold=100)
    gp.fuse(own, path, post=own, output=out)
    path.unlink()
    (tmp_path / "net.weights").unlink()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fused.onnx", "fused.onnx.data"]
    found = run(str(out), feeds(IMAGES[:1], "batch"))
    for key, array in expected.items():
        np.testing.assert_array_equal(found[key], array)


def test_images_of_one_size() -> None:
    own, net = processor("RTDetr"), detector()
    fused = gp.fuse(own, net, post=own, image_size=(60, 90))
    expected = run(gp.fuse(own, net, post=own), feeds(IMAGES[:1], "batch"))
    for key, array in run(fused, feeds(IMAGES[:1], "batch")).items():
        np.testing.assert_array_equal(array, expected[key])


def test_folding_the_normalization_under_a_post_processing() -> None:
    own, net = processor("Segformer"), segmenter()
    fused = fuse_graphs(own, net, post=own, fold_normalize=True, keep=["logits"])
    found = run(fused.model, feeds(IMAGES[:1], "batch"))
    np.testing.assert_allclose(found["logits"], apart("Segformer", net, IMAGES[:1], "batch")["logits"], atol=1e-4)
    assert fused.folded is not None


# ---- which method ----------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_outputs_of_other_names() -> None:
    own, net = processor("RTDetr"), detector(names=("output0", "output1"))
    told = {"output0": "logits", "output1": "pred_boxes"}
    expected = run(gp.fuse(own, detector(), post=own), feeds(IMAGES[:1], "batch"))
    for post in (own, own.post_processing_to_onnx("object_detection")):
        found = run(gp.fuse(own, net, post=post, post_map=told), feeds(IMAGES[:1], "batch"))
        for key, array in expected.items():
            np.testing.assert_array_equal(found[key], array)
    with pytest.raises(FusionError, match=r"no method of RTDetrImageProcessor fits a model that gives output0.*--post-map"):
        gp.fuse(own, net, post=own)
    with pytest.raises(FusionError, match=r"map: the model has no output 'output9'; it has output0"):
        gp.fuse(own, net, post=own, post_map={"output9": "logits"}, post_method="object_detection")
    with pytest.raises(FusionError, match=r"map: the postprocessing has no input 'scores'; it has logits"):
        gp.fuse(own, net, post=own.post_processing_to_onnx("object_detection"), post_map={"output0": "scores"})


@pytest.mark.slow
def test_several_methods_fit() -> None:
    own, net = processor("Detr"), detector(masks=True)
    with pytest.raises(FusionError, match=r"post: post_process_.* and post_process_.* of DetrImageProcessor fit .*post_method"):
        gp.fuse(own, net, post=own)
    for method, first in (("object_detection", "scores"), ("post_process_semantic_segmentation", "segmentation")):
        assert names(gp.fuse(own, net, post=own, post_method=method).graph.output)[0] == first


def test_the_number_of_axes_tells_methods_apart() -> None:
    """`logits` of a classifier are [batch, classes], those of a segmentation model have two axes more."""
    own = processor("Segformer")
    assert names(gp.fuse(own, segmenter(), post=own).graph.output) == ["segmentation"]
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixel_values"], ["mean"], "mean"),
        helper.make_node("Flatten", ["mean"], ["logits"], "flat"),
    ]
    net = model(nodes, {"pixel_values": (FLOAT, ["N", 3, 32, 40])}, {"logits": (FLOAT, ["N", 3])})
    fused = gp.fuse(own, net, post=own)
    assert names(fused.graph.output) == ["scores", "labels"]
    found = run(fused, feeds(IMAGES[:1], "batch"))
    assert found["scores"].shape == (1, 3)
    np.testing.assert_allclose(found["scores"].sum(), 1, rtol=1e-6)


# ---- refusals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "net", "options", "error", "parts"),
    [
        (
            "RTDetr",
            detector(),
            {"post_method": "masks"},
            ConfigError,
            ["RTDetrImageProcessor has no method 'post_process_masks'"],
        ),
        ("RTDetr", detector(), {"post_options": {"treshold": 0.3}}, ConfigError, ["unknown option 'treshold'. Known: threshold"]),
        ("RTDetr", segmenter(), {}, FusionError, ["no method of RTDetrImageProcessor fits", "logits (float32 [", "pred_boxes"]),
        (
            "RTDetr",
            segmenter(),
            {"post_method": "object_detection"},
            FusionError,
            [
                "post_process_object_detection of RTDetrImageProcessor reads pred_boxes, and the model gives logits (",
                "--post-map",
            ],
        ),
        (
            "RTDetr",
            detector(names=("pred_boxes", "logits")),
            {},
            FusionError,
            ["model output pred_boxes (", "[batch, 6, 5]", "postprocessing input pred_boxes (", "differ in axis 2, 5 and 4"],
        ),
        (
            "RTDetr",
            detector(masks=True),
            {"post_map": {"pred_masks": "logits"}, "post_method": "object_detection"},
            FusionError,
            ["model output pred_masks (", "postprocessing input logits (", "differ in rank, 4 and 3"],
        ),
    ],
)
def test_refused(name: str, net: onnx.ModelProto, options: dict[str, Any], error: Any, parts: list[str], tmp_path: Path) -> None:
    own = processor(name)
    with pytest.raises(error) as caught:
        gp.fuse(own, net, post=own, output=tmp_path / "fused.onnx", **options)
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_graphs_that_do_not_fit(tmp_path: Path) -> None:
    own, net = processor("RTDetr"), detector()
    several = own.post_processing_to_onnx("object_detection", input="sequence")
    one = own.post_processing_to_onnx("object_detection")
    out = tmp_path / "fused.onnx"
    with pytest.raises(FusionError, match=r"post: the images are images \(.*reads target_sizes. Export it with input='batch'"):
        gp.fuse(own, net, post=several, output=out)
    with pytest.raises(FusionError, match=r"post: the images are images \(.*reads target_size. Export it with input='sequence'"):
        gp.fuse(own, net, post=one, input="sequence", output=out)
    with pytest.raises(FusionError, match=r"'post_method' is for processors; a post-processing graph is as it was exported"):
        gp.fuse(own, net, post=one, post_method="object_detection", output=out)
    with pytest.raises(FusionError, match=r"'threshold' is for processors"):
        gp.fuse(own, net, post=one, post_options={"threshold": 0.2}, output=out)
    for more in ({"post_method": "object_detection"}, {"post_options": {"threshold": 0.2}}, {"post_map": {"logits": "logits"}}):
        with pytest.raises(FusionError, match=r"say how to post-process\. Give post as well"):
            gp.fuse(own, net, output=out, **more)
    with pytest.raises(FusionError, match=r"postprocessing .*nowhere.onnx: cannot be read"):
        gp.fuse(own, net, post=tmp_path / "nowhere.onnx", output=out)
    whole = model([helper.make_node("Abs", ["x"], ["y"], "abs")], {"x": (INT64, ["N"])}, {"y": (INT64, ["N"])})
    with pytest.raises(FusionError, match=r"no output of the model fits an input of the postprocessing"):
        gp.fuse(own, net, post=whole, output=out)
    assert list(tmp_path.iterdir()) == []


def test_what_the_model_lacks_is_named() -> None:
    """An input of the post-processing that nothing gives would otherwise be one of the fused graph."""
    own, net = processor("RTDetr"), detector()
    del net.graph.output[1]
    with pytest.raises(FusionError, match=r"post.*pred_boxes"):
        gp.fuse(own, net, post=own)
    with pytest.raises(FusionError, match=r"post.*pred_boxes"):
        gp.fuse(own, net, post=own, post_method="object_detection")
    fused = gp.fuse(own, net, post=own.post_processing_to_onnx("object_detection"))
    assert names(fused.graph.input) == ["images", "pred_boxes"]
