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
    """An initializer; bfloat16 is what numpy lacks."""
    if dtype == BRAIN:
        return helper.make_tensor(name, BRAIN, array.shape, array.ravel())
    return numpy_helper.from_array(np.asarray(array).astype(helper.tensor_dtype_to_np_dtype(dtype)), name)


def filters(*shape: int, seed: int = 0) -> Any:
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
    """A model of nodes, with inputs and outputs as (element type, shape)."""

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
    """Convolution, mean over the image, softmax: an image classifier of 4 classes. `y` is [N, 4]."""
    weights = [tensor("w", filters(6, 3 // groups, 3, 3), dtype), *([tensor("b", filters(6), dtype)] if bias else [])]
    weights.append(tensor("classes", filters(6, 4), dtype))
    settings: dict[str, Any] = {"strides": [2, 2], **({"pads": list(pads)} if pads else {}), "group": groups}
    nodes = [
        helper.make_node("Conv", [input, "w", *(["b"] if bias else [])], ["features"], "conv", **settings),
        helper.make_node("GlobalAveragePool", ["features"], ["mean"], "pool"),
        helper.make_node("Flatten", ["mean"], ["flat"], "flatten"),
        helper.make_node("MatMul", ["flat", "classes"], ["scores"], "matmul"),
        helper.make_node("Softmax", ["scores"], ["y"], "softmax", axis=-1),
    ]
    return model(nodes, {input: (dtype, shape)}, {"y": (dtype, [shape[0], 4])}, weights, opset, ir, **more)
