"""A fused graph gives the bits of the preprocessing and the model run one after the other."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import tiers
from onnx import TensorProto, helper
from support.graphs import assert_same
from support.nets import BRAIN, FLOAT, HALF, INT64, conv, model, random_values, tensor

import graphproc as gp
from graphproc.fusion.fuse import fuse_graphs
from graphproc.wrappers.examples import photograph

Array = np.ndarray[Any, Any]

PROCESSOR = gp.CLIPImageProcessor(size=32, crop_size=32)
IMAGES = photograph()[None, :60, :90].copy()
WITH_IR = [(17, 8), (18, 8), (19, 9), (20, 9), (21, 10), (22, 10), (23, 11)]


def run(graph: onnx.ModelProto, feeds: Mapping[str, Any], outputs: list[str] | None = None) -> dict[str, Array]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = outputs or [o.name for o in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(feeds)), strict=True))


def after(net: onnx.ModelProto, feeds: Mapping[str, Any]) -> dict[str, Array]:
    return run(net, feeds)


def preprocessed(images: Array = IMAGES, processor: Any = PROCESSOR) -> dict[str, Array]:
    return run(processor.to_onnx(), {"images": images})


def opset(graph: onnx.ModelProto | onnx.FunctionProto) -> int:
    return next(o.version for o in graph.opset_import if o.domain == "")


def shape(value: onnx.ValueInfoProto) -> list[int | str]:
    return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]


def metadata(graph: onnx.ModelProto) -> dict[str, str]:
    return {p.key: p.value for p in graph.metadata_props}


# ---- versions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "ir"), tiers.rows(WITH_IR, [WITH_IR[0], WITH_IR[-1]]))
@pytest.mark.parametrize("form", tiers.rows(["processor", "graph", "bytes"], ["graph"]))
def test_same_bits_in_every_opset(version: int, ir: int, form: str) -> None:
    net = conv(version, ir)
    source: Any = PROCESSOR
    if form != "processor":
        source = PROCESSOR.to_onnx() if form == "graph" else PROCESSOR.to_onnx().SerializeToString()
    fused = gp.fuse(source, net)
    onnx.checker.check_model(fused, full_check=True)
    assert opset(fused) == (version if form == "processor" else max(version, 18))
    assert fused.ir_version == max(ir, 8)
    expected = after(net, {"input.1": preprocessed()["pixel_values"]})
    assert_same(run(fused, {"images": IMAGES})["y"], expected["y"])


@pytest.mark.parametrize(("version", "ir"), [(11, 3), (11, 6), (13, 7), (25, 13)])
def test_models_outside_the_range_that_preprocessing_is_written_in(version: int, ir: int) -> None:
    net = conv(version, ir)
    if ir < 4:  # weights are inputs there
        for weight in net.graph.initializer:
            net.graph.input.append(helper.make_tensor_value_info(weight.name, weight.data_type, weight.dims))
    fused = fuse_graphs(PROCESSOR, net)
    expected = after(net, {"input.1": preprocessed()["pixel_values"]})
    assert [v.name for v in fused.model.graph.input] == ["images"]
    assert opset(fused.model) == max(version, 17)
    assert any("converted from opset" in note for note in fused.notes)
    np.testing.assert_array_equal(run(fused.model, {"images": IMAGES})["y"], expected["y"])


def test_any_graph_of_two_sides_is_kept_from_being_changed() -> None:
    sides = PROCESSOR.to_onnx(), conv(17)
    before = [side.SerializeToString(deterministic=True) for side in sides]
    fused = gp.fuse(*sides)
    assert [side.SerializeToString(deterministic=True) for side in sides] == before
    assert gp.fuse(*sides).SerializeToString(deterministic=True) == fused.SerializeToString(deterministic=True)


@pytest.mark.slow
def test_sizes_in_subgraphs_survive_a_conversion() -> None:
    processor = gp.DetrImageProcessor(size={"shortest_edge": 24, "longest_edge": 40})
    net = conv(21, 10, input="pixel_values")
    images = [IMAGES[0], IMAGES[0, :30, :80].copy()]
    pixels = run(processor.to_onnx(input="sequence"), {"images": images}, ["pixel_values"])
    fused = gp.fuse(processor.to_onnx(input="sequence"), net)
    assert_same(run(fused, {"images": images})["y"], after(net, pixels)["y"])


# ---- functions and domains -------------------------------------------------------------------------------------


def scaled(name: str, factor: float, version: int = 18, domain: str = "mine") -> onnx.FunctionProto:
    """Return a local function that multiplies by a constant."""
    nodes = [
        helper.make_node("Constant", [], ["factor"], value=tensor("factor", np.float32(factor))),
        helper.make_node("Mul", ["x", "factor"], ["y"]),
    ]
    return helper.make_function(domain, name, ["x"], ["y"], nodes, [helper.make_opsetid("", version)])


def calling(version: int, ir: int, factor: float, name: str = "Scale") -> onnx.ModelProto:
    nodes = [
        helper.make_node(name, ["pixel_values"], ["scaled"], "scale", domain="mine"),
        helper.make_node("Gelu", ["scaled"], ["y"], "gelu", domain="com.microsoft"),
    ]
    ends = {"pixel_values": (FLOAT, ["N", 3, "h", "w"])}, {"y": (FLOAT, ["N", 3, "h", "w"])}
    function = scaled(name, factor, version)
    return model(nodes, *ends, opset=version, ir=ir, functions=[function], domains=["mine", "com.microsoft"])


@pytest.mark.parametrize(("version", "ir", "kept"), [(18, 8, True), (21, 10, True), (17, 8, True)])
def test_functions_and_custom_domains_are_kept(version: int, ir: int, kept: bool) -> None:
    net = calling(version, ir, 0.5)
    fused = fuse_graphs(PROCESSOR.to_onnx(), net)
    assert [(f.domain, f.name) for f in fused.model.functions] == ([("mine", "Scale")] if kept else [])
    assert {o.domain for o in fused.model.opset_import} == {"", "mine", "com.microsoft"}
    assert {opset(f) for f in fused.model.functions} == {opset(fused.model)}
    assert_same(run(fused.model, {"images": IMAGES})["y"], after(net, preprocessed())["y"])


def test_a_function_that_means_something_else_in_the_higher_opset_is_put_in_place_of_its_calls() -> None:
    nodes = [helper.make_node("ReduceMean", ["x"], ["y"], axes=[2, 3], keepdims=0)]  # axes became an input in opset 18
    function = helper.make_function("mine", "Mean", ["x"], ["y"], nodes, [helper.make_opsetid("", 17)])
    ends = {"pixel_values": (FLOAT, ["N", 3, 32, 32])}, {"y": (FLOAT, ["N", 3])}
    call = [helper.make_node("Mean", ["pixel_values"], ["y"], "mean", domain="mine")]
    net = model(call, *ends, opset=17, functions=[function], domains=["mine"])
    fused = fuse_graphs(PROCESSOR.to_onnx(), net)
    assert len(fused.model.functions) == 0
    assert any("mine::Mean" in note for note in fused.notes)
    assert_same(run(fused.model, {"images": IMAGES})["y"], after(net, preprocessed())["y"])


def test_functions_of_one_name_on_both_sides_stay_two() -> None:
    first = model(
        [helper.make_node("Scale", ["images"], ["pixel_values"], "scale", domain="mine")],
        {"images": (FLOAT, ["N", 3, "h", "w"])},
        {"pixel_values": (FLOAT, ["N", 3, "h", "w"])},
        functions=[scaled("Scale", 3)],
        domains=["mine"],
    )
    net = calling(18, 8, 0.5)
    fused = gp.fuse(first, net)
    x = random_values(1, 3, 4, 4)
    assert len(fused.functions) == 2
    assert_same(run(fused, {"images": x})["y"], after(net, {"pixel_values": x * np.float32(3)})["y"])


# ---- names -----------------------------------------------------------------------------------------------------


def test_names_that_clash_are_told_apart() -> None:
    ours = PROCESSOR.to_onnx()
    taken = [n.output[0] for n in ours.graph.node if n.op_type == "Cast"][-1]
    weight = ours.graph.initializer[0].name
    node = ours.graph.node[0].name
    # A model that calls its input, a value, a weight and a node as the preprocessing calls its own.
    nodes = [
        helper.make_node("Mul", ["images", weight], [taken], node),
        helper.make_node("Relu", [taken], ["pixel_values"], "relu"),
        helper.make_node("Neg", ["pixel_values"], ["y"], "neg"),
    ]
    ends = {"images": (FLOAT, ["batch", 3, "height", "width"])}, {"y": (FLOAT, ["batch", 3, "height", "width"])}
    net = model(nodes, *ends, [tensor(weight, np.float32(2))])
    fused = gp.fuse(ours, net)
    onnx.checker.check_model(fused, full_check=True)
    names = [n.name for n in fused.graph.node]
    assert len(set(names)) == len(names)
    assert [v.name for v in fused.graph.input] == ["images"]
    expected = after(net, {"images": preprocessed()["pixel_values"]})
    assert_same(run(fused, {"images": IMAGES})["y"], expected["y"])


@pytest.mark.slow
def test_a_value_inside_the_model_gives_way_to_the_name_of_an_input() -> None:
    sides: Any = (FLOAT, ["batch", 3, 32, 32])
    nodes = [helper.make_node("Neg", ["x"], ["images"], "neg"), helper.make_node("Abs", ["images"], ["y"], "abs")]
    fused = fuse_graphs(PROCESSOR, model(nodes, {"x": sides}, {"y": sides}))
    onnx.checker.check_model(fused.model, full_check=True)
    assert not any("is called" in note for note in fused.notes)
    assert_same(run(fused.model, {"images": IMAGES})["y"], np.abs(preprocessed()["pixel_values"]))


def test_an_input_and_an_output_of_the_model_keep_their_names() -> None:
    nodes = [
        helper.make_node("Add", ["input", "images"], ["sum"], "add"),
        helper.make_node("Neg", ["sum"], ["pixel_values"], "neg"),
    ]
    sides: Any = (FLOAT, ["batch", 3, 32, 32])
    net = model(nodes, {"input": sides, "images": (FLOAT, [1])}, {"pixel_values": sides})
    fused = fuse_graphs(PROCESSOR, net, map={"pixel_values": "input"}, keep=["pixel_values"])
    assert [v.name for v in fused.model.graph.input] == ["preprocessing_images", "images"]
    assert [v.name for v in fused.model.graph.output] == ["pixel_values", "preprocessing_pixel_values"]
    assert len([n for n in fused.notes if "is called" in n]) == 2
    found = run(fused.model, {"preprocessing_images": IMAGES, "images": np.ones(1, np.float32)})
    pixels = preprocessed()["pixel_values"]
    assert_same(found["preprocessing_pixel_values"], pixels)
    assert_same(found["pixel_values"], -(pixels + np.float32(1)))


def test_names_inside_subgraphs_count() -> None:
    ours = PROCESSOR.to_onnx()
    inner = next(n for n in ours.graph.node if n.op_type == "If").attribute[0].g.node[0].output[0]
    net = model(
        [helper.make_node("Neg", ["pixel_values"], [inner], "neg"), helper.make_node("Abs", [inner], ["y"], "abs")],
        {"pixel_values": (FLOAT, ["N", 3, 32, 32])},
        {"y": (FLOAT, ["N", 3, 32, 32])},
    )
    assert_same(run(gp.fuse(ours, net), {"images": IMAGES})["y"], np.abs(preprocessed()["pixel_values"]))


def test_a_model_that_gives_its_input_back() -> None:
    sides: Any = (FLOAT, ["N", 3, 32, 32])
    net = model([helper.make_node("Neg", ["x"], ["y"], "neg")], {"x": sides}, {"x": sides, "y": sides})
    found = run(gp.fuse(PROCESSOR, net), {"images": IMAGES})
    assert list(found) == ["x", "y"]
    assert_same(found["x"], preprocessed()["pixel_values"])


def test_metadata_of_both_sides() -> None:
    ours, net = PROCESSOR.to_onnx(), conv(author="me", shared="model")
    ours.metadata_props.add(key="shared", value="preprocessing")
    fused = metadata(gp.fuse(ours, net))
    own = {k: v for k, v in metadata(ours).items() if k not in ("shared", "graphproc.digest")}
    assert fused["graphproc.parity"] == f"the preprocessing inside: {own.pop('graphproc.parity')}"
    assert own.items() <= fused.items()
    assert (fused["author"], fused["shared"], fused["preprocessing.shared"]) == ("me", "model", "preprocessing")
    entry = json.loads(fused["graphproc.fusion"])
    assert entry["joints"] == [{"output": "pixel_values", "input": "input.1"}]
    assert entry["model"] == {"producer": "nets", "opset": 18, "ir_version": 8}
    session = gp.Session(gp.fuse(ours, net))
    assert session.config() == gp.Session(ours).config()


# ---- what goes where -------------------------------------------------------------------------------------------


def two_inputs(pixels: str = "pixel_values") -> onnx.ModelProto:
    """Return a model that reads an image, its mask and text; the mask is int64, as transformers gives it."""
    nodes = [
        helper.make_node("Cast", ["pixel_mask"], ["mask"], "cast", to=FLOAT),
        helper.make_node("ReduceMean", [pixels, "axis"], ["gray"], "mean", keepdims=0),
        helper.make_node("Mul", ["gray", "mask"], ["masked"], "mul"),
        helper.make_node("ReduceMean", ["masked"], ["level"], "level", keepdims=0),
        helper.make_node("Cast", ["input_ids"], ["ids"], "ids", to=FLOAT),
        helper.make_node("Mul", ["ids", "level"], ["y"], "scale"),
    ]
    inputs: Any = {
        "input_ids": (INT64, ["batch", "length"]),
        "pixel_mask": (INT64, ["batch", "height", "width"]),
        pixels: (FLOAT, ["batch", 3, "height", "width"]),
    }
    return model(nodes, inputs, {"y": (FLOAT, ["batch", "length"])}, [tensor("axis", np.array([1]), INT64)])


DETR = gp.DetrImageProcessor(size={"shortest_edge": 24, "longest_edge": 40})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pixel_values", "image"])
def test_several_outputs_by_name_and_the_image_that_is_left(name: str) -> None:
    net = two_inputs(name)
    fused = fuse_graphs(DETR, net)
    assert [v.name for v in fused.model.graph.input] == ["images", "input_ids"]
    assert [j["output"] for j in fused.joints] == ["pixel_mask", "pixel_values"]
    assert ("only image" in " ".join(fused.notes)) == (name == "image")
    ids = np.array([[3, 5]])
    expected = preprocessed(processor=DETR)
    expected = {name: expected["pixel_values"], "pixel_mask": expected["pixel_mask"], "input_ids": ids}
    assert_same(run(fused.model, {"images": IMAGES, "input_ids": ids})["y"], after(net, expected)["y"])
    # The model's text has a batch of its own name, which is the images'.
    assert shape(fused.model.graph.input[1]) == ["batch", "length"]


@pytest.mark.slow
def test_outputs_that_nobody_takes_are_given_only_when_asked_for() -> None:
    net = conv(input="pixel_values")
    assert [v.name for v in gp.fuse(DETR, net).graph.output] == ["y"]
    kept = gp.fuse(DETR, net, keep=["pixel_mask", "pixel_values"])
    assert [v.name for v in kept.graph.output] == ["y", "pixel_mask", "pixel_values"]
    found, expected = run(kept, {"images": IMAGES}), preprocessed(processor=DETR)
    for name in ("pixel_mask", "pixel_values"):
        assert_same(found[name], expected[name])
    assert len(gp.fuse(DETR, net).graph.node) < len(kept.graph.node)
    assert gp.verify(kept, [IMAGES[0]]).ok


def test_map_goes_before_names_and_one_output_may_go_to_several_inputs() -> None:
    sides: Any = (FLOAT, ["N", 3, 32, 32])
    net = model([helper.make_node("Sub", ["a", "pixel_values"], ["y"], "sub")], {"a": sides, "pixel_values": sides}, {"y": sides})
    pixels = preprocessed()["pixel_values"]
    one = gp.fuse(PROCESSOR, net, map={"pixel_values": "a"})
    assert [v.name for v in one.graph.input] == ["images", "pixel_values"]
    assert_same(run(one, {"images": IMAGES, "pixel_values": pixels * 2})["y"], pixels - pixels * 2)
    both = gp.fuse(PROCESSOR, net, map={"pixel_values": ["a", "pixel_values"]})
    assert_same(run(both, {"images": IMAGES})["y"], pixels - pixels)


# ---- types, batches, layouts -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "kind"), [(HALF, "float16"), (TensorProto.DOUBLE, "float64")])
def test_other_float_types_are_converted_at_the_joint(dtype: int, kind: str) -> None:
    net = model([helper.make_node("Neg", ["x"], ["y"], "neg")], {"x": (dtype, [1, 3, 32, 32])}, {"y": (dtype, [1, 3, 32, 32])})
    fused = fuse_graphs(PROCESSOR, net)
    assert fused.joints == ({"output": "pixel_values", "input": "x", "cast": kind},)
    expected = preprocessed()["pixel_values"].astype(kind)
    assert_same(run(fused.model, {"images": IMAGES})["y"], -expected)


@pytest.mark.slow
def test_bfloat16_models() -> None:
    ends: Any = {"x": (BRAIN, [1, 3, 32, 32])}, {"y": (FLOAT, [1, 3, 32, 32])}
    net = model([helper.make_node("Cast", ["x"], ["y"], "cast", to=FLOAT)], *ends, [tensor("unused", random_values(600), BRAIN)])
    net.graph.node.append(helper.make_node("Cast", ["unused"], ["z"], "weight", to=FLOAT))
    net.graph.output.append(helper.make_tensor_value_info("z", FLOAT, [600]))
    for version in (18, 21):  # 21 converts the preprocessing; 17 the model, with its weights
        net.opset_import[0].version, net.ir_version = version, 10
        found = run(gp.fuse(PROCESSOR.to_onnx(), net), {"images": IMAGES})
        pixels = preprocessed()["pixel_values"]
        np.testing.assert_allclose(found["y"], pixels, rtol=2**-8)
        assert (found["y"] != pixels).any()
    net.opset_import[0].version = 17
    assert_same(run(gp.fuse(PROCESSOR.to_onnx(), net), {"images": IMAGES})["z"], found["z"])


def test_a_fixed_batch_of_the_model_is_the_fused_graphs() -> None:
    fused = gp.fuse(PROCESSOR, conv(shape=(2, 3, 32, 32)))
    assert shape(fused.graph.input[0]) == [2, "height", "width", 3]
    assert shape(fused.graph.output[0]) == [2, 4]
    images = np.concatenate([IMAGES, IMAGES[:, ::-1]])
    expected = after(conv(), {"input.1": preprocessed(images)["pixel_values"]})
    assert_same(run(fused, {"images": images})["y"], expected["y"])


def test_sizes_of_one_side_name_those_of_the_other() -> None:
    net = conv(shape=("batch_size", 3, "height", "width"))
    del net.graph.output[0].type.tensor_type.shape.dim[:]
    for name in ("batch_size", "height", "height//2", "height*batch_size", "other"):
        net.graph.output[0].type.tensor_type.shape.dim.add(dim_param=name)
    fused = gp.fuse(PROCESSOR, net)
    assert shape(fused.graph.input[0]) == ["batch", "height", "width", 3]  # the photograph's, not the model's
    assert shape(fused.graph.output[0]) == ["batch", 32, 0, 0, "other"]  # expressions of numbers are not computed
    text = conv(shape=("N", 3, 32, 32))
    text.graph.input.append(helper.make_tensor_value_info("ids", INT64, ["N", "width"]))
    text.graph.node.append(helper.make_node("Identity", ["ids"], ["same"], "ids"))
    text.graph.output.append(helper.make_tensor_value_info("same", INT64, ["N", "width"]))
    assert shape(gp.fuse(PROCESSOR, text).graph.input[1]) == ["batch", "model_width"]


@pytest.mark.slow
def test_image_size_fixes_the_fused_input() -> None:
    for source in (PROCESSOR, PROCESSOR.to_onnx()):
        fused = gp.fuse(source, conv(), image_size=(60, 90))
        assert shape(fused.graph.input[0]) == ["batch", 60, 90, 3]
        expected = after(conv(), {"input.1": preprocessed()["pixel_values"]})
        assert_same(run(fused, {"images": IMAGES})["y"], expected["y"])


def test_one_image_without_a_batch_axis() -> None:
    fused = gp.fuse(PROCESSOR, conv(), input="image", color="bgr")
    assert shape(fused.graph.input[0]) == ["height", "width", 3]
    expected = after(conv(), {"input.1": preprocessed()["pixel_values"]})
    assert_same(run(fused, {"image": IMAGES[0, ..., ::-1].copy()})["y"], expected["y"])


def test_channels_last_when_asked_for() -> None:
    net = model(
        [helper.make_node("Relu", ["x"], ["y"], "relu")],
        {"x": (HALF, ["N", 32, 32, 3])},
        {"y": (HALF, ["N", 32, 32, 3])},
    )
    fused = fuse_graphs(PROCESSOR, net, layout="nhwc")
    assert fused.joints == ({"output": "pixel_values", "input": "x", "transpose": "nhwc", "cast": "float16"},)
    expected = preprocessed()["pixel_values"].transpose(0, 2, 3, 1).astype(np.float16)
    assert_same(run(fused.model, {"images": IMAGES})["y"], np.maximum(expected, 0))


def test_a_fused_graph_runs_in_a_session() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session = gp.Session(gp.fuse(PROCESSOR, conv()), specialise_after=2)
    expected = after(conv(), {"input.1": preprocessed()["pixel_values"]})["y"]
    for _ in range(3):
        assert_same(session(IMAGES)["y"], expected)
