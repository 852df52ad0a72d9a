"""Find the normalization at the end of preprocessing: arithmetic with constants.

It may be in the graph itself or in loops that make images.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx_ir as ir

from graphproc.errors import FusionError

Array = np.ndarray[Any, Any]

_ARITHMETIC = ("Add", "Sub", "Mul", "Div")


class Affine:
    """Hold `scale * pixels + shift` in float64, with one number or one for each channel.

    Attributes:
        scale, shift: the numbers.
        steps: how many operations they combine.
    """

    def __init__(self) -> None:
        self.scale, self.shift, self.steps = np.ones(1), np.zeros(1), 0

    def prepend(self, op_type: str, number: Array) -> None:
        """Add an operation that comes before those already known."""
        if op_type in ("Add", "Sub"):
            self.shift = self.shift + self.scale * number * (1 if op_type == "Add" else -1)
        else:
            self.scale = self.scale * (number if op_type == "Mul" else 1 / number)
        self.steps += 1

    def prepend_all(self, other: Affine) -> None:
        """Add all operations of another, which come before those already known."""
        self.shift, self.scale = self.shift + self.scale * other.shift, self.scale * other.scale
        self.steps += other.steps


def normalization(value: ir.Value) -> tuple[ir.Value, ir.Node | None, Affine]:
    """Find the pixels that a value is made of, and the arithmetic in between.

    If loops normalize the images that they make, the pixels come from a copy of the loops that does not.

    Returns:
        The pixels; the node that adds a batch axis to one image, or None; the arithmetic.

    Raises:
        FusionError: there is no normalization.
    """
    batch = None
    node = value.producer()
    if node is not None and node.op_type == "Cast":
        unconverted = node.inputs[0]
        if unconverted is not None and unconverted.dtype is not None and unconverted.dtype.is_floating_point():
            value = unconverted  # skips the conversion at the joint
    node = value.producer()
    if node is not None and node.op_type == "Unsqueeze" and node.inputs[0] is not None:
        batch, value = node, node.inputs[0]
    found = Affine()
    for node, number, data in _operations(value, None):
        found.prepend(node.op_type, number)
        value = data
    node = value.producer()
    if node is not None and _graphs(node):
        copy = _copy(node)
        inner = _remove_arithmetic(copy)
        if inner.steps:
            assert node.graph is not None
            node.graph.insert_after(node, copy)
            found.prepend_all(inner)
            value = copy.outputs[0]
    if not found.steps:
        last = "an input" if node is None else f"{node.op_type} {node.name}".strip()
        raise FusionError(f"fold_normalize: expected a normalization at the end of the preprocessing, got {last}")
    return value, batch, found


def _operations(value: ir.Value, loop: ir.Node | None) -> Iterator[tuple[ir.Node, Array, ir.Value]]:
    """Yield the operations with constants that make a value, last first, each with its constant and its operand."""
    while (node := value.producer()) is not None and node.op_type in _ARITHMETIC and not node.domain:
        data, constant = node.inputs
        assert data is not None
        assert constant is not None
        number = _per_channel(constant, loop)
        if number is None and node.op_type in ("Add", "Mul"):
            data, number = constant, _per_channel(data, loop)
        if number is None:
            return
        yield node, number, data
        value = data


def _per_channel(value: ir.Value, loop: ir.Node | None) -> Array | None:
    """Return a constant in float64: one number, or one for each channel of [..., channels, height, width].

    In the body of a loop over strips of channels, the constant may be an element of `[channels, 1]`, in
    which each channel's number is repeated for each of its strips. This finds the numbers of all channels.
    """
    body = _graphs(loop)[0] if loop is not None and loop.op_type == "Scan" else None
    if body is not None and loop is not None and value in list(body.inputs):
        given = loop.inputs[list(body.inputs).index(value)]
        while given is not None and (node := given.producer()) is not None and node.op_type in ("Reshape", "Expand"):
            given = node.inputs[0]
        tensor = None if given is None else ir.convenience.get_const_tensor(given)
        return None if tensor is None else tensor.numpy().astype(np.float64).reshape(-1)
    tensor = ir.convenience.get_const_tensor(value)
    if tensor is None:
        return None
    array = tensor.numpy().astype(np.float64)
    if array.size == 1:
        return array.reshape(1)
    if array.ndim >= 3 and array.size == array.shape[-3]:
        return array.reshape(-1)
    return None


def _graphs(node: ir.Node) -> list[ir.Graph]:
    """Return the subgraphs of a choice or a loop that compute the node's results."""
    if node.domain or node.op_type not in ("If", "Scan") or len(node.outputs) > 1:
        return []
    return [a.as_graph() for a in node.attributes.values() if a.type == ir.AttributeType.GRAPH]


def _copy(node: ir.Node) -> ir.Node:
    attributes = [
        ir.AttrGraph(a.name, a.as_graph().clone(allow_outer_scope_values=True)) if a.type == ir.AttributeType.GRAPH else a
        for a in node.attributes.values()
    ]
    old = node.outputs[0]
    result = ir.Value(name=f"{old.name}/pixels", shape=old.shape, type=old.type)
    return ir.Node("", node.op_type, node.inputs, attributes, outputs=[result], name=f"{node.name}/pixels")


def _remove_arithmetic(node: ir.Node) -> Affine:
    """Remove the arithmetic at the end of the subgraphs of a choice or a loop, and return it.

    Raises:
        FusionError: the branches of a choice differ.
    """
    ends = [_remove_from_graph(graph, node) for graph in _graphs(node)]
    first = ends[0]
    if any(not (np.array_equal(e.scale, first.scale) and np.array_equal(e.shift, first.shift)) for e in ends):
        raise FusionError(f"fold_normalize: the branches of {node.name} normalize differently")
    return first


def _remove_from_graph(graph: ir.Graph, node: ir.Node) -> Affine:
    found = Affine()
    value = graph.outputs[0]
    while (last := value.producer()) is not None:
        for operation, number, data in list(_operations(value, node)):
            found.prepend(operation.op_type, number)
            operation.outputs[0].replace_all_uses_with(data, replace_graph_outputs=True)
            graph.remove(operation, safe=True)
            value = data
        last = value.producer()
        if last is None or last.op_type != "Reshape" or last.inputs[0] is None:
            break
        value = last.inputs[0]
    if last is not None and _graphs(last):
        found.prepend_all(_remove_arithmetic(last))
    return found
