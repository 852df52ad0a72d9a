"""Make graphs for one image size from the settings that a graph carries.

Fixing the dimensions of a graph for any size leaves its choices, and with a free batch its sizes,
too. The graph that is emitted for the size has neither, so it runs faster and is made in less time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from graphproc.configs.files import parse_json
from graphproc.errors import EmitError, GraphprocError
from graphproc.ir.program import Program
from graphproc.processors.registry import lookup
from graphproc.runtime.description import entry
from graphproc.version import __version__

if TYPE_CHECKING:
    import onnx

OneSize = Callable[[int, int], bytes]
"""Makes the graph for images of a height and a width; raises GraphprocError if there is none."""


def no_graph(height: int, width: int) -> bytes:
    """Raise EmitError: the `OneSize` of a graph without settings."""
    raise EmitError(f"graph: it has no settings to make a graph for {height} x {width} of")


def of_program(program: Program) -> OneSize:
    """Return a maker of a program's graphs, for batches on the CPU."""
    from graphproc.emitters.onnx.emit import EmitOptions, emit

    return lambda height, width: emit(program, EmitOptions(image_size=(height, width))).SerializeToString()


def of_described(model: bytes | str, metadata: Mapping[str, str]) -> OneSize | None:
    """Return a maker of graphs for one size, from a graph for any size.

    Args:
        model: the graph for any size; with weights in other files, its path.
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
        program = _program(metadata)
        same = _content(emit(program, EmitOptions(**options))) == _content(found)
    except (GraphprocError, ValueError):
        return None
    if not same:
        return None
    return lambda height, width: emit(program, EmitOptions(**options, image_size=(height, width))).SerializeToString()


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
    return list(graph.node), list(graph.initializer), *names
