"""`graphproc export`: write a processor, or what follows its model, as an ONNX graph."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from graphproc.cli import arguments, output
from graphproc.errors import ConfigError

EXAMPLE = "Example: graphproc export CLIPImageProcessor --set size=336 --set crop_size=336 -o preprocessing.onnx"


def export(
    source: arguments.Source,
    path: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            show_default="preprocessing.onnx",
            help="The file to write; written whole or not at all.",
        ),
    ] = None,
    settings: arguments.Settings = None,
    backend: arguments.Backend = None,
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
    post: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            show_default=False,
            help="Write the post-processing method of that name instead, e.g. object_detection, as postprocessing.onnx.",
        ),
    ] = None,
    post_set: arguments.PostSettings = None,
    labels: arguments.Labels = None,
    json: arguments.Json = False,
) -> None:
    """Write a processor as an ONNX graph, or with --post what follows its model."""
    processor = arguments.processor(source, settings, backend)
    sides = arguments.sides(image_size)
    options: dict[str, Any] = {"target": target, "input": input, "opset": opset}
    post_options = arguments.post_options(post_set, labels)
    if post is None:
        if post_options:
            raise ConfigError("--post-set, --labels: they are for a post-processing method. Say which with --post NAME.")
        named = {"image_size": sides, "color": color, "inputs": further or ()}
        written = processor.export(path or "preprocessing.onnx", **options, **named)
    else:
        from graphproc.wrappers.files import write_atomically

        if sides is not None or further or color != "rgb":
            raise ConfigError(
                "--post: a method reads the model's outputs, not images. Leave out --image-size, --with and --color."
            )
        made = processor.post_processing_to_onnx(post, **options, **post_options)
        written = write_atomically(path or "postprocessing.onnx", made.SerializeToString(deterministic=True))
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
