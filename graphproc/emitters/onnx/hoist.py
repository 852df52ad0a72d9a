"""Move reshapes before elementwise arithmetic.

The node that writes an output cannot share its operand's memory, so a Reshape there would copy all
elements.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import onnx_ir as ir

from graphproc.ir.builder_protocol import Move
from graphproc.sizes.num import Num

if TYPE_CHECKING:
    from graphproc.emitters.onnx.builder import GraphBuilder
    from graphproc.emitters.onnx.nodes import Value

_ELEMENTWISE = ("Cast", "Add", "Sub", "Mul", "Div")


def hoist_reshape(g: GraphBuilder, x: Value, move: Move, merged: int = 0) -> Value:
    """Reshape a whole tensor before the elementwise arithmetic with constants that it comes from.

    Concatenation along the last axis is passed, too: its operands are reshaped.

    Args:
        g: the graph under construction.
        x: a tensor that nothing else reads.
        move: emits nodes that reshape a value; for a part of one it gets the length of the part's
            last axis, else None.
        merged: the axis of the value, counted from the end, that `move` merges with another, or 0.
            Constants that vary along it are not passed.
    """
    reshaped: Callable[[Value, Num | None], Value] = move

    def moved(x: Value, readers: int, width: Num | None) -> Value:
        node = x.producer()
        if node is None or node not in g.nodes or len(x.uses()) != readers:
            return reshaped(x, width)
        if g.functions is not None and g.functions.is_call(node):
            return _reshaped_call(g, node, reshaped(x, width))
        operands = [operand for operand in node.inputs if operand is not None]
        last = node.op_type == "Concat" and node.attributes["axis"].value == -1
        joins = last and merged != -1 and all(operand in g.types for operand in operands)
        if not joins and not (node.op_type in _ELEMENTWISE and all(_constant_along(other, merged) for other in operands[1:])):
            return reshaped(x, width)
        new: dict[Value, Value] = {}
        for operand in operands if joins else operands[:1]:
            if operand not in new:
                own = g.types[operand].shape[-1] if joins else width
                new[operand] = moved(operand, operands.count(operand), own)
        g.nodes.remove(node)
        g.nodes.append(node)
        for position, operand in enumerate(operands):
            if operand in new:
                node.replace_input_with(position, new[operand])
        return x

    return moved(x, 0, None)


def _reshaped_call(g: GraphBuilder, call: ir.Node, moved: Value) -> Value:
    """Return the result of a kernel's call in the shape of what a move has made of it.

    The kernel then writes that shape itself. If the move is more than one Reshape or Unsqueeze, it
    stays.
    """
    assert g.functions is not None
    move, x = moved.producer(), call.outputs[0]
    if move is None or move.inputs[0] is not x or move.op_type not in ("Reshape", "Unsqueeze"):
        return moved
    shape = move.inputs[1]
    if move.op_type == "Unsqueeze":  # in front: what makes a sample or a batch of one
        shape = g.vector(1, g.functions.shape(g, call))
    if shape is None or not g.functions.reshape(g, call, shape):
        return moved
    g.nodes.remove(move)
    move.replace_input_with(0, None)
    g.nodes.remove(call)
    g.nodes.append(call)  # behind the nodes that compute the shape
    return x


def _constant_along(x: Value, axis: int) -> bool:
    """Return whether a value is known and does not vary along an axis, counted from the end.

    Axis 0 stands for no axis.
    """
    if x.const_value is None:
        return False
    shape = x.const_value.shape.numpy()
    return axis == 0 or len(shape) < -axis or shape[axis] == 1
