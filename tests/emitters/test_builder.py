"""The emitter's handle: sharing, names, constants, vectors, branches."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest

from graphproc.emitters.onnx.builder import GraphBuilder
from graphproc.errors import EmitError
from graphproc.sizes import num

H, W = num.symbol("height"), num.symbol("width")


@pytest.fixture
def g() -> GraphBuilder:
    builder = GraphBuilder("cpu", 18, 0)
    for name in ("height", "width"):
        builder.symbol(name, ir.Value(name=name, shape=ir.Shape([1]), type=ir.TensorType(ir.DataType.INT64)))
    return builder


def op_types(g: GraphBuilder) -> list[str]:
    return [node.op_type for node in g.nodes]


def test_equal_expressions_share_nodes(g: GraphBuilder) -> None:
    first = g.num(num.trunc(224 * H / W))
    count = len(g.nodes)
    assert g.num(num.trunc(224 * num.symbol("height") / num.symbol("width"))) is first
    assert len(g.nodes) == count
    g.num(num.trunc(224 * H / W) + 1)
    assert len(g.nodes) == count + 1


def test_ints_are_converted_to_floats_once(g: GraphBuilder) -> None:
    g.vector(num.trunc(H * 0.5), num.trunc(H * 0.25))
    assert op_types(g).count("Cast") == 3  # height to float64 once, two results to int64


def test_equal_constants_are_one_initializer(g: GraphBuilder) -> None:
    assert g.constant([1, 2], "i64") is g.constant((1, 2), "i64")
    assert g.constant([1, 2], "f64") is not g.constant([1, 2], "i64")
    assert g.constant([0.0], "f32") is not g.constant([-0.0], "f32")
    assert g.constant(1, "i64") is not g.constant([1], "i64")


@pytest.mark.parametrize("shape", [(), (1,), (1, 1), (2, 3), (0,)])
def test_constants_keep_their_rank(g: GraphBuilder, shape: tuple[int, ...]) -> None:
    """Operators such as CumSum, Clip and Range take scalars, which a vector of one element is not."""
    value = g.constant(np.ones(shape), "f32")
    assert value.shape is not None
    assert tuple(value.shape) == shape
    assert value.const_value is not None
    assert value.const_value.numpy().shape == shape


def test_vectors_join_runs_of_numbers(g: GraphBuilder) -> None:
    known = g.vector(1, 2, 3)
    assert known.const_value is not None
    np.testing.assert_array_equal(known.const_value.numpy(), [1, 2, 3])
    assert g.nodes == []
    mixed = g.vector(0, 0, H, W, 5)
    node = mixed.producer()
    assert node is not None
    assert node.op_type == "Concat"
    assert len(node.inputs) == 4
    assert g.vector(H) is g.num(H)


def test_names_follow_scopes_and_are_numbered(g: GraphBuilder) -> None:
    with g.scope("resize"), g.scope("vertical"):
        g.Floor(g.num(num.as_float(H)))
        g.Floor(g.num(num.as_float(W)))
    names = [node.name for node in g.nodes if node.op_type == "Floor"]
    assert names == ["resize/vertical/Floor", "resize/vertical/Floor_2"]


def test_a_cast_to_the_same_type_is_nothing(g: GraphBuilder) -> None:
    x = g.num(H)
    assert g.cast(x, "i64") is x
    assert g.cast(x, "f32") is not x


def test_a_known_range_is_a_constant(g: GraphBuilder) -> None:
    value = g.range(4, "f64")
    assert value.const_value is not None
    np.testing.assert_array_equal(value.const_value.numpy(), [0.0, 1.0, 2.0, 3.0])
    assert g.nodes == []


def test_a_known_condition_takes_one_branch(g: GraphBuilder) -> None:
    a, b = g.num(H), g.num(W)
    assert g.cond(True, lambda: a, lambda: b) is a
    assert g.cond(False, lambda: a, lambda: b) is b
    assert g.nodes == []


def test_expressions_of_a_branch_stay_inside(g: GraphBuilder) -> None:
    g.cond(H < W, lambda: g.num(H * 3), lambda: g.num(W))
    inside = g.num(H * 3)
    assert inside.producer() in g.nodes
    assert op_types(g) == ["Less", "If", "Mul"]


def test_unknown_size_operations_are_refused(g: GraphBuilder) -> None:
    with pytest.raises(EmitError, match="the size operation 'cbrt' has no ONNX form"):
        g.num(num.Sym("cbrt", (H, W), "float"))


def test_lower_case_names_are_no_operators(g: GraphBuilder) -> None:
    with pytest.raises(AttributeError):
        g.floor(g.num(H))


def test_inputs_are_values_arrays_or_none(g: GraphBuilder) -> None:
    with pytest.raises(TypeError, match="expected a value, a numpy array or None, got float"):
        g.Add(g.num(H), 1.0)


def test_arithmetic_on_constants_is_done_while_emitting(g: GraphBuilder) -> None:
    total = g.Add(g.constant([1, 2], "i64"), g.constant([10], "i64"))
    assert g.nodes == []
    assert total.const_value is not None
    np.testing.assert_array_equal(total.const_value.numpy(), [11, 12])


def test_equal_vectors_share_a_node(g: GraphBuilder) -> None:
    first = g.vector(1, H, W)
    count = len(g.nodes)
    assert g.vector(1, num.symbol("height"), num.symbol("width")) is first
    assert g.vector(2, H, W) is not first
    assert len(g.nodes) == count + 1


def body(g: GraphBuilder) -> list[str]:
    return [node.op_type for node in g.nodes[-1].attributes["body"].as_graph()]


def test_what_a_loop_would_repeat_comes_before_it(g: GraphBuilder) -> None:
    """Moved out of two loops, but neither what reads a loop's own values nor its result."""

    def inner(row: ir.Value) -> ir.Value:
        shape = g.vector(-1, W * 2)
        return g.Reshape(g.Add(row, g.cast(g.num(W * 2), "f32")), shape)

    g.scan((g.constant(np.zeros((4, 2, 6)), "f32"),), lambda image: g.scan((image,), inner))
    assert op_types(g) == ["Mul", "Concat", "Cast", "Scan"]
    assert body(g) == ["Scan"]
    (scan,) = g.nodes[-1].attributes["body"].as_graph()
    assert [node.op_type for node in scan.attributes["body"].as_graph()] == ["Add", "Reshape"]


def test_what_may_fail_or_is_the_result_stays_in_its_loop(g: GraphBuilder) -> None:
    g.scan((g.constant(np.zeros((4, 2)), "f32"),), lambda row: g.Add(row, g.cast(g.num(H // (W + 1)), "f32")))
    assert body(g) == ["Div", "Cast", "Add"]  # a loop that never runs may divide by what is zero then
    g.scan((g.constant(np.zeros((4, 2)), "f32"),), lambda row: g.num(H + 3))
    assert body(g) == ["Add"]
