"""Make one graph of two: rename equal names, connect outputs with inputs, remove unused nodes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import onnx_ir as ir

from graphproc.errors import FusionError
from graphproc.fusion.match import TO_NHWC, Joint
from graphproc.fusion.sources import Side


def join(preprocessing: Side, model: Side, joints: Sequence[Joint], keep: Collection[str]) -> tuple[list[ir.Value], list[str]]:
    """Move the preprocessing in front of the model's graph, in place.

    Args:
        preprocessing: the side that is taken from; it is unusable afterwards.
        model: the side that becomes the fused graph.
        joints: which output goes into which input.
        keep: the preprocessing's outputs that the fused graph has as well, after the model's.

    Returns:
        The value that arrives at each joint, and what was renamed, a sentence each.

    Raises:
        FusionError: an output to keep is unknown.
    """
    ours, theirs = preprocessing.graph, model.graph
    outputs = {str(v.name): v for v in ours.outputs}
    if unknown := [name for name in keep if name not in outputs]:
        raise FusionError(f"keep: the {preprocessing.where} has no output {unknown[0]!r}; it has {', '.join(outputs)}")
    kept = [outputs[name] for name in outputs if name in keep]
    _rename_functions(preprocessing, model)
    given = list(ours.inputs)
    for joint in joints:
        theirs.inputs.remove(joint.target)
    notes = _rename(preprocessing, model, [*given, *kept])
    ours.inputs.clear()
    ours.outputs.clear()
    nodes = list(ours)
    ours.remove(nodes)
    weights = list(ours.initializers.values())
    ours.initializers.clear()
    for value in weights:
        theirs.register_initializer(value)
    names = names_of(theirs)
    names.update(n.name for n in nodes if n.name)
    names.update(v.name for node in nodes for v in node.outputs)
    arriving: dict[tuple[ir.Value, bool, ir.DataType | None], ir.Value] = {}
    arrived = []
    for joint in joints:
        key = (joint.source, joint.transpose, joint.cast)
        if key not in arriving:
            arriving[key] = lead(joint, names, nodes, preprocessing.label)
        _replace(joint.target, arriving[key], theirs, names, preprocessing.label)
        arrived.append(arriving[key])
    first = next(iter(theirs), None)
    if first is None:
        theirs.extend(nodes)
    else:
        theirs.insert_before(first, nodes)
    theirs.inputs[:0] = given
    theirs.outputs.extend(kept)
    _drop_unused(theirs, nodes, weights)
    for domain, version in ours.opset_imports.items():
        theirs.opset_imports.setdefault(domain, version)
    model.model.functions.update(preprocessing.model.functions)
    return arrived, notes


def lead(joint: Joint, names: Names, nodes: list[ir.Node], prefix: str) -> ir.Value:
    """Return the value for the model's input: the output, transposed and converted if need be."""
    value = joint.source
    for wanted, op, settings in (
        (joint.transpose, "Transpose", {"perm": list(TO_NHWC)}),
        (joint.cast is not None, "Cast", {"to": int(joint.cast or 0)}),
    ):
        if not wanted:
            continue
        dtype = joint.cast if op == "Cast" else value.dtype
        shape = None if joint.sides is None else ir.Shape(joint.sides)
        result = ir.Value(name=names.free(f"{prefix}/{joint.source.name}/{op}_out"), shape=shape, type=ir.TensorType(dtype))  # type: ignore[arg-type]
        nodes.append(ir.node(op, [value], settings, outputs=[result], name=names.free(f"{prefix}/{joint.source.name}/{op}")))
        value = result
    return value


def _replace(target: ir.Value, value: ir.Value, graph: ir.Graph, names: Names, prefix: str) -> None:
    """Replace a model's input for all its readers. An input that is also an output keeps its name."""
    if target.is_graph_output():
        for index, output in enumerate(list(graph.outputs)):
            if output is target:
                result = ir.Value(name=target.name, shape=target.shape, type=target.type)
                graph.outputs[index] = result
                graph.append(ir.node("Identity", [target], outputs=[result], name=names.free(f"{prefix}/{target.name}/Identity")))
    ir.convenience.replace_all_uses_with(target, value, replace_graph_outputs=True)


# ---- names -----------------------------------------------------------------------------------------------------


class Names(set[str | None]):
    """Names in use."""

    def free(self, name: str) -> str:
        """Return the name, or the name with the first number that makes it new; count it as in use."""
        found, count = name, 1
        while found in self:
            count += 1
            found = f"{name}_{count}"
        self.add(found)
        return found


def free_name(side: Side, name: str) -> str:
    """Return the name, or a similar one that no value of the side has."""
    used = Names(v.name for v in _values(side.graph))
    return name if name not in used else used.free(f"{side.label}_{name}")


def names_of(graph: ir.Graph) -> Names:
    """Return the names of all values and nodes of a graph."""
    names = Names(v.name for v in _values(graph))
    names.update(n.name for n in graph.all_nodes() if n.name)
    return names


def _values(graph: ir.Graph) -> Iterator[ir.Value]:
    """Yield every value of a graph and of the graphs inside its nodes."""
    for inside in (graph, *graph.subgraphs()):
        yield from inside.inputs
        yield from (v for v in inside.initializers.values() if v not in inside.inputs)
        for node in inside:
            yield from (v for v in node.outputs if v.name)


def _rename(preprocessing: Side, model: Side, public: Sequence[ir.Value]) -> list[str]:
    """Rename values and nodes so that no two have one name.

    The model's inputs and outputs keep their names. Then come, each keeping its name unless it is taken,
    the preprocessing's inputs and kept outputs, the model's other values, and the preprocessing's others.
    """
    ours, theirs = preprocessing.graph, model.graph
    notes = []
    fixed = {v: v.name for v in (*theirs.inputs, *theirs.outputs)}
    outside = Names(fixed.values())
    everything = Names(v.name for v in (*_values(theirs), *_values(ours)))
    for value in public:
        if value.name in outside:
            old, value.name = value.name, everything.free(f"{preprocessing.label}_{value.name}")
            notes.append(
                f"{old} of the {preprocessing.label} is called {value.name}: "
                f"the {model.label} has an input or output of that name"
            )
        outside.add(value.name)
    for value in _values(theirs):
        if value.name in outside and value not in fixed:
            value.name = everything.free(f"{model.label}/{value.name}")
    used = Names(v.name for v in _values(theirs)) | outside
    for value in list(_values(ours)):
        if value.name in used and value not in public:
            value.name = everything.free(f"{preprocessing.label}/{value.name}")
    nodes = Names(n.name for n in theirs.all_nodes())
    both = Names({*nodes, *(n.name for n in ours.all_nodes())})
    for node in ours.all_nodes():
        if node.name and node.name in nodes:
            node.name = both.free(f"{preprocessing.label}/{node.name}")
    return notes


def _rename_functions(preprocessing: Side, model: Side) -> None:
    """Rename the preprocessing's local functions if their names mean something else on the model's side, and the reverse."""
    for side, other in ((preprocessing, model), (model, preprocessing)):
        used = {n.op_identifier() for n in _all_nodes(other)} | set(other.model.functions)
        for key, function in list(side.model.functions.items()):
            if key not in used or (side is model and key in preprocessing.model.functions):
                continue
            domain, name, overload = key
            count = 1
            while (domain, f"{name}_{side.label}{count if count > 1 else ''}", overload) in used | set(side.model.functions):
                count += 1
            function.name = f"{name}_{side.label}{count if count > 1 else ''}"
            for node in _all_nodes(side):
                if node.op_identifier() == key:
                    node.op_type = function.name
            del side.model.functions[key]
            side.model.functions[function.identifier()] = function


def _all_nodes(side: Side) -> Iterator[ir.Node]:
    yield from side.graph.all_nodes()
    for function in side.model.functions.values():
        yield from function.all_nodes()


def _drop_unused(graph: ir.Graph, nodes: Sequence[ir.Node], weights: Sequence[ir.Value]) -> None:
    """Remove nodes and weights that no output needs any more, last first."""
    for node in reversed(nodes):
        if not any(out.uses() or out.is_graph_output() for out in node.outputs):
            graph.remove(node, safe=True)
    for value in weights:
        if not value.uses() and not value.is_graph_output():
            del graph.initializers[str(value.name)]
