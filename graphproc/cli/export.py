"""`graphproc export`: write a processor, or one of its post-processing methods, as an ONNX graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphproc.cli import arguments, output
from graphproc.errors import ConfigError

if TYPE_CHECKING:
    import onnx

    from graphproc.wrappers.processor import BaseImageProcessor

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
            help="The file to write, whole or not at all; - is stdout.",
        ),
    ] = None,
    settings: arguments.Settings = None,
    backend: arguments.Backend = None,
    revision: arguments.Revision = None,
    target: arguments.Target = "cpu",
    input: Annotated[
        str,
        typer.Option(
            metavar="batch|image|sequence",
            help="Read a batch of images of one size, one image without a batch axis, or a sequence of images of any sizes.",
        ),
    ] = "batch",
    extra_inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="NAME", show_default=False, help="Add an optional input, e.g. segmentation_map. Repeatable."
        ),
    ] = None,
    image_size: arguments.ImageSize = None,
    color: Annotated[
        str,
        typer.Option(
            metavar="rgb|bgr|rgba|gray", help="Colour order of the input; with rgba, alpha is removed as the class does it."
        ),
    ] = "rgb",
    opset: Annotated[int, typer.Option(metavar="N", help="Version of the default ONNX domain, 17 to 23.")] = 18,
    kernels: arguments.Kernels = False,
    tap: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STEP",
            show_default=False,
            help="Add the value of a step as an output, e.g. resample; `graphproc inspect SOURCE` names the steps. Repeatable.",
        ),
    ] = None,
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
    processor = arguments.processor(source, settings, backend, revision)
    sides = arguments.parse_size(image_size)
    options: dict[str, Any] = {"target": target, "input": input, "opset": opset}
    post_options = arguments.post_options(post_set, labels)
    if post is None:
        if post_options:
            raise ConfigError("--post-set, --labels: they are for a post-processing method. Say which with --post NAME.")
        made = processor.to_onnx(
            **options, image_size=sides, color=color, inputs=extra_inputs or (), kernels=kernels, tap=tap or ()
        )
    else:
        if sides is not None or extra_inputs or color != "rgb" or kernels or tap:
            raise ConfigError(
                "--post: a method reads the model's outputs, not images. "
                "Leave out --image-size, --with, --color, --kernels and --tap."
            )
        made = processor.post_processing_to_onnx(post, **options, **post_options)
    with output.delivering(path or Path("preprocessing.onnx" if post is None else "postprocessing.onnx")) as write:
        written = write(made.SerializeToString(deterministic=True))
        _show(made, written, processor, json)


def _show(model: onnx.ModelProto, written: Path, processor: BaseImageProcessor, json: bool) -> None:
    summary = arguments.graph_summary(model)
    found = arguments.metadata(model)
    if json:
        shown = ("bytes", "nodes", "opset", "inputs", "outputs")
        named = {"path": str(written), "processor": processor.spec.name, "backend": processor.backend, "parity": found["parity"]}
        output.as_json({**named, **{k: summary[k] for k in shown}})
        return
    output.heading(f"Wrote {written}")
    output.fields(
        [
            ("processor", processor.spec.name),
            *([("backend", arguments.backend_text(processor.backend, processor.spec.backends))] if "backend" in found else []),
            ("inputs", arguments.named(summary["inputs"])),
            ("outputs", arguments.named(summary["outputs"])),
            ("size", f"{summary['bytes']:,} bytes, {summary['nodes']} nodes, opset {summary['opset']}"),
            ("parity", found["parity"]),
        ]
    )
