"""Convert two graphs to one opset, the higher of both, by ONNX's version converter.

The converter works on whole messages, does not know weights in other files, and drops local
functions and metadata. So weights are removed while it runs. Functions stay if they are valid in
the new opset as they are, and are inlined otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import onnx_ir as ir

from graphproc.emitters.onnx.emit import IR_VERSION
from graphproc.errors import FusionError
from graphproc.fusion import external
from graphproc.fusion.sources import Side

if TYPE_CHECKING:
    import onnx

SMALL = 1024
"""Tensors of up to this many bytes stay in the graph for the converter, which reads sizes and axes from some."""
_PLAIN = frozenset({ir.DataType.FLOAT, ir.DataType.INT64, ir.DataType.INT32, ir.DataType.BOOL, ir.DataType.DOUBLE})


def emitted_opset(model: Side) -> int:
    """Return the opset to write a preprocessing graph in: the model's, or the nearest that can be written."""
    return min(max(model.opset or min(IR_VERSION), min(IR_VERSION)), max(IR_VERSION))


def align(preprocessing: Side, model: Side) -> list[str]:
    """Convert the side with the lower opset or IR version to that of the other, in place.

    Returns:
        What was done, a sentence each.

    Raises:
        FusionError: the side with the lower opset cannot be converted, or ONNX Runtime cannot load
            the higher opset.
    """
    versions = [v for v in (preprocessing.opset, model.opset) if v is not None]
    wanted = max(versions, default=max(IR_VERSION))
    notes = []
    lower = None
    for side, other in ((preprocessing, model), (model, preprocessing)):
        if side.opset is None:
            side.graph.opset_imports[""] = wanted
        elif side.opset < wanted:
            before, lower = side.opset, side
            inlined = _convert(side, wanted, other)
            notes.append(f"{side.label} converted from opset {before} to {wanted}, the opset of the {other.label}")
            if inlined:
                notes.append(f"{side.label}: local functions put in place of their calls to convert them: {', '.join(inlined)}")
    for domain in set(preprocessing.graph.opset_imports) & set(model.graph.opset_imports):
        ours, theirs = (side.graph.opset_imports[domain] for side in (preprocessing, model))
        if ours != theirs:
            raise FusionError(
                f"opset of domain {domain!r}: {preprocessing.where} has {ours}, {model.where} has {theirs}. Export both for one."
            )
    version = max(preprocessing.model.ir_version, model.model.ir_version, 8)
    preprocessing.model.ir_version = model.model.ir_version = version
    _probe(wanted, version, preprocessing, model, lower is preprocessing)
    return notes


def _convert(side: Side, wanted: int, other: Side) -> list[str]:
    """Convert a side in place; return the names of functions that were inlined."""
    import onnx
    from onnx import version_converter

    problem = f"{side.where} has opset {side.opset} and {other.where} has {wanted}"
    if wanted > onnx.defs.onnx_opset_version():
        raise FusionError(f"{problem}: onnx {onnx.__version__} converts up to {onnx.defs.onnx_opset_version()}. Update onnx.")
    inlined = _free_functions(side, wanted)
    before = side.model
    try:
        lifted, proto = _without_weights(before)
        proto = version_converter.convert_version(proto, wanted)
        onnx.checker.check_model(proto)  # because the converter keeps operators that it does not know
        converted = ir.from_proto(proto)
    except Exception as error:  # the converter raises RuntimeError and the errors of its assertions
        line = (str(error).splitlines() or [type(error).__name__])[0].split(" failed: ")[-1]  # behind an assertion's place
        raise FusionError(f"{problem}, and the lower one cannot be converted ({line}). Export it again for {wanted}.") from error
    _restore(converted.graph, lifted)
    after = ir.Model(
        converted.graph,
        ir_version=before.ir_version,
        producer_name=before.producer_name,
        producer_version=before.producer_version,
        domain=before.domain,
        model_version=before.model_version,
        doc_string=before.doc_string,
        functions=list(before.functions.values()),
        metadata_props=dict(before.metadata_props),
    )
    for domain, version in before.graph.opset_imports.items():
        after.graph.opset_imports.setdefault(domain, version)
    after.graph.opset_imports[""] = wanted
    side.model = after
    return inlined


def _free_functions(side: Side, wanted: int) -> list[str]:
    """Declare the local functions for another opset if their nodes mean the same there, else inline all of them."""
    from onnx_ir.passes.common import InlinePass

    functions = list(side.model.functions.values())
    if all(_same_operators(f, f.opset_imports.get("", side.opset or wanted), wanted) for f in functions):
        for function in functions:
            if "" in function.opset_imports:
                function.opset_imports[""] = wanted
        return []
    for function in functions:
        # Nodes of all functions get into one graph, which has the side's opset.
        version = function.opset_imports.get("", side.opset)
        if not _same_operators(function, version or wanted, side.opset or wanted):
            raise FusionError(
                f"{side.where}: its function {function.domain}::{function.name} has opset {version}, the graph {side.opset}, and "
                f"so cannot be converted to {wanted}. Export the model for {wanted}."
            )
        if version is not None:
            function.opset_imports[""] = side.opset or wanted
    names = [f"{f.domain}::{f.name}" for f in functions]
    result = InlinePass()(side.model)
    side.model = result.model
    side.model.functions.clear()
    return names


def _same_operators(function: ir.Function, have: int, wanted: int) -> bool:
    """Tell whether every operator of a function is the same in both opsets."""
    import onnx

    def since(name: str, version: int) -> int | None:
        try:
            return onnx.defs.get_schema(name, version, "").since_version
        except onnx.defs.SchemaError:
            return None

    default = {node.op_type for node in function.all_nodes() if node.domain in ("", "ai.onnx")}
    return all(since(name, have) == since(name, wanted) is not None for name in default)


def _without_weights(model: ir.Model) -> tuple[dict[str, ir.TensorProtocol], onnx.ModelProto]:
    """Return the large weights by name, and the model as a message with inputs in their place."""
    from onnx_ir.passes.common import LiftConstantsToInitializersPass, LiftSubgraphInitializersToMainGraphPass

    def large(tensor: ir.TensorProtocol | None) -> bool:
        plain = tensor is not None and tensor.dtype in _PLAIN and not isinstance(tensor, ir.ExternalTensor)
        return tensor is not None and (not plain or tensor.nbytes > SMALL)

    # Only the main graph's weights can be taken out.
    if any(large(v.const_value) for graph in model.graph.subgraphs() for v in graph.initializers.values()):
        LiftSubgraphInitializersToMainGraphPass()(model)
    constants = [node.attributes.get("value") for node in model.graph.all_nodes() if node.op_type == "Constant"]
    if any(a is not None and a.type == ir.AttributeType.TENSOR and large(a.value) for a in constants):
        LiftConstantsToInitializersPass(size_limit=0)(model)
        LiftSubgraphInitializersToMainGraphPass()(model)
    graph = model.graph
    weights = [v for v in graph.initializers.values() if large(v.const_value)]
    lifted: dict[str, ir.TensorProtocol] = {}
    for value in weights:
        assert value.name is not None
        assert value.const_value is not None
        tensor = value.const_value
        lifted[value.name] = tensor
        value.shape = ir.Shape(tensor.shape)  # type: ignore[arg-type]
        value.type = ir.TensorType(tensor.dtype)
        del graph.initializers[value.name]
        value.const_value = None
        if value not in graph.inputs:
            graph.inputs.append(value)
    functions = dict(model.functions)
    model.functions.clear()
    model.ir_version = max(model.ir_version, 8)  # before 4, weights would have to be inputs
    try:
        return lifted, ir.to_proto(model)
    finally:
        model.functions.update(functions)


def _restore(graph: ir.Graph, lifted: dict[str, ir.TensorProtocol]) -> None:
    """Turn the inputs that took the place of weights into weights again."""
    for value in [v for v in graph.inputs if v.name in lifted]:
        graph.inputs.remove(value)
        value.const_value = lifted[str(value.name)]
        graph.register_initializer(value)


def _probe(opset: int, ir_version: int, preprocessing: Side, model: Side, converted: bool) -> None:
    """Check that ONNX Runtime takes the opset, and has the operators in it that a converted preprocessing needs."""
    import onnxruntime

    from graphproc.runtime.providers import session_options

    probe = preprocessing.model
    if not converted or any(external.tensors(probe)):
        ends = [ir.Value(name=name, shape=ir.Shape([1]), type=ir.TensorType(ir.DataType.FLOAT)) for name in ("x", "y")]
        node = ir.node("Identity", ends[:1], outputs=ends[1:])
        graph = ir.Graph(ends[:1], ends[1:], nodes=[node], opset_imports={"": opset}, name="probe")
        probe = ir.Model(graph, ir_version=ir_version)
    try:
        data = ir.to_proto(probe).SerializeToString()
        onnxruntime.InferenceSession(data, session_options("cpu", 1), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own classes share no base but Exception
        line = str(error).splitlines()[0]
        raise FusionError(
            f"{preprocessing.where} with {model.where}: the fused graph needs opset {opset} and IR version {ir_version}, which "
            f"onnxruntime {onnxruntime.__version__} does not load ({line}). Export the model for a lower opset."
        ) from error
