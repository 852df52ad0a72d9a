"""Turn a graph into a list of nodes that torch runs.

Implementations are looked up and attributes are read once. A value is dropped after its last use.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from graphproc.emitters.onnx.preconditions import checked_by
from graphproc.errors import GraphError, ImageError
from graphproc.runtime.torch_ops.dtypes import DTYPES
from graphproc.runtime.torch_ops.table import IMPLEMENTATIONS

if TYPE_CHECKING:
    import onnx

Environment = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Node:
    """Describe one node of a graph.

    Attributes:
        operator: the ONNX operator.
        inputs: the names of its inputs, empty for absent ones.
        outputs: the names of its outputs.
        attributes: its attributes by name, with tensors as torch's. Attributes that hold graphs are
            in `bodies`.
        bodies: the graphs in its attributes, by the attribute's name.
        drops: the names of values that no later node reads.
    """

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    bodies: Mapping[str, Body]
    drops: tuple[str, ...]


Fetch = Callable[[Node, Environment], list[Any]]
"""Returns the inputs of a node, on the device where the node runs."""


@dataclass(frozen=True, slots=True)
class Body:
    """Hold a graph, or a graph inside a node.

    ONNX wants names to be unique in a graph and the graphs that surround it, so all of them share
    one environment.

    Attributes:
        inputs: the names of its inputs.
        outputs: the names of its outputs.
        nodes: its nodes in order.
        own: the names that it gives values to.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple[Node, ...]
    own: frozenset[str]

    def run(self, environment: Environment, fetch: Fetch) -> None:
        """Compute the outputs and add them to the environment.

        Args:
            environment: values by name: the inputs, the constants and those of the surrounding
                graphs.
            fetch: returns a node's inputs.

        Raises:
            ImageError: a check of the graph fails; the message says what does not hold.
            ValueError: a loop that should stack results ran no times.
        """
        for node in self.nodes:
            bodies = {name: body.bound(environment, fetch) for name, body in node.bodies.items()}
            try:
                results = IMPLEMENTATIONS[node.operator].apply(*fetch(node, environment), **node.attributes, **bodies)
            except RuntimeError as error:
                if reason := checked_by(node.outputs[0]):
                    raise ImageError(f"graph: {reason.rstrip('.')}. Give other images.") from error
                raise
            results = results if isinstance(results, tuple) else (results,)
            if len(results) < len(node.outputs):
                raise ValueError(f"{node.operator} ran no times, so the shapes of what it stacks are unknown")
            environment.update(zip(node.outputs, results, strict=False))  # trailing outputs may be left out
            for name in node.drops:
                del environment[name]

    def bound(self, environment: Environment, fetch: Fetch) -> Callable[..., list[Any]]:
        """Return the graph as a function of its inputs.

        The function returns the list of outputs, and removes the graph's own inputs and outputs
        from the environment.
        """

        def call(*inputs: Any) -> list[Any]:
            environment.update(zip(self.inputs, inputs, strict=True))
            self.run(environment, fetch)
            results = [environment[name] for name in self.outputs]
            for name in self.own.intersection(self.inputs + self.outputs):
                environment.pop(name, None)
            return results

        return call


def compile_graph(graph: onnx.GraphProto) -> tuple[Body, dict[str, Tensor]]:
    """Read a graph.

    Returns:
        Its nodes, and the constants of it and of the graphs inside, by name.

    Raises:
        GraphError: it has operators that are not implemented here; the message names all of them.
            Or a constant of a type that torch lacks.
    """
    constants: dict[str, Tensor] = {}
    missing: set[str] = set()
    body, _ = _body(graph, constants, missing)
    if missing:
        raise GraphError(
            f"graph: torch has no implementation of {', '.join(sorted(missing))}. A TorchModule runs preprocessing graphs of "
            f"standard operators ({len(IMPLEMENTATIONS)} of them); run this one with ONNX Runtime (gp.Session)."
        )
    return body, constants


def _body(graph: onnx.GraphProto, constants: dict[str, Tensor], missing: set[str]) -> tuple[Body, set[str]]:
    """Read a graph, and return also the names of surrounding values that it reads.

    Adds to `constants`, and to `missing` the operators that are not implemented.
    """
    constants.update({tensor.name: _tensor(tensor) for tensor in graph.initializer})
    inputs = tuple(value.name for value in graph.input if value.name not in constants)
    outputs = tuple(value.name for value in graph.output)
    parts: list[tuple[onnx.NodeProto, dict[str, Any], dict[str, Body], set[str]]] = []
    own = set(inputs)
    free = set(outputs)
    for node in graph.node:
        attributes, bodies, reads = {}, {}, {name for name in node.input if name}
        for attribute in node.attribute:
            if attribute.HasField("g"):
                bodies[attribute.name], inside = _body(attribute.g, constants, missing)
                reads |= inside
            else:
                attributes[attribute.name] = _attribute(attribute)
        if node.domain not in ("", "ai.onnx") or node.op_type not in IMPLEMENTATIONS:
            missing.add(f"{node.domain}.{node.op_type}".lstrip("."))
        parts.append((node, attributes, bodies, reads))
        own.update(name for name in node.output if name)
        free |= reads
    nodes: list[Node] = []
    later = set(outputs)
    for node, attributes, bodies, reads in reversed(parts):
        given = {name for name in node.output if name}
        drops = tuple(sorted(((reads & own) | given) - later))
        later |= reads
        nodes.append(Node(node.op_type, tuple(node.input), tuple(node.output), attributes, bodies, drops))
    return Body(inputs, outputs, tuple(reversed(nodes)), frozenset(own)), free - own


def _attribute(attribute: onnx.AttributeProto) -> Any:
    """Return the value of an attribute: a number, text, list, or tensor."""
    import onnx

    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, onnx.TensorProto):
        return _tensor(value)
    if isinstance(value, bytes):
        return value.decode()
    return list(value) if attribute.type in (onnx.AttributeProto.INTS, onnx.AttributeProto.FLOATS) else value


def _tensor(tensor: onnx.TensorProto) -> Tensor:
    """Return a constant as a torch tensor with memory of its own.

    Raises:
        GraphError: torch has no such element type.
    """
    import onnx

    if tensor.data_type not in DTYPES:
        name = onnx.TensorProto.DataType.Name(tensor.data_type)
        raise GraphError(f"graph: torch modules have no constants of type {name}, as {tensor.name!r} is")
    if tensor.data_type == onnx.TensorProto.BFLOAT16:  # numpy lacks it
        return torch.from_numpy(onnx.numpy_helper.to_array(tensor).astype("float32")).to(torch.bfloat16)
    return torch.from_numpy(onnx.numpy_helper.to_array(tensor).copy())
