"""`graphproc export`: write a processor as an ONNX graph."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphproc.cli import arguments, output

EXAMPLE = "Example: graphproc export CLIPImageProcessor --set size=336 --set crop_size=336 -o preprocessing.onnx"


def export(
    source: arguments.Source,
    path: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write; written whole or not at all.")
    ] = Path("preprocessing.onnx"),
    settings: arguments.Settings = None,
    backend: Annotated[str, typer.Option(metavar="pil", help="Whose arithmetic the results equal.")] = "pil",
    target: arguments.Target = "cpu",
    input: Annotated[
        str,
        typer.Option(
            metavar="batch|image|sequence",
            help="Read a batch of images of one size, one image without a batch axis, or a sequence of images of any sizes.",
        ),
    ] = "batch",
    further: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="NAME", show_default=False, help="Add an optional input, e.g. segmentation_map. Repeatable."
        ),
    ] = None,
    image_size: arguments.ImageSize = None,
    color: Annotated[
        str, typer.Option(metavar="rgb|bgr|rgba|gray", help="Colour order of the input; rgba is composited on white.")
    ] = "rgb",
    opset: Annotated[int, typer.Option(metavar="N", help="Version of the default ONNX domain, 17 to 23.")] = 18,
    json: arguments.Json = False,
) -> None:
    """Write a processor as an ONNX graph."""
    processor = arguments.processor(source, settings, backend)
    sides = arguments.sides(image_size)
    options = {"target": target, "input": input, "image_size": sides, "color": color, "opset": opset}
    written = processor.export(path, inputs=further or (), **options)
    model = arguments.read_graph(written)
    summary = arguments.graph_summary(model)
    parity = arguments.metadata(model)["parity"]
    if json:
        shown = ("bytes", "nodes", "opset", "inputs", "outputs")
        shown_summary = {k: summary[k] for k in shown}
        output.as_json({"path": str(written), "processor": processor.row.name, "parity": parity, **shown_summary})
        return
    output.heading(f"Wrote {written}")
    output.fields(
        [
            ("processor", processor.row.name),
            ("inputs", arguments.named(summary["inputs"])),
            ("outputs", arguments.named(summary["outputs"])),
            ("size", f"{summary['bytes']:,} bytes, {summary['nodes']} nodes, opset {summary['opset']}"),
            ("parity", parity),
        ]
    )
