"""`graphproc export`: write a processor, or one of its post-processing methods, as an ONNX graph."""

from __future__ import annotations

from json import loads
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphproc.cli import arguments, output
from graphproc.errors import ConfigError
from graphproc.files import write_together

if TYPE_CHECKING:
    import onnx

    from graphproc.wrappers.processor import BaseImageProcessor

WHOLE = "preprocessing.onnx"
EXAMPLE = "Example: graphproc export CLIPImageProcessor --set size=336 --set crop_size=336 -o preprocessing.onnx"


def export(
    source: arguments.Source,
    path: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            show_default=WHOLE,
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
    batch: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            show_default=False,
            help="Fix the number of images in a batch. With --image-size the graph then has no arithmetic on sizes.",
        ),
    ] = None,
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
    split: Annotated[
        bool,
        typer.Option(
            "--split",
            help="Write two graphs: a.bytes.onnx for a.onnx, which ends in uint8, and a.map.onnx, which makes floats of the "
            "bytes on the model's device.",
        ),
    ] = False,
    dtype: Annotated[
        str, typer.Option(metavar="float32|float16|bfloat16", help="What --split's second graph returns.")
    ] = "float32",
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
    if dtype != "float32" and not split:
        raise ConfigError("--dtype: it is for the second graph of --split. Add --split, or leave it out.")
    if post is None:
        if post_options:
            raise ConfigError("--post-set, --labels: they are for a post-processing method. Say which with --post NAME.")
        options |= {"image_size": sides, "batch_size": batch, "color": color, "inputs": extra_inputs or (), "kernels": kernels}
        options |= {"tap": tap or ()}
        if split:
            _write_parts(processor, path or Path(WHOLE), {**options, "dtype": dtype}, json)
            return
        made = processor.to_onnx(**options)
    else:
        if sides is not None or batch is not None or extra_inputs or color != "rgb" or kernels or tap or split:
            raise ConfigError(
                "--post: a method reads the model's outputs, not images. "
                "Leave out --image-size, --batch, --with, --color, --kernels, --tap and --split."
            )
        made = processor.post_processing_to_onnx(post, **options, **post_options)
    with output.delivering(path or Path(WHOLE if post is None else "postprocessing.onnx")) as write:
        written = write(made.SerializeToString(deterministic=True))
        _show(made, written, processor, json)


def _write_parts(processor: BaseImageProcessor, path: Path, options: dict[str, Any], json: bool) -> None:
    """Write both graphs of a split processor.

    Raises:
        ConfigError: a file cannot be written, or stdout would have to carry two.
    """
    if str(path) in output.STDOUT:
        raise ConfigError(f"--split: expected a file for -o, from which two get their names, got {path}.")
    from graphproc.wrappers.compilation import split_paths

    models = processor.split_to_onnx(**options)
    written = split_paths(path)
    write_together({file: model.SerializeToString(deterministic=True) for file, model in zip(written, models, strict=True)})
    lines: dict[str, Any] = loads(arguments.metadata(models[1])["affine"])
    shown = [{"path": str(file), **_summary(model)} for file, model in zip(written, models, strict=True)]
    if json:
        output.as_json({**_named(processor, models[0]), "graphs": shown, "affine": lines})
        return
    for file, model in zip(written, models, strict=True):
        _print(model, file, processor)
    output.heading("Where the second graph is not used")
    output.fields((name, f"bytes * scale + offset is {_how_near(line['bound'])}") for name, line in lines.items())


def _how_near(bound: float) -> str:
    return f"within {bound:.2g} of the floats" if bound else "equal to the floats"


def _named(processor: BaseImageProcessor, model: onnx.ModelProto) -> dict[str, str]:
    parity = arguments.metadata(model)["parity"]
    return {"processor": processor.spec.name, "backend": processor.backend, "parity": parity}


def _summary(model: onnx.ModelProto) -> dict[str, Any]:
    summary = arguments.graph_summary(model)
    return {key: summary[key] for key in ("bytes", "nodes", "opset", "inputs", "outputs")}


def _show(model: onnx.ModelProto, written: Path, processor: BaseImageProcessor, json: bool) -> None:
    if json:
        output.as_json({"path": str(written), **_named(processor, model), **_summary(model)})
    else:
        _print(model, written, processor)


def _print(model: onnx.ModelProto, written: Path, processor: BaseImageProcessor) -> None:
    summary = arguments.graph_summary(model)
    found = arguments.metadata(model)
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
