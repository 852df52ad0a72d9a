"""`graphproc triton`: write a model repository of Triton Inference Server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphproc.cli import arguments, output

if TYPE_CHECKING:
    from graphproc.serving.triton import Written

EXAMPLE = "Example: graphproc triton CLIPImageProcessor --model model.onnx -o repository --name classifier"


def triton(
    source: arguments.GraphOrSource,
    repository: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="REPOSITORY",
            show_default=False,
            help="The folder of models; it is made where there is none. Models are put into it whole, all or none.",
        ),
    ],
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="MODEL",
            show_default=False,
            help="An ONNX file behind the preprocessing: both stay apart, as an ensemble. Without it the graph is one model; "
            "`graphproc fuse` makes one graph, with post-processing as well.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", show_default="from SOURCE or MODEL", help="The name that clients call."),
    ] = None,
    map: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OUTPUT=INPUT",
            show_default=False,
            help="Connect a preprocessing output to an input of MODEL; others go to inputs of the same name. Repeatable.",
        ),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(metavar="nchw|nhwc", show_default=False, help="Whether MODEL takes channels first or last."),
    ] = None,
    max_batch_size: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            show_default="8, or 0 without batch axes",
            help="The most images that the server runs together, in requests of images of one size. 0 leaves batches to clients.",
        ),
    ] = None,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            show_default=False,
            help="The names of classes, for outputs with a score for each: a config.json with id2label, or its folder.",
        ),
    ] = None,
    instances: Annotated[int, typer.Option(metavar="N", help="How often the server loads each model.")] = 1,
    gpu: Annotated[
        bool, typer.Option("--gpu", help="Let the server load models on GPUs; a processor is exported for target cuda.")
    ] = False,
    no_warm_up: Annotated[
        bool,
        typer.Option("--no-warm-up", help="Write no warm-up for the server to run when it loads a model, and run none here."),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace models of these names that this command wrote, with all their versions.")
    ] = False,
    settings: arguments.Settings = None,
    backend: arguments.Backend = None,
    revision: arguments.Revision = None,
    image_size: arguments.ImageSize = None,
    target: Annotated[
        str | None, typer.Option(metavar="cpu|cuda|portable", show_default=False, help="For a processor: what the graph is for.")
    ] = None,
    input: Annotated[
        str | None,
        typer.Option(metavar="batch|image", show_default=False, help="For a processor: what the graph reads; batch by default."),
    ] = None,
    color: Annotated[
        str | None, typer.Option(metavar="rgb|bgr|rgba|gray", show_default=False, help="For a processor: the colour order.")
    ] = None,
    json: arguments.Json = False,
) -> None:
    """Write a graph, or preprocessing and a model as an ensemble, as a model repository of Triton Inference Server."""
    options: dict[str, Any] = {k: v for k, v in (("target", target), ("input", input), ("color", color)) if v is not None}
    found: Any = source
    if arguments.is_graph(source):
        arguments.refuse_for_graph(source, settings, backend=backend, revision=revision, **options)
    else:
        found = arguments.processor(source, settings, backend, revision)
    from graphproc.serving.triton import name_of, write

    written = write(
        found,
        repository,
        model=model,
        name=name_of(source if model is None else str(model)) if name is None else name,
        map=arguments.names_by_name("--map", map or []),
        layout=layout,
        image_size=arguments.parse_size(image_size),
        max_batch_size=max_batch_size,
        labels=_labels(labels),
        instances=instances,
        gpu=gpu,
        warm_up=not no_warm_up,
        overwrite=overwrite,
        **options,
    )
    _show(written, json)


def _labels(path: Path | None) -> Mapping[int, str] | None:
    from graphproc.configs.files import read_labels

    return None if path is None else read_labels(path)


def _show(written: Written, json: bool) -> None:
    if json:
        output.as_json(
            {
                "repository": str(written.repository),
                "models": list(written.models),
                "max_batch_size": written.max_batch_size,
                "notes": list(written.notes),
            }
        )
        return
    for note in written.notes:
        output.note(note)
    output.heading(f"Wrote {written.models[-1]} to {written.repository}")
    batches = f"up to {written.max_batch_size} images of one size" if written.max_batch_size else "none"
    output.fields([("models", "\n".join(written.models)), ("batches", batches)])
