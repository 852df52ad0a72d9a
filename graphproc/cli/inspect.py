"""`graphproc inspect`: print what a graph is made of, and why."""

from __future__ import annotations

from json import loads
from typing import Annotated, Any

import typer

from graphproc.cli import arguments, output
from graphproc.errors import ConfigError

EXAMPLE = "Example: graphproc inspect CLIPImageProcessor --why --image-size 480x640"


def inspect(
    graph: arguments.GraphOrSource,
    settings: arguments.Settings = None,
    why: Annotated[
        bool, typer.Option("--why", help="Explain each decision: passes, forms of arithmetic, nodes that CUDA lacks.")
    ] = False,
    optimized: Annotated[bool, typer.Option("--optimized", help="Print the program after the passes as well.")] = False,
    target: Annotated[
        str | None, typer.Option(metavar="cpu|cuda|portable", help="What the graph of SOURCE is for; cpu if not given.")
    ] = None,
    backend: arguments.Backend = None,
    revision: arguments.Revision = None,
    image_size: arguments.ImageSize = None,
    json: arguments.Json = False,
) -> None:
    """Show the program and the graph of a processor, and why they look as they do."""
    from graphproc.ir.program import Program
    from graphproc.passes.pipeline import optimize
    from graphproc.wrappers.pipeline import parse

    sides = arguments.parse_size(image_size)
    program: Program | None = None
    if arguments.is_graph(graph):
        given = {"target": target, "backend": backend, "revision": revision, "image-size": image_size}
        arguments.refuse_for_graph(graph, settings, **given)
        model = arguments.read_graph(graph)
        metadata = arguments.metadata(model)
        processor = arguments.processor_of(model)
        part = metadata.get("part", "whole")
        sides = None if part == "map" else _fixed_sides(model)
        if why and part == "map":
            raise ConfigError(f"--why: {graph} is the map of a split graph, which no pass changes. Leave --why out.")
        if processor is not None and part != "map":
            inputs, tap = (loads(metadata.get(key, "[]")) for key in ("inputs", "tap"))
            program = processor.compile(color=metadata.get("color", "rgb"), inputs=inputs, tap=tap, part=part)
        elif processor is None and "program" in metadata:
            program = parse(metadata["program"])
    else:
        processor = arguments.processor(graph, settings, backend, revision)
        program = processor.compile()
        model = processor.to_onnx(target=target or "cpu", image_size=sides)
        metadata = arguments.metadata(model)
    if why and program is None:
        raise ConfigError(f"--why: {graph} has no graphproc.config entry, so graphproc did not write it. Leave --why out.")
    if program is not None and sides is not None and not program.data_dependent_sizes:
        program = program.bind(**{name: sides[name.endswith("width")] for name in program.symbols})
    kernels = "kernels" in metadata
    summary: dict[str, Any] = {**arguments.graph_summary(model), "metadata": metadata}
    explanation = None
    if why and program is not None:
        from graphproc.cli import why as explanations
        from graphproc.emitters.onnx.emit import EmitOptions

        form: Any = {"target": metadata.get("target", "cpu"), "input": metadata.get("input", "batch"), "kernels": kernels}
        form |= {"opset": summary["opset"], "image_size": sides, "batch_size": _fixed_batch(model)}
        explanation = explanations.explain(program, EmitOptions(**form), model)
    if json:
        result: dict[str, Any] = {"program": None if program is None else str(program), "graph": summary}
        if optimized:
            result["optimized"] = None if program is None else str(optimize(program, kernels=kernels))
        if explanation is not None:
            result["why"] = explanation
        output.as_json(result)
        return
    if program is not None:
        output.text(f"{program}\n")
        if optimized:
            output.heading("Optimized")
            output.text(f"{optimize(program, kernels=kernels)}\n")
    _print_graph(summary)
    if explanation is not None:
        output.text("")
        explanations.show(explanation, summary["nodes"])


def _fixed_sides(model: Any) -> tuple[int, int] | None:
    dims = model.graph.input[0].type.tensor_type.shape.dim if model.graph.input else []
    height, width = (dims[-3].dim_value, dims[-2].dim_value) if len(dims) in (3, 4) else (0, 0)
    return (height, width) if height and width else None


def _fixed_batch(model: Any) -> int | None:
    dims = model.graph.input[0].type.tensor_type.shape.dim if model.graph.input else []
    return dims[0].dim_value or None if len(dims) == 4 else None


def _print_graph(summary: dict[str, Any]) -> None:
    output.heading("Graph")
    operators = ", ".join(f"{count} {name}" for name, count in summary["operators"].items())
    output.fields(
        [
            ("inputs", arguments.named(summary["inputs"])),
            ("outputs", arguments.named(summary["outputs"])),
            ("size", f"{summary['bytes']:,} bytes"),
            ("opset", f"{summary['opset']} (IR version {summary['ir_version']})"),
            ("nodes", f"{summary['nodes']}: {operators}"),
            # The program is printed above, and a digest is nothing to read.
            *((key, value) for key, value in summary["metadata"].items() if key not in ("program", "digest", "kernels")),
            *([("kernels", "called, as functions of the domain graphproc")] if "kernels" in summary["metadata"] else []),
        ]
    )
