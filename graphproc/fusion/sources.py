"""Read, check and describe the two graphs that are joined, without their weights."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx_ir as ir

from graphproc.errors import FusionError
from graphproc.files import LFS_HINT, is_lfs_pointer
from graphproc.fusion import external

if TYPE_CHECKING:
    import onnx


@dataclass
class Side:
    """Hold one of the two graphs.

    Attributes:
        label: `preprocessing` or `model`.
        where: its name in messages: the label, with the path if it came from a file.
        path: its file, or None.
        model: the graph; tensors in other files are not loaded.
    """

    label: str
    where: str
    path: Path | None
    model: ir.Model

    @property
    def graph(self) -> ir.Graph:
        """Return the main graph."""
        return self.model.graph

    @property
    def opset(self) -> int | None:
        """Return the version of the default ONNX domain, or None if nothing uses it."""
        imports = self.graph.opset_imports
        return imports.get("", imports.get("ai.onnx"))


def read(source: Any, label: str) -> Side:
    """Read one side.

    Args:
        source: the path of an ONNX file, its bytes, or a model.
        label: `preprocessing` or `model`.

    Raises:
        FusionError: the file is missing, is not an ONNX model, breaks ONNX's rules, or its weights are missing or cut short.
    """
    path = Path(source) if isinstance(source, (str, os.PathLike)) else None
    where = label if path is None else f"{label} {path}"
    proto = _proto(source, path, where)
    if not proto.graph.output:
        raise FusionError(f"{where}: expected an ONNX model, got a graph without outputs")
    if any(graph.sparse_initializer for graph in _graphs(proto.graph)):
        raise FusionError(f"{where}: its weights are sparse tensors, which cannot be joined. Make them dense.")
    try:
        model = ir.from_proto(proto)
    except Exception as error:  # onnx-ir raises KeyError, ValueError, TypeError and its own errors
        raise FusionError(f"{where}: not a valid ONNX model ({_first_line(error)})") from error
    imports = model.graph.opset_imports
    if "ai.onnx" in imports:  # the default domain's other spelling
        imports[""] = max(imports.pop("ai.onnx"), imports.get("", 0))
    side = Side(label, where, path, model)
    _check(side)
    external.check(model, where, None if path is None else path.parent)
    if model.ir_version < 4:  # ONNX required weights to be listed as inputs then
        for value in [v for v in model.graph.inputs if v.is_initializer()]:
            model.graph.inputs.remove(value)
    return side


def _proto(source: Any, path: Path | None, where: str) -> onnx.ModelProto:
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    if isinstance(source, onnx.ModelProto):
        return source
    if path is None and not isinstance(source, bytes):
        raise FusionError(f"{where}: expected a path, bytes or an onnx.ModelProto, got {type(source).__name__}")
    try:
        return onnx.load_model_from_string(source if path is None else path.read_bytes())
    except OSError as error:
        raise FusionError(f"{where}: cannot be read ({error.strerror}). Give the path of an ONNX file.") from None
    except (DecodeError, ValueError):
        if is_lfs_pointer(source if path is None else path):
            raise FusionError(f"{where}: {LFS_HINT}.") from None
        raise FusionError(f"{where}: expected an ONNX model, got something else or half a file") from None


def _graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from _graphs(attribute.g)


def _check(side: Side) -> None:
    """Refuse graphs with values that nothing computes, or with cycles."""
    graph = side.graph
    declared = set(graph.inputs)
    for inside in (*graph.subgraphs(), graph):
        declared.update(inside.inputs)
    for node in graph.all_nodes():
        for read in node.inputs:
            if read is not None and read.producer() is None and not read.is_initializer() and read not in declared:
                raise FusionError(
                    f"{side.where}: not a valid ONNX model, node {node.name or node.op_type!r} reads {read.name!r}, "
                    "which nothing gives"
                )
    for value in graph.outputs:
        if value.producer() is None and not value.is_initializer() and value not in declared:
            raise FusionError(f"{side.where}: not a valid ONNX model, nothing gives its output {value.name!r}")
    try:
        graph.sort()
    except ValueError as error:
        raise FusionError(f"{side.where}: not a valid ONNX model, its nodes form a cycle ({_first_line(error)})") from error


def _first_line(error: BaseException) -> str:
    while error.__cause__ is not None:  # onnx-ir wraps an error in one that says where it happened
        error = error.__cause__
    return (str(error).splitlines() or [type(error).__name__])[0]


def dims(value: ir.Value) -> list[int | str | None] | None:
    """Return the dimensions of a value: ints, names, or None for unknown ones; None for an unknown rank."""
    if value.shape is None:
        return None
    return [d if isinstance(d, int) else d.value for d in value.shape]


def describe(value: ir.Value) -> str:
    """Return text for a value: `pixel_values (float32 [batch, 3, 224, 224])`."""
    sides = dims(value)
    shape = "of unknown rank" if sides is None else f"[{', '.join('?' if d is None else str(d) for d in sides)}]"
    return f"{value.name} ({type_name(value)} {shape})"


def type_name(value: ir.Value) -> str:
    """Return a name for a value's element type, e.g. `float32`."""
    kind = value.type
    if not isinstance(kind, ir.TensorType):
        return type(kind).__name__ if kind is not None else "of unknown type"
    return _NAMES.get(kind.dtype, kind.dtype.name.lower())


_NAMES: Mapping[ir.DataType, str] = {ir.DataType.FLOAT: "float32", ir.DataType.DOUBLE: "float64"}


def free_inputs(side: Side) -> list[ir.Value]:
    """Return the inputs that a run must give: those without a default."""
    return [v for v in side.graph.inputs if not v.is_initializer()]
