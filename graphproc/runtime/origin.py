"""Emit graphs anew from what they were emitted from: for one image size, or with kernels.

Fixing the dimensions of a graph for any size leaves its choices, and with a free batch its sizes,
too. The graph that is emitted for the size has neither, so it runs faster and is made in less time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from graphproc.configs.files import parse_json
from graphproc.errors import GraphprocError
from graphproc.ir.program import Program
from graphproc.processors.registry import lookup
from graphproc.runtime.description import entry
from graphproc.version import __version__

if TYPE_CHECKING:
    import onnx

    from graphproc.emitters.onnx.emit import EmitOptions


@dataclass(frozen=True, slots=True)
class Origin:
    """What a graph for images of any size was emitted from.

    Attributes:
        program: the program.
        options: how it was written.
    """

    program: Program
    options: EmitOptions

    def graph(self, image_size: tuple[int, int] | None = None, *, kernels: bool) -> bytes:
        """Return the graph for images of a height and width, or of any, with or without kernels.

        Raises:
            GraphprocError: the program takes no images of that size.
        """
        from graphproc.emitters.onnx.emit import emit

        made: bytes = emit(self.program, replace(self.options, image_size=image_size, kernels=kernels)).SerializeToString()
        return made


def of_program(program: Program) -> Origin:
    """Return the origin of a program's graphs for batches on the CPU."""
    from graphproc.emitters.onnx.emit import EmitOptions

    return Origin(program, EmitOptions())


def of_described(model: bytes | str, metadata: Mapping[str, str]) -> Origin | None:
    """Return the origin of a graph for images of any size.

    Args:
        model: the graph; with weights in other files, its path.
        metadata: its description of itself.

    Returns:
        None for a graph that this version would not write from the description: another version's,
        one with a model behind it, or one that was changed.
    """
    written = {"config", "backend", "target", "input", "color"} <= metadata.keys() and metadata.get("version") == __version__
    if isinstance(model, str) or not written or "fusion" in metadata:
        return None
    import onnx

    from graphproc.emitters.onnx.emit import EmitOptions, emit

    found = onnx.load_from_string(model)
    opset = max((entry.version for entry in found.opset_import if not entry.domain), default=0)
    options: Any = {"target": metadata["target"], "input": metadata["input"], "opset": opset}
    try:
        origin = Origin(_program(metadata), EmitOptions(**options, kernels="kernels" in metadata))
        same = _content(emit(origin.program, origin.options)) == _content(found)
    except (GraphprocError, ValueError):
        return None
    return origin if same else None


def _program(metadata: Mapping[str, str]) -> Program:
    """Return the program of the settings in a graph's description.

    Raises:
        GraphprocError: they are not settings of a known class.
        ValueError: an entry is not JSON.
    """
    settings = parse_json(metadata["config"].encode(), "graphproc.config")
    spec = lookup(str(settings.pop("image_processor_type", "")))
    return spec.program(
        spec.config(settings),
        color=metadata["color"],
        extra_inputs=entry(metadata, "inputs", list),
        several=metadata.get("several") == "true",
        backend=metadata["backend"],
    )


def _content(model: onnx.ModelProto) -> tuple[Any, ...]:
    """Return what a graph computes: everything but its descriptions."""
    graph = model.graph
    names = [[value.name for value in values] for values in (graph.input, graph.output)]
    return list(graph.node), list(graph.initializer), list(model.functions), *names
