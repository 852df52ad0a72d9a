"""Emit the second part of a split program: the map of bytes to floats, for the device that runs the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from graphproc.emitters.onnx.digest import ENTRY
from graphproc.emitters.onnx.emit import EmitOptions, emit
from graphproc.errors import EmitError
from graphproc.passes.split import Split
from graphproc.sizes import num

if TYPE_CHECKING:
    import onnx

FLOAT = "float32"
ELEMENTS: Mapping[str, int] = {FLOAT: 1, "float16": 10, "bfloat16": 16}
"""`onnx.TensorProto.DataType` of the floats that a map can give."""


def emit_map(
    parts: Split, first: onnx.ModelProto, options: EmitOptions, dtype: str = FLOAT, metadata: Mapping[str, Any] | None = None
) -> onnx.ModelProto:
    """Write the map of a split program as an ONNX model.

    It reads each mapped output of the first part's graph, as `input_<its name>`, and gives the
    floats under the output's name. Arithmetic is in float32, with the bits of the whole; narrower
    floats are these results, rounded once to the nearest, ties to even.

    Args:
        parts: the split program.
        first: the graph of its first part.
        options: how that was written. The map has its target, opset and sizes.
        dtype: the results' element type, a key of `ELEMENTS`.
        metadata: entries for `metadata_props`, as for `emit`.

    Raises:
        EmitError: the element type is none of these.
    """
    if dtype not in ELEMENTS:
        raise EmitError(f"dtype: expected one of {', '.join(ELEMENTS)}, got {dtype!r}")
    dims = {value.name: value.type.tensor_type.shape for value in first.graph.output if value.name in parts.mapped}
    shapes = {name: tuple(_length(dim, f"{name}_{axis}") for axis, dim in enumerate(dims[name].dim)) for name in dims}
    program = parts.map_of(shapes)
    model = emit(program, replace(options, input="image", batch_size=None, kernels=False), metadata)
    for read, given in zip(model.graph.input, model.graph.output, strict=True):
        for value in (read, given):  # in the first graph's words
            value.type.tensor_type.shape.CopyFrom(dims[given.name])
        if dtype != FLOAT:
            _round(model.graph, given, ELEMENTS[dtype])
    for entry in [entry for entry in model.metadata_props if entry.key == ENTRY]:
        model.metadata_props.remove(entry)  # no session emits this graph anew
    return model


def _length(dim: onnx.TensorShapeProto.Dimension, name: str) -> num.Num:
    return dim.dim_value if dim.HasField("dim_value") else num.symbol(name)


def affine_entry(parts: Split) -> dict[str, Any]:
    """Return the lines nearest to the maps as data, for each output.

    These are a scale and an offset for each channel, where the channels are as in `ByteMap`, and
    the largest difference from the map.
    """
    entries = {}
    for name, output in parts.mapped.items():
        line, channels = output.line(), output.map.channels
        entries[name] = {
            "scale": [float(v) for v in line.scale],
            "offset": [float(v) for v in line.offset],
            "bound": line.bound,
            **({"axis": output.map.axis, "each": output.map.each} if channels > 1 else {}),
        }
    return entries


def _round(graph: onnx.GraphProto, given: onnx.ValueInfoProto, element: int) -> None:
    """Round one output of a graph to a narrower type."""
    import onnx

    floats = f"{given.name}_float32"
    for node in graph.node:
        node.output[:] = [floats if name == given.name else name for name in node.output]
    graph.node.append(onnx.helper.make_node("Cast", [floats], [given.name], name=f"{given.name}/Cast", to=element))
    given.type.tensor_type.elem_type = element
