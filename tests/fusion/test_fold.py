"""Folding the normalization into the first convolution: close, measured, and refused where it would change the border."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import tiers
from onnx import helper
from support.nets import FLOAT, HALF, conv, model, random_values, tensor

import graphproc as gp
from graphproc.emitters.onnx.checks import nodes
from graphproc.errors import FusionError
from graphproc.fusion.fuse import fuse_graphs
from graphproc.wrappers.examples import photograph

PROCESSOR = gp.CLIPImageProcessor(size=32, crop_size=32)
IMAGES = photograph()[None]


def run(graph: onnx.ModelProto, images: Any = IMAGES) -> Any:
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(["y"], {session.get_inputs()[0].name: images})[0]


def operators(graph: onnx.ModelProto) -> list[str]:
    """Return the operators of the nodes in loops, which make the images."""
    return [node.op_type for node, _ in nodes(graph.graph) if "/scan" in node.name]


@pytest.mark.slow
@pytest.mark.parametrize("bias", tiers.rows([True, False], [True]))
@pytest.mark.parametrize("groups", tiers.rows([1, 3], [3]))
@pytest.mark.parametrize(
    ("processor", "arithmetic"),
    [
        (PROCESSOR, {"Sub", "Div"}),
        (gp.ViTImageProcessor(size=32), {"Sub", "Div"}),
        (gp.ViTImageProcessor(do_normalize=False, size=32), {"Mul"}),
        (gp.ViTImageProcessorPil(do_normalize=False, size=32), {"Div"}),
    ],
)
def test_results_are_close_and_the_difference_is_reported(processor: Any, arithmetic: set[str], groups: int, bias: bool) -> None:
    net = conv(bias=bias, groups=groups)
    plain, folded = gp.fuse(processor, net), fuse_graphs(processor, net, fold_normalize=True)
    onnx.checker.check_model(folded.model, full_check=True)
    for operator in arithmetic:  # loops multiply sizes as well
        assert operators(folded.model).count(operator) < operators(plain).count(operator)
    assert folded.folded is not None
    assert folded.folded.convolution == "conv"
    difference = float(np.abs(run(plain).astype(np.float64) - run(folded.model)).max())
    assert folded.folded.outputs == {"y": difference}
    assert folded.folded.difference is not None
    assert 0 < folded.folded.difference < 2e-5
    assert folded.folded.magnitude is not None
    assert folded.folded.magnitude > 0.5
    assert {"w", "b"}.isdisjoint(t.name for t in folded.model.graph.initializer)


@pytest.mark.slow
def test_another_photograph_is_as_close() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 50, 70, 3), dtype=np.uint8)
    net = conv()
    folded = gp.fuse(PROCESSOR, net, fold_normalize=True)
    np.testing.assert_allclose(run(folded, images), run(gp.fuse(PROCESSOR, net), images), atol=2e-6)


@pytest.mark.slow
def test_never_without_asking() -> None:
    assert fuse_graphs(PROCESSOR, conv()).folded is None
    images = np.random.default_rng(0).integers(0, 256, (9, 50, 70, 3), dtype=np.uint8)
    plain, folded = (run(gp.fuse(PROCESSOR, conv(), fold_normalize=asked), images) for asked in (False, True))
    assert plain.tobytes() != folded.tobytes()


@pytest.mark.slow
def test_half_precision() -> None:
    folded = fuse_graphs(PROCESSOR, conv(dtype=HALF), fold_normalize=True)
    assert folded.folded is not None
    assert folded.folded.difference is not None
    assert 0 < folded.folded.difference < 0.02
    np.testing.assert_allclose(run(folded.model), run(gp.fuse(PROCESSOR, conv(dtype=HALF))), atol=2e-3)


@pytest.mark.slow
def test_padding_is_refused_unless_black_stays_zero() -> None:
    net = conv(pads=(1, 1, 1, 1))
    with pytest.raises(FusionError, match=r"convolution 'conv' has pads \[1, 1, 1, 1\]. It pads with zeros"):
        gp.fuse(PROCESSOR, net, fold_normalize=True)
    automatic = conv()
    automatic.graph.node[0].attribute.append(helper.make_attribute("auto_pad", "SAME_UPPER"))
    with pytest.raises(FusionError, match="has auto_pad SAME_UPPER"):
        gp.fuse(PROCESSOR, automatic, fold_normalize=True)
    only_scaled = gp.ViTImageProcessor(do_normalize=False, size=32)
    folded = gp.fuse(only_scaled, net, fold_normalize=True)
    np.testing.assert_allclose(run(folded), run(gp.fuse(only_scaled, net)), atol=2e-6)


@pytest.mark.slow
def test_what_cannot_be_folded_is_refused_with_the_reason() -> None:
    def refused(processor: Any, net: onnx.ModelProto, reason: str, **options: Any) -> None:
        with pytest.raises(FusionError, match=f"fold_normalize: .*{reason}"):
            gp.fuse(processor, net, fold_normalize=True, **options)

    sides: Any = (FLOAT, ["N", 3, 32, 32])
    refused(PROCESSOR, model([helper.make_node("Relu", ["x"], ["y"], "r")], {"x": sides}, {"y": sides}), "got Relu r")
    twice = conv()
    twice.graph.node.append(helper.make_node("Neg", ["input.1"], ["z"], "neg"))
    twice.graph.output.append(helper.make_tensor_value_info("z", *sides))
    refused(PROCESSOR, twice, "got Conv conv, Neg neg")
    padded = gp.DetrImageProcessor(size={"shortest_edge": 24, "longest_edge": 40}).to_onnx(input="sequence")
    refused(padded, conv(), "normalization at the end of the preprocessing, got Loop")
    computed = conv()
    computed.graph.node.insert(0, helper.make_node("Identity", ["w"], ["weight"], "same"))
    computed.graph.node[1].input[1] = "weight"
    computed.graph.node.insert(0, helper.make_node("Abs", ["w"], ["v"], "abs"))
    computed.graph.node[1].input[0] = "v"
    refused(PROCESSOR, computed, "weight is computed")
    refused(PROCESSOR, conv(shape=("N", 32, 32, 3)), "got Transpose", layout="nhwc")


def test_a_weight_that_others_read_stays_as_it_was() -> None:
    net = conv()
    net.graph.node.append(helper.make_node("Identity", ["w"], ["z"], "weight"))
    net.graph.output.append(helper.make_tensor_value_info("z", FLOAT, [6, 3, 3, 3]))
    folded = gp.fuse(PROCESSOR, net, fold_normalize=True)
    session = onnxruntime.InferenceSession(folded.SerializeToString())
    np.testing.assert_array_equal(session.run(["z"], {"images": IMAGES})[0], random_values(6, 3, 3, 3))


@pytest.mark.slow
def test_kept_pixels_stay_normalized() -> None:
    folded = gp.fuse(PROCESSOR, conv(), fold_normalize=True, keep=["pixel_values"])
    assert gp.verify(folded, [IMAGES[0]]).ok
    np.testing.assert_allclose(run(folded), run(gp.fuse(PROCESSOR, conv())), atol=2e-6)


@pytest.mark.parametrize("options", [{"input": "image"}, {"image_size": (30, 40)}, {"color": "rgba"}, {"color": "gray"}])
def test_the_photograph_in_every_form(options: dict[str, Any]) -> None:
    folded = fuse_graphs(PROCESSOR, conv(shape=(1, 3, 32, 32)), fold_normalize=True, **options).folded
    assert folded is not None
    assert folded.difference is not None
    assert 0 < folded.difference < 2e-5


@pytest.mark.slow
def test_other_inputs_leave_the_convolution_to_be_measured() -> None:
    net = conv()
    net.graph.input.append(helper.make_tensor_value_info("ids", FLOAT, [1]))
    net.graph.node.append(helper.make_node("Mul", ["y", "ids"], ["z"], "mul"))
    net.graph.output.append(helper.make_tensor_value_info("z", FLOAT, ["N", 4]))
    net.graph.initializer.append(tensor("more", random_values(1)))
    folded = fuse_graphs(PROCESSOR, net, fold_normalize=True).folded
    assert folded is not None
    assert folded.outputs == {}
    assert folded.difference is not None
