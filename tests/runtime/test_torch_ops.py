"""Each torch implementation against ONNX Runtime, on one node each: values, types, shapes, and the corners of the definition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from graphproc.errors import GraphError

torch = pytest.importorskip("torch")

from graphproc.emitters.onnx.checks import CUDA_KERNELS  # noqa: E402
from graphproc.runtime.torch_ops import IMPLEMENTATIONS  # noqa: E402
from graphproc.runtime.torch_ops.body import compile_graph  # noqa: E402

Array = np.ndarray[Any, Any]
f32, f64, i32, i64, u8 = np.float32, np.float64, np.int32, np.int64, np.uint8
NAN, INF = float("nan"), float("inf")
HALVES = np.array([-2.5, -1.5, -0.5, -0.0, 0.5, 1.5, 2.5, 0.49999997, 1e9, -3.7], f32)
GRID = np.arange(24, dtype=f32).reshape(2, 3, 4)
WHOLE = np.array([-7, -1, 0, 1, 5, 7], i64)
BYTES = np.random.default_rng(0).integers(0, 256, (2, 5, 70), dtype=u8)
SIGNED = np.random.default_rng(1).integers(-128, 128, (2, 70, 4), dtype=np.int8)
SMALL = np.random.default_rng(2).normal(size=(40, 700)).astype(f32)


@dataclass
class NodeCase:
    """One node: its operator, its inputs (None for absent ones), how many outputs, its attributes, its opset."""

    operator: str
    inputs: Sequence[Array | None]
    outputs: int = 1
    attributes: dict[str, Any] = field(default_factory=dict)
    opset: int = 18

    def __str__(self) -> str:
        told = [str(None if x is None else f"{x.dtype}{list(x.shape)}") for x in self.inputs]
        return f"{self.operator}({', '.join(told)}{', ' if self.attributes else ''}{self.attributes or ''})"


def ints(*values: int) -> Array:
    return np.array(values, i64)


def one(value: Any, dtype: Any) -> Array:
    return np.array(value, dtype)


def case(operator: str, *inputs: Array | None, outputs: int = 1, opset: int = 18, **attributes: Any) -> NodeCase:
    return NodeCase(operator, inputs, outputs, attributes, opset)


CASES = [
    *(case(op, HALVES) for op in ("Abs", "Neg", "Sign", "Floor", "Ceil", "Round")),
    *(case("Sqrt", np.abs(x).astype(t)) for x in (HALVES, SMALL) for t in (f32, f64)),
    case("Sqrt", one(0.5, f64)),
    case("Sqrt", HALVES),
    *(case(op, WHOLE, ints(3, -3, 5, -5, -2, 2)) for op in ("Add", "Sub", "Mul", "Div", "Mod", "Min", "Max")),
    *(case(op, HALVES, HALVES[::-1].copy() + f32(0.1)) for op in ("Add", "Sub", "Mul", "Div", "Min", "Max")),
    case("Mod", np.array([-5.5, 5.5, 3], f32), np.array([3, -3, 3], f32), fmod=1),
    case("Div", GRID, one(3, f32)),
    case("Add", np.array([250, 3], u8), np.array([10, 4], u8)),
    case("Max", GRID, one(5, f32), np.full((3, 1), 9, f32)),
    case("Clip", GRID, one(3, f32), one(17, f32)),
    case("Clip", GRID, None, one(17, f32)),
    case("Clip", WHOLE, one(-1, i64)),
    case("BitwiseAnd", np.array([-8, 7, 1 << 22], i32), np.array([-4, 6, -2097152], i32)),
    *(case(op, WHOLE, ints(0)) for op in ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual")),
    *(case(op, np.array([NAN, 1, 2], f32), one(1, f32)) for op in ("Equal", "Less", "Greater")),
    *(case(op, np.array([True, True, False]), np.array([True, False, False])) for op in ("And", "Or", "Xor")),
    case("Not", np.array([True, False])),
    case("Where", WHOLE > 0, WHOLE, ints(9)),
    case("Identity", GRID),
    case("Shape", GRID),
    case("Shape", GRID, start=1, end=-1),
    case("Shape", GRID, start=-2),
    case("Size", GRID),
    case("Reshape", GRID, ints(0, -1)),
    case("Reshape", GRID, ints(4, 0, 2)),
    case("Reshape", np.zeros((0, 3), f32), ints(0, 3), allowzero=1),
    case("Reshape", np.zeros((3, 0), f32), ints(0, 3), allowzero=1),
    case("Reshape", np.zeros((0, 3), f32), ints(-1)),
    case("Squeeze", np.zeros((1, 3, 1), f32)),
    case("Squeeze", np.zeros((1, 3, 1), f32), ints(-1)),
    case("Unsqueeze", GRID, ints(0, -1)),
    case("Unsqueeze", GRID, ints(3, 1)),
    case("Transpose", GRID, perm=[2, 0, 1]),
    case("Transpose", GRID),
    case("Expand", GRID[:, :1], ints(1, 3, 1)),
    case("Expand", GRID, ints(5, 1, 1, 1)),
    case("Tile", GRID, ints(1, 2, 3)),
    case("Concat", GRID, GRID[:1], axis=0),
    case("Concat", GRID, GRID[..., :2], axis=-1),
    case("Split", GRID, ints(1, 3), outputs=2, axis=-1),
    case("Split", GRID, outputs=2, axis=2, num_outputs=2),
    case("Split", GRID, outputs=2, axis=1, num_outputs=2),
    case("Slice", GRID, ints(1), ints(100), ints(-1)),
    case("Slice", GRID, ints(-3, 0), ints(-1, 2), ints(2, 1)),
    case("Slice", GRID, ints(0), ints(1)),
    case("Slice", GRID, ints(-1), ints(np.iinfo(i64).min), ints(2), ints(-1)),
    case("Slice", GRID, ints(3, 0), ints(0, 9), ints(2, 1), ints(-2, 2)),
    case("Slice", GRID, ints(2), ints(1), ints(1)),
    case("Slice", GRID, ints(-100), ints(2), ints(2)),
    case("Range", one(2, i64), one(9, i64), one(3, i64)),
    case("Range", one(0, f64), one(1, f64), one(0.25, f64)),
    case("Range", one(5, i32), one(0, i32), one(-2, i32)),
    case("ConstantOfShape", ints(2, 3)),
    case("ConstantOfShape", ints(2), value=numpy_helper.from_array(ints(7))),
    case("Pad", GRID, ints(0, 1, 2, 1, 0, 3)),
    case("Pad", GRID, ints(1, -1, 0, 0, 2, -2), one(5, f32)),
    case("Pad", GRID, ints(2, 1), one(5, f32), ints(-1)),
    *(case("Pad", GRID, ints(0, 2, 3, 1, 1, 2), mode=mode) for mode in ("edge", "reflect")),
    case("Pad", GRID, ints(0, 2, 3, 1, 1, 2), mode="wrap", opset=19),
    case("Pad", np.array([[True, False]]), ints(0, 1, 1, 0)),
    case("Gather", GRID, ints(-1, 0, 1), axis=0),
    case("Gather", GRID, np.array([[0, -4], [3, 1]], i64), axis=2),
    case("Gather", GRID, one(2, i64), axis=1),
    case("Gather", GRID, np.array([1], i32), axis=-2),
    case("GatherElements", GRID, np.array([[[0, -1], [1, 2], [3, -4]]], i64), axis=2),
    case("ScatterND", GRID, np.array([[0, 1], [-1, 2]], i64), np.full((2, 4), -1, f32)),
    case("Compress", GRID, np.array([False, True, True]), axis=1),
    case("Compress", GRID, np.array([False, True])),
    case("NonZero", GRID > 20),
    *(case(op, GRID, ints(1, -1), keepdims=0) for op in ("ReduceMax", "ReduceMin", "ReduceSum")),
    *(case(op, GRID, axes=[1], keepdims=1, opset=17) for op in ("ReduceMax", "ReduceMin")),
    *(case(op, WHOLE) for op in ("ReduceMax", "ReduceMin", "ReduceSum")),
    case("ReduceSum", GRID, ints(), noop_with_empty_axes=1),
    *(case("CumSum", SMALL.astype(t), one(axis, i64)) for t in (f32, f64) for axis in (0, 1, -1)),
    case("CumSum", (SMALL * 100).astype(i32), one(1, i64)),
    case("CumSum", SMALL, one(1, i64), exclusive=1),
    case("CumSum", SMALL, one(0, i64), reverse=1),
    case("ArgMax", np.array([[1, 3, 3], [2, 2, 1]], f32), axis=-1, keepdims=0),
    case("ArgMax", np.array([[1, 3, 3], [2, 2, 1]], f32), axis=1, select_last_index=1),
    case("TopK", np.array([[1, 3, 3, 0, 3, 2]], f32), ints(4), outputs=2),
    case("TopK", np.array([[1, 3, 1, 0, 0, 2]], f32), ints(4), outputs=2, largest=0),
    case("TopK", np.zeros((40, 300), f32), ints(100), outputs=2, axis=1),
    case("MatMul", BYTES.astype(f32), SIGNED.astype(f32)),
    case("MatMul", BYTES[0].astype(f64), SIGNED.astype(f64)),
    case("MatMulInteger", BYTES, SIGNED // 2),  # of 8 signed bits ONNX Runtime saturates sums of two on CPUs without VNNI
    case("MatMulInteger", np.full((3, 9000), 255, u8), np.full((9000, 2), 255, u8), one(0, u8), one(128, u8)),
    case("MatMulInteger", BYTES[0], BYTES[0].T.copy(), one(128, u8)),
    case("QuantizeLinear", HALVES, one(1, f32), one(0, u8)),
    case("QuantizeLinear", HALVES, one(0.5, f32), one(3, np.int8)),
    case("QuantizeLinear", np.arange(-5, 300, 0.25, dtype=f32), one(0.99999, f32)),
    *(case("Cast", np.array([-1.9, -0.5, 0.0, 0.9, 2.5, 100.7], f32), to=int(t)) for t in (6, 7, 9, 11)),
    *(case("Cast", np.array([0.0, 0.9, 254.99], f64), to=int(t)) for t in (1, 2, 3 - 1)),
    *(case("Cast", np.array([0, 1, 255, 256, 511, -1], i32), to=int(t)) for t in (1, 2, 7, 9)),
    case("Cast", np.array([1 / 3, 1e-50, 16777217.0], f64), to=1),
    case("Cast", np.array([(1 << 24) + 1, (1 << 62) + 1], i64), to=1),
]

ELEMENT = {np.dtype(t): helper.np_dtype_to_tensor_dtype(np.dtype(t)) for t in (f32, f64, i32, i64, u8, np.int8, np.bool_)}


def model(made: NodeCase) -> tuple[onnx.ModelProto, dict[str, Array]]:
    """Return a model of the one node; outputs are of whatever type the operator says."""
    feeds = {f"x{i}": x for i, x in enumerate(made.inputs) if x is not None}
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(made.inputs)]
    results = [f"y{i}" for i in range(made.outputs)]
    node = helper.make_node(made.operator, names, results, **made.attributes)
    inputs = [helper.make_tensor_value_info(name, ELEMENT[x.dtype], x.shape) for name, x in feeds.items()]
    graph = helper.make_graph([node], "one", inputs, [helper.make_empty_tensor_value_info(name) for name in results])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", made.opset)], ir_version=9)
    inferred = onnx.shape_inference.infer_shapes(proto)
    for value, found in zip(proto.graph.output, inferred.graph.output, strict=True):
        value.type.tensor_type.elem_type = found.type.tensor_type.elem_type
    return proto, feeds


def in_torch(proto: onnx.ModelProto, feeds: dict[str, Any]) -> list[Any]:
    body, constants = compile_graph(proto.graph)
    environment: dict[str, Any] = {**constants, **{n: _tensor(x) for n, x in feeds.items()}}
    body.run(environment, lambda step, values: [values[name] if name else None for name in step.inputs])
    assert set(environment) == {*constants, *body.outputs}, "what nothing reads is dropped"
    return [environment[name].numpy() for name in body.outputs]


def _tensor(x: Any) -> Any:
    return [torch.from_numpy(item.copy()) for item in x] if isinstance(x, list) else torch.from_numpy(x.copy())


def same(proto: onnx.ModelProto, feeds: dict[str, Any]) -> None:
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = session.run(None, feeds)
    for have, want in zip(in_torch(proto, feeds), expected, strict=True):
        assert (have.dtype, have.shape) == (want.dtype, want.shape)
        np.testing.assert_array_equal(have, want)


@pytest.mark.parametrize("made", CASES, ids=str)
def test_an_implementation_gives_onnx_runtimes_values(made: NodeCase) -> None:
    same(*model(made))


def graph_of(name: str, nodes: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> onnx.GraphProto:
    return helper.make_graph(list(nodes), name, list(inputs), list(outputs))


def value(name: str, element: int = TensorProto.FLOAT, shape: Any = None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, element, shape)


def whole(nodes: Sequence[Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> onnx.ModelProto:
    made = graph_of("main", nodes, inputs, outputs)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


@pytest.mark.parametrize("condition", [True, False])
def test_if_reads_values_from_around(condition: bool) -> None:
    branches = [
        graph_of(op, [helper.make_node(op, ["x", "x"], [f"{op}_out"])], [], [value(f"{op}_out")]) for op in ("Add", "Mul")
    ]
    node = helper.make_node("If", ["c"], ["y"], then_branch=branches[0], else_branch=branches[1])
    proto = whole([node], [value("c", TensorProto.BOOL, []), value("x", shape=[3])], [value("y")])
    same(proto, {"c": np.array(condition), "x": np.arange(3, dtype=f32)})


@pytest.mark.parametrize("limit", [1, 4, 100])
def test_loop_carries_stacks_and_stops(limit: int) -> None:
    nodes = [
        helper.make_node("Add", ["state", "step"], ["next"]),
        helper.make_node("ReduceMax", ["next"], ["top"], keepdims=0),
        helper.make_node("Less", ["top", "most"], ["go"]),
        helper.make_node("Identity", ["next"], ["row"]),
    ]
    inputs = [value("i", TensorProto.INT64, []), value("more", TensorProto.BOOL, []), value("state", shape=[2])]
    body = graph_of("body", nodes, inputs, [value("go", TensorProto.BOOL, []), value("next", shape=[2]), value("row", shape=[2])])
    loop = helper.make_node("Loop", ["count", "", "start"], ["last", "rows"], body=body)
    given = [value("count", TensorProto.INT64, []), value("start", shape=[2]), value("step", shape=[2]), value("most", shape=[])]
    proto = whole([loop], given, [value("last"), value("rows")])
    feeds = {"count": np.array(limit), "start": np.zeros(2, f32), "step": np.array([1, 2], f32), "most": np.array(13, f32)}
    same(proto, feeds)


def test_a_loop_that_never_runs_has_no_shapes_to_stack() -> None:
    inputs = [value("i", TensorProto.INT64, []), value("more", TensorProto.BOOL, [])]
    nodes = [helper.make_node("Identity", ["more"], ["go"]), helper.make_node("Identity", ["x"], ["row"])]
    body = graph_of("body", nodes, inputs, [value("go", TensorProto.BOOL, []), value("row", shape=[2])])
    loop = helper.make_node("Loop", ["count", ""], ["rows"], body=body)
    proto = whole([loop], [value("count", TensorProto.INT64, []), value("x", shape=[2])], [value("rows")])
    with pytest.raises(ValueError, match="Loop ran no times"):
        in_torch(proto, {"count": np.array(0), "x": np.zeros(2, f32)})


@pytest.mark.parametrize("settings", [{}, {"scan_output_axes": [1]}, {"scan_input_axes": [1], "scan_input_directions": [1]}])
def test_scan_carries_and_stacks(settings: dict[str, Any]) -> None:
    nodes = [helper.make_node("Add", ["sum", "row"], ["total"]), helper.make_node("Mul", ["row", "k"], ["scaled"])]
    side = 4 if "scan_input_axes" not in settings else 3
    body = graph_of(
        "body", nodes, [value("sum", shape=[side]), value("row", shape=[side])], [value("total"), value("scaled", shape=[side])]
    )
    node = helper.make_node("Scan", ["start", "x"], ["last", "rows"], body=body, num_scan_inputs=1, **settings)
    given = [value("start", shape=[side]), value("x", shape=[3, 4]), value("k", shape=[])]
    proto = whole([node], given, [value("last"), value("rows")])
    same(proto, {"start": np.ones(side, f32), "x": GRID[0], "k": np.array(3, f32)})


@pytest.mark.parametrize(("operator", "settings"), [("stack", {"new_axis": 1}), ("concatenate", {})])
def test_sequences(operator: str, settings: dict[str, int]) -> None:
    nodes = [
        helper.make_node("SequenceEmpty", [], ["none"], dtype=TensorProto.FLOAT),
        helper.make_node("SequenceInsert", ["none", "x"], ["one"]),
        helper.make_node("SequenceInsert", ["one", "y"], ["two"]),
        helper.make_node("SequenceInsert", ["two", "y", "first"], ["three"]),
        helper.make_node("SequenceConstruct", ["y", "x"], ["pair"]),
        helper.make_node("SequenceAt", ["pair", "first"], ["at"]),
        helper.make_node("SequenceInsert", ["three", "at"], ["four"]),
        helper.make_node("ConcatFromSequence", ["four"], ["all"], axis=0, **settings),
        helper.make_node("SequenceLength", ["four"], ["count"]),
    ]
    given = [value("x", shape=[2, 3]), value("y", shape=[2, 3]), value("first", TensorProto.INT64, [])]
    proto = whole(nodes, given, [value("all"), value("count", TensorProto.INT64, [])])
    same(proto, {"x": GRID[0, :2, :3].copy(), "y": -GRID[1, :2, :3], "first": np.array(0)})


def test_operators_without_an_implementation_are_all_named_at_once() -> None:
    body = graph_of("then", [helper.make_node("Erf", ["x"], ["a"])], [], [value("a")])
    other = graph_of("else", [helper.make_node("Nothing", ["x"], ["b"], domain="com.example")], [], [value("b")])
    nodes = [
        helper.make_node("Conv", ["x", "x"], ["z"]),
        helper.make_node("If", ["c"], ["y"], then_branch=body, else_branch=other),
    ]
    proto = whole(nodes, [value("c", TensorProto.BOOL, []), value("x")], [value("y")])
    with pytest.raises(GraphError, match=r"no implementation of Conv, Erf, com\.example\.Nothing\."):
        compile_graph(proto.graph)


def test_constants_of_other_types_are_refused_by_name() -> None:
    node = helper.make_node("Identity", ["words"], ["y"])
    proto = whole([node], [], [value("y")])
    proto.graph.initializer.append(helper.make_tensor("words", TensorProto.STRING, [1], [b"a"]))
    with pytest.raises(GraphError, match="STRING, as 'words'"):
        compile_graph(proto.graph)


def test_constants_of_brain_floats() -> None:
    proto = whole([helper.make_node("Cast", ["k"], ["y"], to=1)], [], [value("y")])
    proto.graph.initializer.append(helper.make_tensor("k", TensorProto.BFLOAT16, [2], [0.5, 3.0]))
    np.testing.assert_array_equal(in_torch(proto, {})[0], np.array([0.5, 3], f32))


POST_PROCESSING = {"Log", "NonMaxSuppression", "Sigmoid", "Softmax"}
"""What only graphs of post-processing have, which are no torch modules: torch has its own."""


def test_every_operator_with_a_cuda_kernel_is_implemented() -> None:
    assert set(CUDA_KERNELS) - set(IMPLEMENTATIONS) == POST_PROCESSING


def test_every_implementation_is_tried() -> None:
    elsewhere = {"If", "Loop", "Scan", "Sin", "Cos", "Exp"} | {name for name in IMPLEMENTATIONS if "Sequence" in name}
    assert {made.operator for made in CASES} == set(IMPLEMENTATIONS) - elsewhere


@pytest.mark.parametrize("operator", ["Sin", "Cos"])
def test_float64_sines_are_the_c_librarys(operator: str) -> None:
    x = np.linspace(-20, 20, 1001)
    (found,) = in_torch(*model(case(operator, x))) if operator == "Sin" else in_torch(*model(case(operator, x.astype(f32))))
    expected = np.frompyfunc(getattr(__import__("math"), operator.lower()), 1, 1)(x).astype(f64)
    if operator == "Sin":
        np.testing.assert_array_equal(found, expected)
    else:  # float32: torch's own, near the last bit
        np.testing.assert_allclose(found, expected, atol=1e-6)
