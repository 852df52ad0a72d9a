"""The comparison of graphs passes over names, and over nothing else."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper


@pytest.fixture(scope="module")
def same_graphs(root):
    spec = spec_from_file_location("same_graphs", root / "tools" / "same_graphs.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def model(prefix="", *, swapped=False, constant=2.0, axis=0, side="n", output="y") -> bytes:
    """Return `y = concat(x - c, x)`, with a choice of a name, an operand, a constant, an attribute and a size."""
    operands = ["x", f"{prefix}c"][:: -1 if swapped else 1]
    nodes = [
        helper.make_node("Sub", operands, [f"{prefix}difference"], name=f"{prefix}sub"),
        helper.make_node("Concat", [f"{prefix}difference", "x"], [output], name=f"{prefix}concat", axis=axis),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [side, 3])
    y = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
    c = numpy_helper.from_array(np.array([constant], np.float32), f"{prefix}c")
    graph = helper.make_graph(nodes, "graph", [x], [y], [c])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]).SerializeToString()


def test_names_inside_do_not_count(same_graphs):
    assert same_graphs.difference(model(), model("other_", side="m")) is None


@pytest.mark.parametrize(
    "other",
    [{"swapped": True}, {"constant": 3.0}, {"axis": 1}, {"side": 4}, {"output": "z"}],
    ids=lambda other: next(iter(other)),
)
def test_everything_else_counts(same_graphs, other):
    assert "was" in same_graphs.difference(model(), model(**other))


def test_bodies_of_nodes_count(same_graphs):
    def with_body(constant):
        body = helper.make_graph(
            [helper.make_node("Constant", [], ["b"], value_float=constant)],
            "body",
            [],
            [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)],
        )
        node = helper.make_node("If", ["x"], ["y"], then_branch=body, else_branch=body)
        x = helper.make_tensor_value_info("x", TensorProto.BOOL, [])
        graph = helper.make_graph([node], "graph", [x], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
        return helper.make_model(graph).SerializeToString()

    assert same_graphs.difference(with_body(1.0), with_body(1.0)) is None
    assert same_graphs.difference(with_body(1.0), with_body(2.0))


def test_shared_graphs_have_the_outputs_of_the_class_that_they_are_of(same_graphs):
    manifest = b'{"graphs": {"A": {"outputs": {"y": 1}}, "B": {"same_graph_as": "A"}}}'
    assert same_graphs.outputs(manifest) == {"A": {"y": 1}, "B": {"y": 1}}
