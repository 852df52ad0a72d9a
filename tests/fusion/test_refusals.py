"""What cannot be joined is refused in one sentence that names both sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper
from support.nets import BRAIN, FLOAT, INT64, conv, model, random_values, tensor

import graphproc as gp
from graphproc.errors import FusionError, GraphError

PROCESSOR = gp.CLIPImageProcessor(size=32, crop_size=32)


def relu(shape: Any, dtype: int = FLOAT, name: str = "pixel_values") -> onnx.ModelProto:
    return model([helper.make_node("Identity", [name], ["y"], "same")], {name: (dtype, shape)}, {"y": (dtype, shape)})


@pytest.mark.parametrize(
    ("net", "options", "parts"),
    [
        (relu(["N", 3, 64, 32]), {}, ["pixel_values (float32 [batch, 3, 32, 32])", "[N, 3, 64, 32]", "axis 2, 32 and 64"]),
        (relu(["N", 32, 32, 3]), {}, ["channels last", "layout='nhwc'"]),
        (relu(["N", 3, 32]), {}, ["differ in rank, 4 and 3"]),
        (relu(["N", 3, 32, 32], INT64), {}, ["differ in type, float32 and int64"]),
        (relu(["N", 3, 32, 32], TensorProto.UINT8), {}, ["float32 and uint8", "would hide a mistake"]),
        (relu(["N", "C"], name="features"), {}, ["no output of the preprocessing fits", "pixel_values (", "features (", "--map"]),
        (conv(), {"map": {"pixels": "input.1"}}, ["map: the preprocessing has no output 'pixels'; it has pixel_values ("]),
        (conv(), {"map": {"pixel_values": "x"}}, ["map: the model has no input 'x'; it has input.1 ("]),
        (conv(), {"map": {"pixel_values": ["input.1", "input.1"]}}, ["given both 'pixel_values' and 'pixel_values'"]),
        (conv(), {"keep": ["mask"]}, ["keep: the preprocessing has no output 'mask'; it has pixel_values"]),
        (conv(), {"layout": "NHCW"}, ["layout: expected one of nchw, nhwc, got 'NHCW'"]),
        (relu(["N", 3, 3], name="x"), {"layout": "nhwc", "map": {"pixel_values": "x"}}, ["rank"]),
        (conv(shape=(2, 3, 32, 32)), {"input": "image"}, ["[1, 3, 32, 32]", "[2, 3, 32, 32]", "axis 0, 1 and 2", "batch size"]),
        (conv(), {"image_size": (0, 3)}, ["at least 1 pixel"]),
    ],
)
def test_what_does_not_fit(net: onnx.ModelProto, options: dict[str, Any], parts: list[str]) -> None:
    with pytest.raises(GraphError if "image_size" not in options else ValueError) as caught:
        gp.fuse(PROCESSOR, net, **options)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_one_name_for_two_batches() -> None:
    first = model(
        [helper.make_node("Neg", ["a"], ["x"], "a"), helper.make_node("Neg", ["b"], ["y"], "b")],
        {"a": (FLOAT, ["batch", 1]), "b": (FLOAT, ["batch", 1])},
        {"x": (FLOAT, ["batch", 1]), "y": (FLOAT, ["batch", 1])},
    )
    nodes = [helper.make_node("Concat", ["x", "y"], ["z"], "join", axis=0)]
    second = model(nodes, {"x": (FLOAT, [1, 1]), "y": (FLOAT, [2, 1])}, {"z": (FLOAT, [3, 1])})
    with pytest.raises(FusionError, match="batch would have to be both 1 and 2"):
        gp.fuse(first, second)


def test_options_are_for_processors() -> None:
    with pytest.raises(FusionError, match="'target' is for processors"):
        gp.fuse(PROCESSOR.to_onnx(), conv(), target="cpu")


def test_image_size_of_a_graph_that_has_another() -> None:
    with pytest.raises(FusionError, match=r"expected \(60, 90\), but .*\[batch, 60, 80, 3\]"):
        gp.fuse(PROCESSOR.to_onnx(image_size=(60, 80)), conv(), image_size=(60, 90))
    with pytest.raises(FusionError, match="images of any sizes"):
        gp.fuse(PROCESSOR.to_onnx(input="sequence"), conv(), image_size=(60, 90))


@pytest.mark.slow
def test_the_sides_in_the_wrong_order() -> None:
    with pytest.raises(FusionError, match="Give the preprocessing first, then the model"):
        gp.fuse(conv(), PROCESSOR.to_onnx())
    with pytest.raises(FusionError, match="Give the preprocessing first, then the model"):
        gp.fuse(PROCESSOR, gp.fuse(PROCESSOR, conv()))


def test_an_opset_that_cannot_be_had() -> None:
    net = conv(99, 10)
    with pytest.raises(FusionError, match=r"preprocessing has opset 23 and model has 99: onnx .* converts up to"):
        gp.fuse(PROCESSOR, net)
    sides: Any = (FLOAT, ["N", 3, 32, 32])
    nodes = [helper.make_node("Crop", ["pixel_values"], ["y"], "crop", border=[0, 0, 0, 0])]
    with pytest.raises(FusionError, match="model has opset 1 and preprocessing has 18, and the lower one cannot be converted"):
        gp.fuse(PROCESSOR.to_onnx(), model(nodes, {"pixel_values": sides}, {"y": sides}, opset=1))
    nodes = [helper.make_node("BatchNormalization", ["pixel_values"], ["y"], "norm")]  # without its four weights
    with pytest.raises(FusionError, match=r"cannot be converted \(.*input size 1 not in range"):
        gp.fuse(PROCESSOR.to_onnx(), model(nodes, {"pixel_values": sides}, {"y": sides}, opset=9))


def test_an_opset_that_onnx_runtime_does_not_load() -> None:
    net = conv(18, 8)
    net.ir_version = 99
    with pytest.raises(FusionError, match=r"needs opset 18 and IR version 99, which onnxruntime .* does not load"):
        gp.fuse(PROCESSOR, net)


def test_two_versions_of_a_custom_domain() -> None:
    sides = [relu(["N", 3, 32, 32]), relu(["N", 3, 32, 32])]
    sides[0].graph.output[0].name = sides[0].graph.node[0].output[0] = "pixel_values"
    sides[0].graph.input[0].name = sides[0].graph.node[0].input[0] = "images"
    for version, side in enumerate(sides, 1):
        side.opset_import.append(helper.make_opsetid("mine", version))
    with pytest.raises(FusionError, match="opset of domain 'mine': preprocessing has 1, model has 2"):
        gp.fuse(*sides)


def cyclic() -> onnx.ModelProto:
    net = relu(["N", 3, 32, 32])
    net.graph.node.append(helper.make_node("Add", ["p", "q"], ["r"], "one"))
    net.graph.node.append(helper.make_node("Neg", ["r"], ["q"], "two"))
    net.graph.node.append(helper.make_node("Neg", ["pixel_values"], ["p"], "three"))
    return net


def dangling() -> onnx.ModelProto:
    net = relu(["N", 3, 32, 32])
    net.graph.node.append(helper.make_node("Neg", ["nowhere"], ["q"], "two"))
    return net


def twice() -> onnx.ModelProto:
    net = relu(["N", 3, 32, 32])
    net.graph.node.append(helper.make_node("Neg", ["pixel_values"], ["y"], "two"))
    return net


def without_output() -> onnx.ModelProto:
    net = relu(["N", 3, 32, 32])
    net.graph.output.append(helper.make_tensor_value_info("nothing", FLOAT, [1]))
    return net


def sparse() -> onnx.ModelProto:
    net = relu(["N", 3, 32, 32])
    values = tensor("s", random_values(1))
    net.graph.sparse_initializer.append(helper.make_sparse_tensor(values, helper.make_tensor("i", INT64, [1], [0]), [5]))
    return net


@pytest.mark.parametrize(
    ("make", "part"),
    [
        (cyclic, "cycle"),
        (dangling, "node 'two' reads 'nowhere', which nothing gives"),
        (twice, "'y' is redeclared"),
        (without_output, "'nothing'"),
        (sparse, "sparse"),
        (onnx.ModelProto, "without outputs"),
    ],
)
def test_broken_graphs(make: Any, part: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(make().SerializeToString())
    for side, order in (("model", (PROCESSOR, path)), ("preprocessing", (path, conv()))):
        with pytest.raises(FusionError, match=f"{side} .*broken.onnx.*{part}"):
            gp.fuse(*order, output=tmp_path / "out.onnx")
    assert [p.name for p in tmp_path.iterdir()] == ["broken.onnx"]


@pytest.mark.parametrize("content", [b"hello", conv().SerializeToString()[:-40], b"\x00" * 100])
def test_files_that_are_no_models(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    for order in ((PROCESSOR, path), (path, conv()), (PROCESSOR, content)):
        with pytest.raises(FusionError):
            gp.fuse(*order, output=tmp_path / "out.onnx")
    assert [p.name for p in tmp_path.iterdir()] == ["broken.onnx"]


def test_missing_files_and_things_that_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(FusionError, match=r"model .*nowhere.onnx: cannot be read"):
        gp.fuse(PROCESSOR, tmp_path / "nowhere.onnx")
    with pytest.raises(FusionError, match=r"model: expected a path, bytes or an onnx.ModelProto, got int"):
        gp.fuse(PROCESSOR, 3)  # type: ignore[arg-type]


def test_a_bfloat16_weight_is_no_obstacle_to_a_refusal() -> None:
    with pytest.raises(FusionError, match="bfloat16"):
        gp.fuse(PROCESSOR, relu(["N", 3, 64, 32], BRAIN))
