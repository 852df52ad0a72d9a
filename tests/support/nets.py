"""Small models to fuse with: made node by node, so that opset, IR version, names and element types can be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, HALF, BRAIN, INT64 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.INT64
Dim = int | str | None


def tensor(name: str, array: Any, dtype: int = FLOAT) -> onnx.TensorProto:
    """Return an initializer; bfloat16 is what numpy lacks."""
    if dtype == BRAIN:
        return helper.make_tensor(name, BRAIN, array.shape, array.ravel())
    return numpy_helper.from_array(np.asarray(array).astype(helper.tensor_dtype_to_np_dtype(dtype)), name)


def random_values(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng((seed, *shape)).normal(size=shape, scale=0.2).astype(np.float32)


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: dict[str, tuple[int, Sequence[Dim]]],
    outputs: dict[str, tuple[int, Sequence[Dim]]],
    weights: Sequence[onnx.TensorProto] = (),
    opset: int = 18,
    ir: int = 8,
    functions: Sequence[onnx.FunctionProto] = (),
    domains: Sequence[str] = (),
    **metadata: str,
) -> onnx.ModelProto:
    """Return a model of nodes, with inputs and outputs as (element type, shape)."""

    def values(named: dict[str, tuple[int, Sequence[Dim]]]) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(name, *described) for name, described in named.items()]

    graph = helper.make_graph(list(nodes), "net", values(inputs), values(outputs), list(weights))
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(d, 1) for d in domains)]
    made = helper.make_model(graph, opset_imports=imports, ir_version=ir, functions=list(functions), producer_name="nets")
    helper.set_model_props(made, metadata)
    return made


def conv(
    opset: int = 18,
    ir: int = 8,
    *,
    input: str = "input.1",
    shape: Sequence[Dim] = ("N", 3, "h", "w"),
    dtype: int = FLOAT,
    pads: Sequence[int] = (),
    bias: bool = True,
    groups: int = 1,
    **more: Any,
) -> onnx.ModelProto:
    """Return convolution, mean over the image, softmax: an image classifier of 4 classes. `y` is [N, 4]."""
    weights = [tensor("w", random_values(6, 3 // groups, 3, 3), dtype), *([tensor("b", random_values(6), dtype)] if bias else [])]
    weights.append(tensor("classes", random_values(6, 4), dtype))
    settings: dict[str, Any] = {"strides": [2, 2], **({"pads": list(pads)} if pads else {}), "group": groups}
    nodes = [
        helper.make_node("Conv", [input, "w", *(["b"] if bias else [])], ["features"], "conv", **settings),
        helper.make_node("GlobalAveragePool", ["features"], ["mean"], "pool"),
        helper.make_node("Flatten", ["mean"], ["flat"], "flatten"),
        helper.make_node("MatMul", ["flat", "classes"], ["scores"], "matmul"),
        helper.make_node("Softmax", ["scores"], ["y"], "softmax", axis=-1),
    ]
    return model(nodes, {input: (dtype, shape)}, {"y": (dtype, [shape[0], 4])}, weights, opset, ir, **more)


def _head(features: str, name: str, shape: Sequence[int], seed: int) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """Return the mean of features over the image, as a tensor [N, *shape] called `name`."""
    count = int(np.prod(shape))
    nodes = [
        helper.make_node("Conv", [features, f"{name}_w"], [f"{name}_maps"], f"{name}_conv"),
        helper.make_node("GlobalAveragePool", [f"{name}_maps"], [f"{name}_mean"], f"{name}_pool"),
        helper.make_node("Reshape", [f"{name}_mean", f"{name}_shape"], [name], f"{name}_reshape"),
    ]
    return nodes, [tensor(f"{name}_w", random_values(count, 6, 1, 1, seed=seed) * 8), tensor(f"{name}_shape", [0, *shape], INT64)]


def detector(
    opset: int = 18,
    ir: int = 8,
    *,
    names: tuple[str, str] = ("logits", "pred_boxes"),
    dtype: int = FLOAT,
    queries: int = 6,
    masks: bool = False,
    **more: Any,
) -> onnx.ModelProto:
    """Return scores of 5 classes and boxes for each query, and masks where asked for; `pixel_values` [N, 3, h, w]."""
    inside = [("scores_f", (queries, 5)), ("boxes_f", (queries, 4)), *([("pred_masks", (queries, 4, 5))] if masks else [])]
    nodes = [helper.make_node("Cast", ["pixel_values"], ["pixels"], "cast", to=FLOAT)]
    nodes += [helper.make_node("Conv", ["pixels", "w"], ["features"], "conv", strides=[4, 4])]
    weights = [tensor("w", random_values(6, 3, 4, 4))]
    for seed, (name, shape) in enumerate(inside):
        head, own = _head("features", name, shape, seed)
        nodes, weights = [*nodes, *head], [*weights, *own]
    nodes.append(helper.make_node("Sigmoid", ["boxes_f"], ["shares"], "shares"))
    nodes.append(helper.make_node("Cast", ["scores_f"], [names[0]], "to_logits", to=dtype))
    nodes.append(helper.make_node("Cast", ["shares"], [names[1]], "to_boxes", to=dtype))
    outputs: dict[str, tuple[int, Sequence[Dim]]] = {
        names[0]: (dtype, ["N", queries, 5]),
        names[1]: (dtype, ["N", queries, 4]),
    }
    if masks:
        outputs["pred_masks"] = (FLOAT, ["N", queries, 4, 5])
    return model(nodes, {"pixel_values": (dtype, ["N", 3, "h", "w"])}, outputs, weights, opset, ir, **more)


def segmenter(opset: int = 18, ir: int = 8, *, output: str = "logits", classes: int = 5) -> onnx.ModelProto:
    """Return scores of every class at every fourth pixel, [N, classes, h', w']; of one class a map [N, h', w']."""
    weights = [tensor("w", random_values(classes, 3, 4, 4)), tensor("axis", [1], INT64)]
    nodes = [helper.make_node("Conv", ["pixel_values", "w"], ["maps"], "conv", strides=[4, 4])]
    last = helper.make_node("Squeeze", ["maps", "axis"], [output], "map")
    nodes.append(last if classes == 1 else helper.make_node("Identity", ["maps"], [output], "same"))
    shape: list[Dim] = ["N", "rows", "columns"] if classes == 1 else ["N", classes, "rows", "columns"]
    return model(nodes, {"pixel_values": (FLOAT, ["N", 3, "h", "w"])}, {output: (FLOAT, shape)}, weights, opset, ir)
