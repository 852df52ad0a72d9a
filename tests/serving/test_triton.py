"""Model repositories: read with the published schema, loaded and run as the server does, against what they are made of."""

from __future__ import annotations

import importlib.util
import json
import sys
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
from support.graphs import assert_same, ort
from support.nets import FLOAT, HALF, INT64, conv, detector, model, random_values, tensor
from support.post_outputs import assert_close
from support.triton_server import ServerChain

import graphproc as gp
from graphproc.errors import FusionError
from graphproc.postprocessing.method import SMOOTH
from graphproc.serving import triton
from graphproc.wrappers.examples import photograph

Array = np.ndarray[Any, Any]

PHOTO = photograph()
IMAGES = [PHOTO[:60, :90].copy(), PHOTO[20:90, 10:60].copy(), PHOTO[5:65, 5:95].copy()]
"""Two images of one size, and one of another between them."""
REQUESTS = [{"images": image[None]} for image in IMAGES]
LABELS = {0: "tabby", 1: 'a "big" cat', 2: "été", 3: "lynx"}
CLIP = gp.CLIPImageProcessor(size=32, crop_size=32)


def preprocessed(images: Sequence[Array], processor: Any = CLIP) -> Array:
    found: Array = processor(list(images), return_tensors="np")["pixel_values"]
    return found


# ---- fused graphs ----------------------------------------------------------------------------------------------


def test_a_classifier(tmp_path: Path) -> None:
    written = triton.write(gp.fuse(CLIP, conv()), tmp_path / "models", name="cats", labels=LABELS)
    assert (written.models, written.max_batch_size, written.notes) == (("cats",), 8, ())
    chain = ServerChain(tmp_path / "models")
    answers = chain.infer("cats", REQUESTS)
    for together in ([0, 2], [1]):  # requests of one size are run together
        expected = ort(conv())({"input.1": preprocessed([IMAGES[i] for i in together])})["y"]
        assert_same(np.concatenate([answers[i]["y"] for i in together]), expected)
    assert chain.models["cats"].runs[1:] == [[(2, 60, 90, 3)], [(1, 70, 50, 3)]]
    best = int(answers[0]["y"].argmax())
    assert chain.classify("cats", answers[0], "y") == f"{answers[0]['y'].max():f}:{best}:{LABELS[best]}"


def test_more_requests_than_a_batch_holds(tmp_path: Path) -> None:
    triton.write(gp.fuse(CLIP, conv()), tmp_path / "models", name="cats", max_batch_size=2)
    chain = ServerChain(tmp_path / "models")
    answers = chain.infer("cats", [REQUESTS[0]] * 5)
    assert [shapes[0][0] for shapes in chain.models["cats"].runs[1:]] == [2, 2, 1]
    assert len({answer["y"].tobytes() for answer in answers[:4]}) == 1


@pytest.mark.slow
def test_a_detector_with_post_processing(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"size": {"shortest_edge": 24, "longest_edge": 40}}
    processor, net = gp.DetrImageProcessor(**settings), detector()
    triton.write(gp.fuse(processor, net, post=processor, post_options={"threshold": 0.3}), tmp_path / "models", name="detr")
    chain = ServerChain(tmp_path / "models")
    (count,) = (output for output in chain.configs["detr"].output if output.name == "count")
    assert (list(count.dims), count.HasField("reshape"), list(count.reshape.shape)) == ([1], True, [])
    answers = chain.infer("detr", REQUESTS)
    theirs = transformers.DetrImageProcessor(**settings)
    for image, answer in zip(IMAGES, answers, strict=True):
        outputs = ort(net)({"pixel_values": theirs(image, return_tensors="np")["pixel_values"]})
        tensors = SimpleNamespace(**{key: torch.from_numpy(value) for key, value in outputs.items()})
        (expected,) = theirs.post_process_object_detection(tensors, 0.3, [image.shape[:2]])
        assert answer["count"].shape == (1, 1)
        rows = int(answer["count"][0, 0])
        assert 0 < rows < answer["scores"].size
        found = {key: answer[key][0, :rows] for key in ("scores", "labels", "boxes")}
        assert_close([found], [{key: value.numpy() for key, value in expected.items()}], SMOOTH)


def test_joined_rows_are_no_batch(tmp_path: Path) -> None:
    """Qwen2-VL's patches of all images are rows of one tensor."""
    written = triton.write(gp.Qwen2VLImageProcessor(), tmp_path / "models", name="qwen")
    assert written.max_batch_size == 0
    assert "pixel_values (float32 [pixel_values_patches, 1176]) of the graph has no batch axis" in written.notes[0]
    chain = ServerChain(tmp_path / "models")
    assert not chain.configs["qwen"].HasField("dynamic_batching")
    both = np.stack([IMAGES[0], IMAGES[2]])
    answers = chain.infer("qwen", [{"images": both}, REQUESTS[1]])
    theirs = transformers.Qwen2VLImageProcessor()
    for images, answer in zip((list(both), IMAGES[1]), answers, strict=True):
        expected = theirs(images, return_tensors="np")
        assert_same(answer["pixel_values"], expected["pixel_values"])
        assert_same(answer["image_grid_thw"], expected["image_grid_thw"])


@pytest.mark.slow
def test_models_of_transformers(tmp_path: Path) -> None:
    """With names of axes as torch's exporter gives them: fused, and as an ensemble of its ONNX file."""
    models = random_models()
    torch.manual_seed(0)
    net = models.vit().eval()
    processor = gp.ViTImageProcessor()
    path = tmp_path / "vit.onnx"
    batch = torch.export.Dim("batch")
    example = torch.from_numpy(preprocessed([PHOTO, PHOTO], processor))
    torch.onnx.export(
        net, (example,), path, input_names=["pixel_values"], output_names=["logits"], dynamic_shapes=({0: batch},), dynamo=True
    )
    labels = {number: f"class {number}" for number in range(40)}
    triton.write(gp.fuse(processor, path), tmp_path / "models", name="fused", labels=labels)
    written = triton.write(processor, tmp_path / "models", name="apart", model=path, labels=labels)
    assert written.max_batch_size == 8
    chain = ServerChain(tmp_path / "models")
    fused, apart = (chain.infer(name, REQUESTS) for name in ("fused", "apart"))
    theirs = transformers.ViTImageProcessor()
    with torch.no_grad():
        expected = net(theirs(IMAGES, return_tensors="pt")["pixel_values"]).logits.numpy()
    for row, one, other in zip(expected, fused, apart, strict=True):
        # torch and ONNX Runtime add in different orders
        np.testing.assert_allclose(one["logits"][0], row, rtol=0, atol=1e-5)
        np.testing.assert_allclose(other["logits"][0], row, rtol=0, atol=1e-5)
        assert chain.classify("fused", one, "logits").endswith(f"class {row.argmax()}")


def random_models() -> Any:
    path = Path(__file__).resolve().parents[2] / "tools" / "random_models.py"
    spec = importlib.util.spec_from_file_location("tools_random_models", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---- ensembles -------------------------------------------------------------------------------------------------


def test_an_ensemble_runs_images_of_different_sizes_together(tmp_path: Path) -> None:
    written = triton.write(CLIP, tmp_path / "models", model=conv(), name="cats", labels=LABELS)
    assert written.models == ("cats_preprocessing", "cats_model", "cats")
    assert written.notes == ("joined pixel_values to input.1, the only image on each side; say otherwise with map",)
    assert list((tmp_path / "models" / "cats" / "1").iterdir()) == []
    chain = ServerChain(tmp_path / "models")
    answers = chain.infer("cats", REQUESTS)
    assert chain.models["cats_preprocessing"].runs[1:] == [[(2, 60, 90, 3)], [(1, 70, 50, 3)]]
    assert chain.models["cats_model"].runs[1:] == [[(3, 3, 32, 32)]], "one run for all three"
    assert_same(np.concatenate([answer["y"] for answer in answers]), ort(conv())({"input.1": preprocessed(IMAGES)})["y"])
    assert chain.classify("cats", answers[1], "y").endswith(LABELS[int(answers[1]["y"].argmax())])


@pytest.mark.parametrize("form", ["half", "channels last"])
def test_what_lies_between_is_part_of_the_preprocessing(form: str, tmp_path: Path) -> None:
    if form == "half":
        net, layout, expected = conv(dtype=HALF), None, preprocessed(IMAGES).astype(np.float16)
    else:
        node = helper.make_node("ReduceMean", ["x"], ["y"], axes=[1, 2], keepdims=0)
        net = model([node], {"x": (FLOAT, ["N", "h", "w", 3])}, {"y": (FLOAT, ["N", 3])}, opset=17)
        layout, expected = "nhwc", preprocessed(IMAGES).transpose(0, 2, 3, 1)
    triton.write(CLIP, tmp_path / "models", model=net, layout=layout)
    chain = ServerChain(tmp_path / "models")
    found = np.concatenate([answer["y"] for answer in chain.infer("model", REQUESTS)])
    assert_same(found, ort(net)({net.graph.input[0].name: np.ascontiguousarray(expected)})["y"])


def test_a_number_for_each_image(tmp_path: Path) -> None:
    """What has only a batch axis is one element for the server; models reshape it, ensembles do not."""
    net = conv()
    net.graph.node.append(helper.make_node("ArgMax", ["y"], ["label"], axis=1, keepdims=0))
    net.graph.output.append(helper.make_tensor_value_info("label", INT64, ["N"]))
    triton.write(CLIP, tmp_path / "models", model=net)
    chain = ServerChain(tmp_path / "models")
    assert [chain.configs[name].output[1].HasField("reshape") for name in ("model_model", "model")] == [True, False]
    answers = chain.infer("model", REQUESTS)
    assert [answer["label"].tolist() for answer in answers] == [[[answer["y"].argmax()]] for answer in answers]


def grid_model() -> onnx.ModelProto:
    """Return a model that has rows of patches and their grid, needs at least one patch, and a number from the client."""
    nodes = [
        helper.make_node("ReduceProd", ["image_grid_thw"], ["counts"], axes=[1], keepdims=0),
        helper.make_node("ReduceSum", ["counts"], ["patches"], keepdims=0),
        helper.make_node("Unsqueeze", ["patches", "zero"], ["end"]),
        helper.make_node("Sub", ["end", "one"], ["last"]),
        helper.make_node("Gather", ["pixel_values", "last"], ["row"], axis=0),
        helper.make_node("MatMul", ["row", "w"], ["scores"]),
        helper.make_node("Mul", ["scores", "scale"], ["y"]),
    ]
    inputs = {"pixel_values": (FLOAT, ["rows", 1176]), "image_grid_thw": (INT64, ["n", 3]), "scale": (FLOAT, [1])}
    weights = [tensor("w", random_values(1176, 4)), tensor("zero", [0], INT64), tensor("one", [1], INT64)]
    return model(nodes, inputs, {"y": (FLOAT, [1, 4])}, weights, opset=17)


@pytest.mark.slow
def test_an_ensemble_of_joined_rows(tmp_path: Path) -> None:
    """The warm-up has the grid that preprocessing gives: with zeros the model would read row -1 of none."""
    written = triton.write(gp.Qwen2VLImageProcessor(), tmp_path / "models", model=grid_model())
    assert written.max_batch_size == 0
    assert "nothing gives scale (float32 [1]) of the model: it is an input of the ensemble" in written.notes
    (file,) = (tmp_path / "models" / "model_model" / "warmup").iterdir()
    assert np.frombuffer(file.read_bytes(), np.int64).tolist() == [1, 34, 46]
    chain = ServerChain(tmp_path / "models")
    request = {"images": IMAGES[0][None], "scale": np.array([2], np.float32)}
    (answer,) = chain.infer("model", [request])
    features = transformers.Qwen2VLImageProcessor()(IMAGES[0], return_tensors="np")
    assert_same(answer["y"], ort(grid_model())({**features, "scale": request["scale"]})["y"])


def test_two_tensors_of_one_name_are_refused(tmp_path: Path) -> None:
    net = conv()
    net.graph.output[0].name = net.graph.node[-1].output[0] = "images"
    with pytest.raises(FusionError, match=r"'images' would be two tensors of the ensemble"):
        triton.write(CLIP, tmp_path / "models", model=net)
    assert not (tmp_path / "models").exists()


# ---- what a configuration says ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_batches_of_every_class_are_as_its_joins_say(root: Path) -> None:
    """By the names of axes in ready-made graphs, and by the joins of the programs that they were made from."""
    batched = 0
    paths = sorted((root / "exported").glob("*.onnx"))
    for path in paths:
        side = triton.read(path, "graph")
        settings = gp.AutoImageProcessor.from_dict(
            json.loads(side.model.metadata_props["graphproc.config"]),
            backend=side.model.metadata_props["graphproc.backend"],
        )
        outputs = settings.compile(
            inputs=json.loads(side.model.metadata_props.get("graphproc.inputs", "[]")),
            several="graphproc.several" in side.model.metadata_props,
        ).outputs
        stacked = all(output.image_join.has_image_axis and output.sample is None for output in outputs)
        found, _ = triton.largest_batch([side], None)
        assert (found > 0) == stacked, path.name
        batched += stacked
    assert 0 < batched < len(paths)


def config(repository: Path, name: str = "model") -> Any:
    return ServerChain(repository).configs[name]


def test_the_preprocessing_alone(tmp_path: Path) -> None:
    """The file is the one that `export` writes."""
    triton.write(CLIP, tmp_path / "models", color="bgr", instances=3)
    found = config(tmp_path / "models")
    assert [(g.kind, g.count) for g in found.instance_group] == [(2, 3)]
    assert found.parameters["graphproc.class"].string_value == "CLIPImageProcessor"
    assert found.parameters["graphproc.color"].string_value == "bgr"
    graph = (tmp_path / "models" / "model" / "1" / "model.onnx").read_bytes()
    assert graph == CLIP.export(tmp_path / "pre.onnx", color="bgr").read_bytes()


def test_gpus(tmp_path: Path) -> None:
    triton.write(CLIP, tmp_path / "models", gpu=True)
    found = config(tmp_path / "models")
    assert [g.kind for g in found.instance_group] == [1]
    assert found.parameters["graphproc.target"].string_value == "cuda"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "dims", "batch", "warm_up"),
    [
        ({}, [-1, -1, 3], 8, [480, 640, 3]),
        ({"image_size": (60, 90)}, [60, 90, 3], 8, [60, 90, 3]),
        ({"input": "image"}, [-1, -1, 3], 0, [480, 640, 3]),
        ({"max_batch_size": 0}, [-1, -1, -1, 3], 0, [1, 480, 640, 3]),
        ({"max_batch_size": 32, "color": "rgba"}, [-1, -1, 4], 32, [480, 640, 4]),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_forms_of_the_input(options: Mapping[str, Any], dims: list[int], batch: int, warm_up: list[int], tmp_path: Path) -> None:
    triton.write(CLIP, tmp_path / "models", **options)
    found = config(tmp_path / "models")
    assert (list(found.input[0].dims), found.max_batch_size) == (dims, batch)
    assert list(found.model_warmup[0].inputs[found.input[0].name].dims) == warm_up
    triton.write(
        CLIP.export(tmp_path / "pre.onnx", **{k: v for k, v in options.items() if k in ("input", "color")}),
        tmp_path / "models",
        name="file",
        **{k: v for k, v in options.items() if k not in ("input", "color")},
    )
    other = config(tmp_path / "models", "file")
    assert other.input == found.input
    assert other.output == found.output


def test_a_model_of_one_image_at_a_time(tmp_path: Path) -> None:
    written = triton.write(gp.fuse(CLIP, conv(shape=(1, 3, 32, 32))), tmp_path / "models")
    assert written.max_batch_size == 0
    assert "images (uint8 [1, height, width, 3]) of the graph has no batch axis" in written.notes[0]
    (answer,) = ServerChain(tmp_path / "models").infer("model", REQUESTS[:1])
    assert answer["y"].shape == (1, 4)


@pytest.mark.parametrize("shape", [(None, 3, "h", "w"), ("N", 3, "h", "w")])
def test_an_axis_without_a_name_counts_if_asked_for(shape: Sequence[Any], tmp_path: Path) -> None:
    net = conv(shape=shape)
    net.graph.output[0].type.tensor_type.shape.dim[0].Clear()
    assert triton.write(CLIP, tmp_path / "a", model=net).max_batch_size == 0
    assert triton.write(CLIP, tmp_path / "b", model=net, max_batch_size=4).max_batch_size == 4
    assert len(ServerChain(tmp_path / "b").infer("model", REQUESTS)) == 3


def test_a_scalar(tmp_path: Path) -> None:
    node = helper.make_node("ReduceMean", ["x"], ["y"], keepdims=0)
    net = model([node], {"x": (FLOAT, ["N", 3, 32, 32])}, {"y": (FLOAT, [])}, opset=17)
    triton.write(gp.fuse(CLIP, net), tmp_path / "models")
    (answer,) = ServerChain(tmp_path / "models").infer("model", REQUESTS[:1])
    assert answer["y"].shape == (1,)


def test_sizes_are_those_that_onnx_runtime_infers(tmp_path: Path) -> None:
    """The server compares outputs with these, not with what the file declares."""
    net = conv()
    net.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "classes"
    triton.write(gp.fuse(CLIP, net), tmp_path / "models")
    session = onnxruntime.InferenceSession(tmp_path / "models" / "model" / "1" / "model.onnx")
    inferred = [side if isinstance(side, int) else -1 for side in session.get_outputs()[0].shape]
    assert [-1, *config(tmp_path / "models").output[0].dims] == inferred


def test_weights_in_files_beside_the_model_come_along(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    path = tmp_path / "from" / "net.onnx"
    onnx.save(conv(), path, save_as_external_data=True, location="net.bin", size_threshold=0)
    triton.write(CLIP, tmp_path / "models", model=path)
    assert (tmp_path / "models" / "model_model" / "1" / "model.onnx.data").is_file()
    path.unlink()
    (tmp_path / "from" / "net.bin").unlink()
    answers = ServerChain(tmp_path / "models").infer("model", REQUESTS)
    assert_same(np.concatenate([a["y"] for a in answers]), ort(conv())({"input.1": preprocessed(IMAGES)})["y"])


def test_extra_inputs_without_known_lengths_have_no_warm_up(tmp_path: Path) -> None:
    node = helper.make_node("Add", ["x", "bias"], ["y"])
    inputs = {"x": (FLOAT, ["N", 3, 32, 32]), "bias": (FLOAT, ["N", "a", "b", "c"])}
    net = model([node], inputs, {"y": (FLOAT, ["N", 3, "b2", "c2"])})
    written = triton.write(CLIP, tmp_path / "models", model=net, map={"pixel_values": "x"})
    assert "model_model has no warm-up: the lengths of its inputs are not known" in written.notes
    chain = ServerChain(tmp_path / "models")
    assert len(chain.configs["model_preprocessing"].model_warmup) == 1
    assert not chain.configs["model_model"].model_warmup


def test_no_warm_up(tmp_path: Path) -> None:
    assert triton.write(CLIP, tmp_path / "models", warm_up=False).notes == ()
    assert not config(tmp_path / "models").model_warmup
