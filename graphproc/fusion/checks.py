"""Check sizes at a joint: a node fails if a value has other sizes than the next part takes.

The node is named after the expected size. A check reads only shapes, so it takes the same few
microseconds for images of any size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx_ir as ir

from graphproc.emitters.onnx.preconditions import MARK
from graphproc.fusion.join import names_of

Array = np.ndarray[Any, Any]


def node_name(label: str, axis: int, size: int) -> str:
    """Return the name of the node that fails if an axis does not have its size."""
    return f"{MARK}{label}: axis {axis} must be {size}/Reshape"


def check(graph: ir.Graph, value: ir.Value, sizes: Mapping[int, int], rank: int, label: str) -> None:
    """Put a check behind a value, in place: its readers then read a copy of it with checked sizes.

    ONNX has no operator that checks. So for each axis, a vector with as many elements as the axis
    must have is reshaped to the number that it has. This fails if the numbers differ. The outcome
    is used as the shape of the result, so no runtime may remove the check.

    Args:
        graph: the graph that makes the value.
        value: the value that arrives.
        sizes: the sizes that it must have, by axis.
        rank: the number of its axes.
        label: the start of the nodes' names.
    """
    names = names_of(graph)
    nodes: list[ir.Node] = []

    def constant(array: Array, name: str) -> ir.Value:
        tensor = ir.tensor(array, name=names.free(f"{label}/{name}"))
        made = ir.Value(name=tensor.name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor)
        graph.register_initializer(made)
        return made

    def add(op: str, inputs: list[ir.Value], name: str, **settings: int) -> ir.Value:
        result = ir.Value(name=names.free(f"{name}_out"))
        nodes.append(ir.node(op, inputs, settings, outputs=[result], name=names.free(name)))
        return result

    readers = [(use.node, use.idx) for use in value.uses()]
    shape, kept = add("Shape", [value], f"{label}/Shape"), constant(np.zeros(1, np.int64), "kept")
    wanted = [kept] * rank
    for axis, size in sizes.items():
        have = add("Gather", [shape, constant(np.array([axis]), f"axis_{axis}")], f"{label}/Gather_{axis}", axis=0)
        blank = constant(np.zeros(size, np.uint8), f"size_{axis}")
        wanted[axis] = add("Shape", [add("Reshape", [blank, have], node_name(label, axis, size))], f"{label}/Shape_{axis}")
    result = add("Reshape", [value, add("Concat", wanted, f"{label}/Concat", axis=0)], f"{label}/Reshape")
    result.type = value.type
    known = value.shape or [None] * rank
    result.shape = ir.Shape([sizes.get(axis, side) for axis, side in enumerate(known)])
    producer = value.producer()
    if producer is not None and producer.graph is graph:
        graph.insert_after(producer, nodes)
    else:
        graph.insert_before(graph[0], nodes)
    for reader, index in readers:
        reader.replace_input_with(index, result)
