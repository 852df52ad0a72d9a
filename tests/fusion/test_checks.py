"""Sizes at the joints: what depends on the images is checked where it arrives; and the preprocessing inside a fused graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import tiers

import graphproc as gp
from graphproc.errors import GraphError, ImageError
from graphproc.fusion.fuse import fuse_graphs
from graphproc.wrappers.verify import verify

TENSOR = onnx.TensorProto
PROCESSOR = gp.DetrImageProcessor(size={"shortest_edge": 80, "longest_edge": 133})
LANDSCAPE = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
"""A size that becomes 80 x 106; turned it becomes 106 x 80, with as many pixels."""


def detector(batch: int | str = "n", dtype: int = TENSOR.FLOAT, mask: bool = True, opset: int = 18) -> onnx.ModelProto:
    """Return a model of fixed sides: a convolution of 1 x 1, and the mean of the mask."""
    helper = onnx.helper
    inputs = [helper.make_tensor_value_info("pixel_values", dtype, [batch, 3, 80, 106])]
    nodes = [helper.make_node("Conv", ["pixel_values", "w"], ["y"], name="conv")]
    outputs = [helper.make_tensor_value_info("y", dtype, [batch, 2, 80, 106])]
    if mask:
        inputs.append(helper.make_tensor_value_info("pixel_mask", TENSOR.INT64, [batch, 80, 106]))
        nodes.append(helper.make_node("Identity", ["pixel_mask"], ["m"]))
        outputs.append(helper.make_tensor_value_info("m", TENSOR.INT64, [batch, 80, 106]))
    weights = np.ones((2, 3, 1, 1), onnx.helper.tensor_dtype_to_np_dtype(dtype))
    graph = helper.make_graph(nodes, "net", inputs, outputs, [onnx.numpy_helper.from_array(weights, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def feeds(model: onnx.ModelProto, image: Any, count: int = 1) -> dict[str, Any]:
    info = model.graph.input[0]
    if info.type.HasField("sequence_type"):
        return {info.name: [image] * count}
    return {info.name: np.stack([image] * count) if len(info.type.tensor_type.shape.dim) == 4 else image}


@pytest.mark.parametrize("input", ["batch", "image", "sequence"])
@pytest.mark.parametrize("fold", tiers.rows([False, True], [True]))
@pytest.mark.parametrize("dtype", tiers.rows([TENSOR.FLOAT, TENSOR.FLOAT16], [TENSOR.FLOAT]))
def test_images_of_another_size_are_refused_at_the_joint(input: str, fold: bool, dtype: int) -> None:
    if fold and (input == "sequence" or dtype != TENSOR.FLOAT):
        pytest.skip("loops over images keep their normalization; one type is enough")
    fused = fuse_graphs(PROCESSOR, detector(dtype=dtype, mask=not fold), input=input, fold_normalize=fold)
    onnx.checker.check_model(fused.model, full_check=True)
    assert any("the model takes only 80 in axis 2, 106 in axis 3 of pixel_values" in note for note in fused.notes)
    for level in ("ORT_DISABLE_ALL", "ORT_ENABLE_ALL"):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(fused.model.SerializeToString(), options)
        assert session.run(["y"], feeds(fused.model, LANDSCAPE))[0].shape == (1, 2, 80, 106)
        with pytest.raises(Exception, match=r"Name:'check: preprocessing/pixel_(values|mask): axis \d must be (80|106)/R"):
            session.run(None, feeds(fused.model, np.ascontiguousarray(LANDSCAPE.transpose(1, 0, 2))))


@pytest.mark.slow
def test_a_session_says_which_size_was_expected() -> None:
    session = gp.Session(gp.fuse(PROCESSOR, detector(mask=False)))
    message = r"^graph: preprocessing/pixel_values: axis \d must be (80|106), got images \[1, \d+, \d+, 3\]\. Give others\.$"
    with pytest.raises(ImageError, match=message):
        session.run({"images": np.ascontiguousarray(LANDSCAPE.transpose(1, 0, 2))[None]})


def test_extra_inputs_of_another_size_are_refused_before_anything_runs() -> None:
    """What the preprocessing reads shares its sizes, whatever the model's own inputs call theirs."""
    helper = onnx.helper
    nodes = [helper.make_node("ReduceMean", ["pixel_values"], ["m"], axes=[2, 3]), helper.make_node("Add", ["m", "more"], ["y"])]
    values = {"pixel_values": ["n", 4, "h", "w"], "more": ["height", "width", 1, 1], "y": None}
    given, more, y = (helper.make_tensor_value_info(name, TENSOR.FLOAT, shape) for name, shape in values.items())
    net = helper.make_model(helper.make_graph(nodes, "net", [given, more], [y]), opset_imports=[helper.make_opsetid("", 17)])
    session = gp.Session(gp.fuse(gp.VitMatteImageProcessor(), net))
    assert session.inputs == ["images", "trimaps", "more"]
    image, extra = np.zeros((1, 32, 40, 3), np.uint8), np.zeros((1, 1, 1, 1), np.float32)
    assert session(image, np.zeros((1, 32, 40), np.uint8), extra)["y"].shape == (1, 4, 1, 1)
    for shape, axis in ((1, 32, 41), 2), ((2, 32, 40), 0):
        with pytest.raises(ImageError, match=f"trimaps: expected axis {axis} of .* as of the inputs before, got the shape"):
            session(image, np.zeros(shape, np.uint8), extra)


def test_the_number_of_images_of_a_sequence_is_checked_and_that_of_a_batch_is_fixed() -> None:
    fused = gp.fuse(PROCESSOR, detector(batch=2), input="sequence")
    session = gp.Session(fused)
    assert session.run(feeds(fused, LANDSCAPE, 2))["m"].shape == (2, 80, 106)
    with pytest.raises(ImageError, match=r"axis 0 must be 2"):
        session.run(feeds(fused, LANDSCAPE, 3))
    batch = gp.fuse(PROCESSOR, detector(batch=1), input="batch")
    assert batch.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1


def test_nothing_is_checked_where_sizes_are_known() -> None:
    fused = fuse_graphs(PROCESSOR, detector(), image_size=(30, 40))
    assert fused.notes == ()
    assert not [node.name for node in fused.model.graph.node if "must be" in node.name]


def test_an_input_that_nothing_gives_is_said() -> None:
    fused = fuse_graphs(gp.ViTImageProcessor(size={"height": 80, "width": 106}), detector())
    assert any("nothing gives pixel_mask (int64 [" in note for note in fused.notes)


# ---- the preprocessing inside -------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("input", ["batch", "sequence"])
@pytest.mark.parametrize("keep", [(), ("pixel_values",)])
def test_the_preprocessing_inside_a_fused_graph_is_verified(input: str, keep: tuple[str, ...]) -> None:
    fused = gp.fuse(PROCESSOR, detector(dtype=TENSOR.FLOAT16), input=input, keep=keep)
    report = verify(fused, [LANDSCAPE, LANDSCAPE[:20]])
    assert report.ok
    assert [c.output for c in report.comparisons] == ["pixel_mask", "pixel_values"] * 2
    assert report.parity.startswith("the preprocessing inside: bit-exact to transformers 5.23 (backend torchvision)")


def test_an_output_that_the_model_does_not_take_is_not_compared() -> None:
    report = verify(gp.fuse(PROCESSOR, detector(mask=False)), [LANDSCAPE])
    assert [c.output for c in report.comparisons] == ["pixel_values"]


@pytest.mark.slow
def test_what_folding_removes_cannot_be_compared() -> None:
    fused = gp.fuse(PROCESSOR, detector(mask=False), fold_normalize=True)
    with pytest.raises(GraphError, match="folding the normalization removes them"):
        verify(fused, [LANDSCAPE])
    with pytest.raises(GraphError, match="got a session of it"):
        verify(gp.Session(gp.fuse(PROCESSOR, detector())), [LANDSCAPE])
