"""Compute what known sizes decide, in graphs with inputs of one fixed shape.

Ops are emitted for a batch of any number of images, so they ask for shapes (`Shape`) and repeat
values to shapes (`Expand`). Where every input's shape is fixed, shape inference knows most of it.
Compilers that want static graphs (ExecuTorch, TVM) then see no arithmetic on sizes.

The program's types and ONNX's inference give the shapes. What they do not know stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx_ir as ir

from graphproc.emitters.onnx.checks import CUDA_KERNELS
from graphproc.emitters.onnx.operators import DTYPE_OF, FOLDED

if TYPE_CHECKING:
    import onnx

Array = np.ndarray[Any, Any]
Shapes = Mapping[str, tuple[int, ...]]
"""Shapes by the names of values."""

_COMPUTED: Mapping[str, Callable[..., Array]] = {**FOLDED, "Unsqueeze": lambda x, axes: np.expand_dims(x, tuple(axes.tolist()))}

MOST_BYTES = 64 << 10
"""How large a constant may become that is a smaller one, repeated.

A larger one is repeated when the graph runs, so that files stay small.
"""


def fold_known_sizes(model: ir.Model, target: str, known: Shapes) -> None:
    """Replace `Shape` by constants and `Expand` by constants, by `Tile` or by nothing, wherever shapes are known.

    Nodes that are left with nothing but constants are computed as well. Nodes that nothing reads
    any more stay; the caller drops them.

    Args:
        model: the model; it is changed.
        target: what it is written for. CUDA's `Tile` does not take bytes and bools, so there `Expand` stays for these.
        known: the shapes of values as their IR types say; a value may have been reshaped since.
    """
    changed = True
    while changed:
        shapes = _shapes(ir.to_proto(model), known)
        nodes = list(ir.traversal.RecursiveGraphIterator(model.graph))
        changed = sum([_Folding(model.graph, shapes, target).fold(node) for node in nodes]) > 0


class _Folding:
    """Fold the nodes of one graph, with the shapes that are known of its values."""

    def __init__(self, graph: ir.Graph, shapes: Shapes, target: str) -> None:
        self._graph = graph
        self._shapes = shapes
        self._target = target

    def fold(self, node: ir.Node) -> bool:
        """Replace a node if what is known allows it; return whether it did."""
        result = node.outputs[0]
        if not (result.uses() or result.is_graph_output()) or len(node.outputs) > 1:
            return False
        known = self._computed(node)
        if known is not None:
            self._put(node, self._constant(known, str(result.name)))
            return True
        return node.op_type == "Expand" and self._repeated(node)

    def _computed(self, node: ir.Node) -> Array | None:
        """Return what a node computes, if that is known and no large constant."""
        first = node.inputs[0] if node.inputs else None
        if node.op_type == "Shape" and first is not None:
            shape = self._shapes.get(str(first.name))
            start, end = (a.as_int() if (a := node.attributes.get(key)) else None for key in ("start", "end"))
            return None if shape is None else np.asarray(shape[start:end], dtype=np.int64)
        constants = [value.const_value for value in node.inputs if value is not None and value.const_value is not None]
        if not constants or len(constants) < len(node.inputs):
            return None
        inputs = [constant.numpy() for constant in constants]
        if node.op_type == "Expand":
            array, wanted = inputs
            sides = np.broadcast_shapes(array.shape, tuple(wanted.tolist()))
            return np.broadcast_to(array, sides) if np.prod(sides) * array.itemsize <= MOST_BYTES else None
        compute = _COMPUTED.get(node.op_type)
        if compute is None or node.domain:
            return None
        return np.asarray(compute(*inputs, **{key: attribute.value for key, attribute in node.attributes.items()}))

    def _repeated(self, node: ir.Node) -> bool:
        """Replace an `Expand` of a value of known shape to a known shape; return whether it could be done."""
        value, wanted = node.inputs
        have = None if value is None else self._shapes.get(str(value.name))
        if value is None or wanted is None or have is None or wanted.const_value is None or value.dtype is None:
            return False
        sides = np.broadcast_shapes(have, tuple(wanted.const_value.numpy().tolist()))
        even = (1,) * (len(sides) - len(have)) + have
        times = [1 if one == side else side for one, side in zip(even, sides, strict=True)]
        repeats = any(time != 1 for time in times)
        if repeats and self._target == "cuda" and DTYPE_OF[value.dtype] not in CUDA_KERNELS["Tile"]:
            return False
        for operator, argument in ([("Reshape", even)] if even != have else []) + ([("Tile", times)] if repeats else []):
            shape = self._constant(np.asarray(argument, dtype=np.int64), f"{node.outputs[0].name}/{operator}")
            made = ir.node(operator, [value, shape], name=f"{node.name}/{operator}")
            made.outputs[0].name, made.outputs[0].type = f"{made.name}_out", node.outputs[0].type
            _graph_of(node).insert_before(node, made)
            value = made.outputs[0]
        self._put(node, value)
        return True

    def _put(self, node: ir.Node, value: ir.Value) -> None:
        """Let readers of a node's result read a value instead. A graph's output keeps its name."""
        result, graph = node.outputs[0], _graph_of(node)
        if result.is_graph_output():
            same = ir.node("Identity", [value], name=f"{node.name}/Identity")
            graph.insert_before(node, same)
            new = same.outputs[0]
            new.name, new.type, new.shape = result.name, result.type, result.shape
            result.name = f"{result.name}/unused"
            graph.outputs[graph.outputs.index(result)] = new
            value = new
        ir.convenience.replace_all_uses_with(result, value)

    def _constant(self, array: Array, name: str) -> ir.Value:
        """Return a constant of the whole graph, an existing one if there is an equal one."""
        array = np.ascontiguousarray(array) if array.ndim else array
        for value in self._graph.initializers.values():
            kept = value.const_value
            alike = kept is not None and kept.shape == array.shape and kept.dtype == ir.DataType.from_numpy(array.dtype)
            if kept is not None and alike and kept.numpy().tobytes() == array.tobytes():
                return value
        name = f"{name}_known"
        tensor = ir.tensor(array, name=name)
        made = ir.Value(name=name, shape=ir.Shape(array.shape), type=ir.TensorType(tensor.dtype), const_value=tensor)
        self._graph.initializers[name] = made
        return made


def _graph_of(node: ir.Node) -> ir.Graph:
    """Return the graph that a node is in, which may be the body of another node."""
    assert isinstance(node.graph, ir.Graph)
    return node.graph


def _shapes(model: onnx.ModelProto, typed: Shapes) -> Shapes:
    """Return the shapes that are known as a whole; names are unique in a model.

    Behind a loop, inference knows a rank and some lengths. A type that agrees with these has the
    others, from which inference goes on.
    """
    import onnx

    while True:
        model = onnx.shape_inference.infer_shapes(model, data_prop=True)
        found = dict(_found(model.graph))
        agreed = {name: typed[name] for name, lengths in found.items() if None in lengths and _agrees(typed.get(name), lengths)}
        values = [value for value in (*model.graph.value_info, *model.graph.output) if value.name in agreed]
        for value in values:
            for dim, length in zip(value.type.tensor_type.shape.dim, agreed[value.name], strict=True):
                dim.dim_value = length
        if not values:
            return {name: tuple(map(int, lengths)) for name, lengths in found.items() if None not in lengths}  # type: ignore[arg-type]


def _agrees(shape: Sequence[int] | None, lengths: Sequence[int | None]) -> bool:
    """Return whether a shape has the lengths that are known."""
    if shape is None or len(shape) != len(lengths):
        return False
    return all(known in (None, length) for known, length in zip(lengths, shape, strict=True))


def _found(graph: onnx.GraphProto) -> Iterator[tuple[str, tuple[int | None, ...]]]:
    """Yield the shapes of the values in a graph and in the graphs inside its nodes, with None for unknown lengths."""
    for value in (*graph.input, *graph.value_info, *graph.output):
        if value.type.tensor_type.HasField("shape"):
            dims = value.type.tensor_type.shape.dim
            yield value.name, tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in dims)
    yield from ((tensor.name, tuple(tensor.dims)) for tensor in graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _found(attribute.g)
