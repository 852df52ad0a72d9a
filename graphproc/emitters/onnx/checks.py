"""Check what a graph needs of a runtime, without the runtime at hand.

The CUDA table holds the kernels of ONNX Runtime's CUDA provider for opset 17 and later, as its
`docs/OperatorKernels.md` lists them (read at commit 001d12d2), for the operators and element types
that programs use. A node without a kernel would run on the CPU, with a copy of its data each way.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

_FLOATS = frozenset({"f32", "f64"})
_INTS = frozenset({"u8", "i32", "i64"})
_NUMBERS = _FLOATS | _INTS
_ALL = _NUMBERS | {"bool"}
_BOOL = frozenset({"bool"})
_WIDE = _FLOATS | {"i32", "i64"}

CUDA_KERNELS: dict[str, frozenset[str]] = {
    **dict.fromkeys(("Concat", "Expand", "Gather", "GatherElements", "Identity", "Reshape", "Shape", "Slice", "Split"), _ALL),
    **dict.fromkeys(("Squeeze", "Transpose", "Unsqueeze", "Cast", "ConstantOfShape", "ScatterND", "Compress"), _ALL),
    **dict.fromkeys(("If", "Loop", "Scan", "SequenceAt", "SequenceEmpty", "SequenceInsert", "SequenceLength"), _ALL),
    "ConcatFromSequence": _ALL,
    **dict.fromkeys(("Add", "Sub", "Mul", "Div", "Abs", "Sign"), _NUMBERS),
    **dict.fromkeys(("Floor", "Ceil", "Round", "Sin", "Cos", "Sqrt", "Exp", "Log", "MatMul", "Softmax", "Sigmoid"), _FLOATS),
    **dict.fromkeys(("Min", "Max", "Mod", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "CumSum", "Range"), _WIDE),
    **dict.fromkeys(("Neg", "ReduceMax", "ReduceSum", "Tile", "TopK"), _WIDE),
    **dict.fromkeys(("And", "Or", "Not"), _BOOL),
    "Equal": _WIDE | _BOOL,
    "Where": _NUMBERS,
    "Clip": _FLOATS | {"u8", "i64"},
    "Pad": _FLOATS | _BOOL,
    "ReduceMin": _WIDE | {"u8"},
    "ArgMax": _FLOATS,
    "QuantizeLinear": frozenset({"f32"}),
    "NonMaxSuppression": frozenset({"f32"}),  # registered, but without type constraints, so the list leaves it out
    "MatMulInteger": frozenset(),  # signed bytes only, and pixels are unsigned
}
"""For each operator with a CUDA kernel, the IR dtypes of its data input that the kernel takes."""

_DATA_INPUT = {"Where": 1}
_ELEMENT = {1: "f32", 2: "u8", 6: "i32", 7: "i64", 9: "bool", 11: "f64"}


def nodes(graph: onnx.GraphProto) -> Iterator[tuple[onnx.NodeProto, onnx.GraphProto]]:
    """Yield every node of a graph and of the graphs inside its nodes, each with the graph it is in."""
    for node in graph.node:
        yield node, graph
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from nodes(attribute.g)


def element_types(model: onnx.ModelProto) -> dict[str, str]:
    """Return the IR dtype of every value of a model, by name; for a sequence, of its elements."""
    import onnx

    model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    types: dict[str, str] = {}

    def visit(graph: onnx.GraphProto) -> None:
        for info in (*graph.input, *graph.value_info, *graph.output):
            type = info.type.sequence_type.elem_type if info.type.HasField("sequence_type") else info.type
            types[info.name] = _ELEMENT.get(type.tensor_type.elem_type, "other")
        for tensor in graph.initializer:
            types[tensor.name] = _ELEMENT.get(tensor.data_type, "other")
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    visit(attribute.g)

    visit(model.graph)
    return types


def cuda_fallbacks(model: onnx.ModelProto) -> list[tuple[str, str, str]]:
    """Return the nodes that ONNX Runtime's CUDA provider would leave to the CPU.

    Returns:
        (node name, operator, reason) for each, in the graph's order.
    """
    types = element_types(model)
    found = []
    for node, _ in nodes(model.graph):
        if node.op_type not in CUDA_KERNELS:
            found.append((node.name, node.op_type, f"{node.op_type} has no CUDA kernel"))
            continue
        position = _DATA_INPUT.get(node.op_type, 0)
        dtype = types.get(node.input[position], "other") if len(node.input) > position else ""
        if dtype and dtype not in CUDA_KERNELS[node.op_type]:
            found.append((node.name, node.op_type, f"{node.op_type} has no CUDA kernel for {dtype}"))
    return found


def domains(model: onnx.ModelProto) -> set[str]:
    """Return the operator domains of a model's nodes; `{""}` is the default domain alone."""
    return {node.domain for node, _ in nodes(model.graph)}


def operator_counts(model: onnx.ModelProto) -> dict[str, int]:
    """Return how often each operator occurs, subgraphs included, most frequent first."""
    counts: dict[str, int] = {}
    for node, _ in nodes(model.graph):
        counts[node.op_type] = counts.get(node.op_type, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
