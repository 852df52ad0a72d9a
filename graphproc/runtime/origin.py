"""Emit graphs anew from what they were emitted from: for one image size, or with kernels.

Fixing the dimensions of a graph for any size leaves its choices, and with a free batch its sizes,
too. The graph that is emitted for the size has neither, so it runs faster and is made in less time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from graphproc.configs.files import parse_json
from graphproc.emitters.onnx.digest import ENTRY, digest
from graphproc.errors import GraphprocError
from graphproc.ir.parse import parse
from graphproc.ir.program import Program
from graphproc.ir.tapped import tapped
from graphproc.passes.split import required
from graphproc.processors.registry import lookup
from graphproc.runtime.description import entry
from graphproc.version import __version__

if TYPE_CHECKING:
    import onnx

    from graphproc.emitters.onnx.emit import EmitOptions


@dataclass(frozen=True, slots=True)
class Origin:
    """What a graph was emitted from.

    Attributes:
        program: the program.
        options: how it was written.
        metadata: its description of itself, by whole keys.
    """

    program: Program
    options: EmitOptions
    metadata: Mapping[str, str] = field(default_factory=dict)

    def graph(self, image_size: tuple[int, int] | None = None, *, kernels: bool) -> bytes:
        """Return the graph with or without kernels; for a height and width, or for what it was emitted for.

        Raises:
            GraphprocError: the program takes no images of that size.
        """
        from graphproc.emitters.onnx.emit import emit

        options = replace(self.options, image_size=image_size or self.options.image_size, kernels=kernels)
        made: bytes = emit(self.program, options, self.metadata).SerializeToString()
        return made


def of_program(program: Program, *, kernels: bool) -> Origin:
    """Return the origin of a program's graphs for batches on the CPU."""
    from graphproc.emitters.onnx.emit import EmitOptions

    return Origin(program, EmitOptions(kernels=kernels))


def of_described(model: bytes | str) -> Origin | None:
    """Return the origin of a graph, which its metadata describe.

    Args:
        model: the graph; with weights in other files, its path.

    Returns:
        None for a graph that this version would not write from the description: another version's,
        one with a model behind it, or one that was changed.
    """
    if isinstance(model, str) or ENTRY.encode() not in model:
        return None
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    from graphproc.emitters.onnx.emit import EmitOptions

    try:
        found = onnx.load_from_string(model)
    except DecodeError:
        return None
    entries = {entry.key: entry.value for entry in found.metadata_props}
    metadata = {key.removeprefix("graphproc."): value for key, value in entries.items()}
    if metadata.get("version") != __version__ or "fusion" in metadata:
        return None
    opset = max((entry.version for entry in found.opset_import if not entry.domain), default=0)
    options: Any = {"target": metadata.get("target"), "input": metadata.get("input"), "opset": opset, **_sizes(found)}
    try:
        origin = Origin(_program(metadata), EmitOptions(**options, kernels="kernels" in metadata), entries)
    except (GraphprocError, ValueError, KeyError):
        return None
    # A description need not say all: what counts in calls alone (Idefics3's `return_row_col_info`) is no setting of a file.
    return origin if entries.get(ENTRY) == digest(found, origin.program) else None


def _sizes(model: onnx.ModelProto) -> dict[str, Any]:
    """Return the options that fix the batch, and the height and width of images, as the first input has them."""
    if not model.graph.input or not model.graph.input[0].type.HasField("tensor_type"):
        return {}
    dims = [dim.dim_value or None for dim in model.graph.input[0].type.tensor_type.shape.dim]
    sides = tuple(dims[-3:-1])
    fixed: dict[str, Any] = {"image_size": sides} if len(sides) == 2 and None not in sides else {}
    return {**fixed, "batch_size": dims[0]} if len(dims) == 4 else fixed


def _program(metadata: Mapping[str, str]) -> Program:
    """Return the program that a graph's description holds, or that of the settings in it.

    Raises:
        GraphprocError: they are not settings of a known class, or no program.
        ValueError: an entry is not JSON.
    """
    if "program" in metadata:
        return parse(metadata["program"])
    settings = parse_json(metadata["config"].encode(), "graphproc.config")
    spec = lookup(str(settings.pop("image_processor_type", "")))
    program = spec.program(
        spec.config(settings),
        color=metadata["color"],
        extra_inputs=entry(metadata, "inputs", list),
        several=metadata.get("several") == "true",
        backend=metadata["backend"],
    )
    program = required(program).bytes if metadata.get("part") == "bytes" else program
    return tapped(program, entry(metadata, "tap", list))
