"""The preprocessing of a fused graph as a graph of its own again, to compare it with the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx_ir as ir

from graphproc.errors import GraphError
from graphproc.runtime.description import entry

if TYPE_CHECKING:
    import onnx

KEY = "graphproc.fusion"


def preprocessing_of(model: onnx.ModelProto) -> tuple[onnx.ModelProto, dict[str, str]]:
    """What is in front of the model in a fused graph.

    Args:
        model: the fused graph; weights in other files need not be there.

    Returns:
        A graph of the images and the preprocessing's further inputs, and its outputs: the preprocessing's names to the graph's.

    Raises:
        GraphError: nothing that the preprocessing gives is in the graph as it was.
    """
    metadata = {p.key.removeprefix("graphproc."): p.value for p in model.metadata_props}
    names: dict[str, str] = entry(metadata, "fusion", dict).get("preprocessing", {})
    if not names:
        raise GraphError(
            "graph: expected values of the preprocessing in the fused graph, found none; folding the normalization removes them. "
            "Verify the preprocessing graph before it is fused."
        )
    whole = ir.from_proto(model)
    values = {v.name: v for v in whole.graph.inputs} | {v.name: v for node in whole.graph for v in node.outputs}
    if missing := [name for name in names.values() if name not in values]:
        raise GraphError(f"graph: expected the value {missing[0]!r}, which {KEY} names, found none")
    outputs = [values[name] for name in names.values()]
    inputs = [v for v in whole.graph.inputs if not v.is_initializer()]
    graph = ir.convenience.extract(whole.graph, inputs, outputs)
    used = {v.name for node in graph.all_nodes() for v in node.inputs if v is not None}
    for value in [v for v in graph.inputs if v.name not in used]:
        graph.inputs.remove(value)
    part = ir.Model(graph, ir_version=whole.ir_version, functions=[f.clone() for f in whole.functions.values()])
    part.metadata_props.update({k: v for k, v in whole.metadata_props.items() if k != KEY})
    return ir.to_proto(part), names
