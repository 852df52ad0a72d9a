"""Weights in files beside a model: check them, and copy them without loading them.

Their byte ranges are copied one by one into a file next to the fused graph. A link would be cheaper, but
ONNX's own loaders refuse symbolic and hard links, and a later change of the model's file would change the
fused one.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import onnx_ir as ir

from graphproc.errors import FusionError
from graphproc.files import Writes, is_special

if TYPE_CHECKING:
    import onnx

MAX_PROTO = (1 << 31) - 1
"""The size in bytes of the largest message that protobuf writes."""
ALIGNMENT = 64 << 10
"""Large tensors start at multiples of this, so that every system can map them into memory.

Small ones start at multiples of 64.
"""
_CHUNK = 4 << 20


def tensors(model: ir.Model) -> Iterator[tuple[ir.ExternalTensor, Callable[[ir.TensorProtocol], None]]]:
    """Yield every tensor of a model that is stored in another file, with a function that puts a tensor in its place."""
    graphs = [model.graph, *model.graph.subgraphs()]
    for function in model.functions.values():
        graphs += [function.graph, *function.graph.subgraphs()]
    for graph in graphs:
        for value in list(graph.initializers.values()):
            if isinstance(value.const_value, ir.ExternalTensor):
                yield value.const_value, lambda tensor, value=value: setattr(value, "const_value", tensor)  # type: ignore[misc]
        for node in graph:
            for name, attribute in list(node.attributes.items()):
                if attribute.is_ref():
                    continue
                if attribute.type == ir.AttributeType.TENSOR and isinstance(attribute.value, ir.ExternalTensor):

                    def put(tensor: ir.TensorProtocol, node: ir.Node = node, name: str = name) -> None:
                        node.attributes[name] = ir.AttrTensor(name, tensor)

                    yield attribute.value, put


def check(model: ir.Model, where: str, folder: Path | None) -> None:
    """Check that every tensor in another file is there in full, and remember the folder.

    Args:
        model: the model.
        where: the model's name in messages.
        folder: the folder of the model's file; None for a model that did not come from a file.

    Raises:
        FusionError: a file is missing or too short, or lies outside the folder.
    """
    for tensor, _ in tensors(model):
        location = os.fspath(tensor.location)
        if folder is None:
            raise FusionError(
                f"{where}: the tensor {tensor.name!r} is stored in the file {location!r}, but the model was given without "
                "its folder. Give the model's path instead."
            )
        relative = os.path.normpath(location)
        if os.path.isabs(location) or relative.split(os.sep)[0] == os.pardir:
            raise FusionError(f"{where}: the tensor {tensor.name!r} is stored in {location!r}, outside the model's folder")
        tensor.base_dir = folder
        try:
            status = os.stat(tensor.path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise FusionError(f"{where}: its weights {tensor.path} cannot be read ({reason})") from None
        if not stat.S_ISREG(status.st_mode):
            raise FusionError(f"{where}: its weights {tensor.path} are no regular file")
        start, length = tensor.offset or 0, tensor.nbytes
        if tensor.length not in (None, 0, length):
            raise FusionError(f"{where}: the tensor {tensor.name!r} has {tensor.length} bytes, its shape needs {length}")
        if start < 0 or start + length > status.st_size:
            raise FusionError(
                f"{where}: the tensor {tensor.name!r} needs bytes {start} to {start + length} of {tensor.path}, "
                f"which has {status.st_size}. The file is cut short: fetch it again."
            )


def load(tensor: ir.ExternalTensor) -> ir.TensorProtocol:
    """Read one tensor into memory."""
    import onnx

    with open(tensor.path, "rb") as file:
        file.seek(tensor.offset or 0)
        raw = file.read(tensor.nbytes)
    proto = onnx.TensorProto(name=tensor.name or "", data_type=int(tensor.dtype), dims=tensor.shape.numpy(), raw_data=raw)
    return ir.serde.deserialize_tensor(proto)


def embed(model: ir.Model) -> onnx.ModelProto:
    """Return the model with all its weights inside.

    Raises:
        FusionError: the model would be larger than protobuf allows.
    """
    found = list(tensors(model))
    if (total := sum(tensor.nbytes for tensor, _ in found)) > MAX_PROTO:
        raise FusionError(
            f"model: its weights of {total:,} bytes do not fit into one ONNX message. Give output=PATH (-o FUSED), which "
            "writes them beside the graph."
        )
    loaded: dict[tuple[str, int, int], ir.TensorProtocol] = {}
    for tensor, put in found:
        key = (tensor.path, tensor.offset or 0, tensor.nbytes)
        if key not in loaded or loaded[key].name != tensor.name:
            loaded[key] = load(tensor)
        put(loaded[key])
    return ir.to_proto(model)


def write(model: ir.Model, output: Path, sources: list[Path]) -> tuple[onnx.ModelProto, list[Path]]:
    """Write a graph, and weights from other files into a file beside it, whole or not at all.

    Args:
        model: the graph.
        output: the file. Weights from other files go to `<output>.data`, or into the graph if `output` is a
            device or a pipe.
        sources: files that must not be overwritten.

    Returns:
        The model, with weights that refer to the written file, and the files.

    Raises:
        FusionError: a file cannot be written, or is one of the sources.
    """
    data = output.with_name(f"{output.name}.data")
    found = list(tensors(model))
    if is_special(output):  # there cannot be a file beside it
        embed(model)
        found = []
    targets = [output, data] if found else [output]
    kept = [*sources, *(Path(tensor.path) for tensor, _ in found)]
    for target in targets:
        if any(target.exists() and source.exists() and target.samefile(source) for source in kept):
            raise FusionError(f"{target}: is one of the files that are read. Write the fused graph under another name.")
    try:
        with Writes() as writes:
            if found:
                with writes.open(data) as file:
                    _move_all(found, data, file)
            proto = ir.to_proto(model)
            if proto.ByteSize() > MAX_PROTO:
                raise FusionError(
                    f"{output}: the graph has {proto.ByteSize():,} bytes, more than an ONNX message holds. Save the model with "
                    "its weights in a file beside it first."
                )
            with writes.open(output) as file:
                file.write(proto.SerializeToString(deterministic=True))
    except OSError as error:
        raise FusionError(f"{output}: cannot be written ({error.strerror}). See that the folder exists and has space.") from None
    return proto, targets


def _move_all(found: list[tuple[ir.ExternalTensor, Callable[[ir.TensorProtocol], None]]], data: Path, file: IO[bytes]) -> None:
    """Copy the tensors' bytes, shared bytes only once, and let the tensors refer to the copy."""
    starts: dict[tuple[str, int, int], int] = {}
    end = 0
    for tensor, put in found:
        key = (tensor.path, tensor.offset or 0, tensor.nbytes)
        if key not in starts:
            unit = ALIGNMENT if tensor.nbytes >= 1 << 20 else 64
            starts[key] = start = -(-end // unit) * unit
            file.write(bytes(start - end))
            _copy(tensor, file)
            end = start + tensor.nbytes
        put(
            ir.ExternalTensor(
                data.name,
                starts[key],
                tensor.nbytes,
                tensor.dtype,
                shape=tensor.shape,
                name=tensor.name or "",
                base_dir=data.parent,
            )
        )


def _copy(tensor: ir.ExternalTensor, file: IO[bytes]) -> None:
    left = tensor.nbytes
    with open(tensor.path, "rb", buffering=0) as source:
        source.seek(tensor.offset or 0)
        while left:
            chunk = source.read(min(left, _CHUNK))
            if not chunk:
                raise FusionError(f"{tensor.path}: became shorter while it was read")
            file.write(chunk)
            left -= len(chunk)
