"""Extract the preprocessing from a fused graph, to compare it with the numpy reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx_ir as ir

from graphproc.errors import GraphError
from graphproc.runtime.description import entry

if TYPE_CHECKING:
    import onnx

KEY = "graphproc.fusion"


def preprocessing_of(model: onnx.ModelProto) -> tuple[onnx.ModelProto, dict[str, str]]:
    """Return the part of a fused graph that is in front of the model, as a graph.

    Args:
        model: the fused graph; weights in other files need not be there.

    Returns:
        The graph, with the images and the preprocessing's extra inputs, and the names that its outputs
        have, by the preprocessing's names.

    Raises:
        GraphError: the graph does not contain any output of the preprocessing unchanged.
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
