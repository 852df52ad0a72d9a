"""`graphproc fuse`: join a preprocessing graph to a model, and post-processing behind it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphproc.cli import arguments, output
from graphproc.errors import ConfigError

if TYPE_CHECKING:
    from graphproc.fusion.fuse import Fused

EXAMPLE = "Example: graphproc fuse DetrImageProcessor detr.onnx -o detector.onnx --post DetrImageProcessor --labels config.json"


def fuse(
    preprocessing: Annotated[
        str,
        typer.Argument(
            metavar="PREPROCESSING",
            show_default=False,
            help=f"A preprocessing graph (a path that ends in .onnx), or a processor: {arguments.SOURCE}.",
        ),
    ],
    model: Annotated[Path, typer.Argument(metavar="MODEL", show_default=False, help="The ONNX file of the model.")],
    path: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FUSED",
            show_default=False,
            help="The file to write, whole or not at all; weights in files beside MODEL are copied to FUSED.data. - is stdout.",
        ),
    ],
    map: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OUTPUT=INPUT",
            show_default=False,
            help="Connect a preprocessing output to a model input; others go to inputs of the same name. Repeatable.",
        ),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OUTPUT",
            show_default=False,
            help="Keep an output that the next part reads as an output of the file, too. Repeatable.",
        ),
    ] = None,
    image_size: arguments.ImageSize = None,
    layout: Annotated[
        str | None,
        typer.Option(metavar="nchw|nhwc", show_default=False, help="Whether the model takes channels first or last."),
    ] = None,
    fold_normalize: Annotated[
        bool,
        typer.Option(
            "--fold-normalize",
            help="Move the normalization into the first convolution's weights; results are then close, not the same bits.",
        ),
    ] = False,
    post: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            show_default=False,
            help="Append post-processing, which gives answers in the pixels of the image: a processor, or a graph (.onnx). "
            "The same SOURCE as PREPROCESSING has the same --set.",
        ),
    ] = None,
    post_method: Annotated[
        str | None,
        typer.Option(metavar="NAME", show_default=False, help="The method, e.g. object_detection; by default the one that fits."),
    ] = None,
    post_set: arguments.PostSettings = None,
    post_map: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OUTPUT=NAME",
            show_default=False,
            help="The method's name for a model output, e.g. output0=logits. Repeatable.",
        ),
    ] = None,
    labels: arguments.Labels = None,
    settings: arguments.Settings = None,
    backend: arguments.Backend = None,
    revision: arguments.Revision = None,
    target: Annotated[
        str | None, typer.Option(metavar="cpu|cuda|portable", show_default=False, help="For a processor: what the graph is for.")
    ] = None,
    input: Annotated[
        str | None,
        typer.Option(
            metavar="batch|image|sequence", show_default=False, help="For a processor: what the graph reads; batch by default."
        ),
    ] = None,
    color: Annotated[
        str | None, typer.Option(metavar="rgb|bgr|rgba|gray", show_default=False, help="For a processor: the colour order.")
    ] = None,
    kernels: arguments.Kernels = False,
    json: arguments.Json = False,
) -> None:
    """Join preprocessing and a model into one graph that takes raw pixels, and with --post gives answers."""
    options: dict[str, Any] = {k: v for k, v in (("target", target), ("input", input), ("color", color)) if v is not None}
    options |= {"kernels": True} if kernels else {}
    if arguments.is_graph(preprocessing):
        arguments.refuse_for_graph(preprocessing, settings, backend=backend, revision=revision)
        if options:
            raise ConfigError(
                f"--{next(iter(options))}: {preprocessing} was exported with its own. Export its processor with another."
            )
        source: Any = preprocessing
    else:
        source = arguments.processor(preprocessing, settings, backend, revision)
    from graphproc.fusion.fuse import fuse_graphs

    stdout = str(path) in output.STDOUT
    fused = fuse_graphs(
        source,
        model,
        map=arguments.names_by_name("--map", map or []),
        keep=keep or (),
        image_size=arguments.parse_size(image_size),
        layout=layout,
        fold_normalize=fold_normalize,
        post=source if post == preprocessing else _post(post),
        post_method=post_method,
        post_options=arguments.post_options(post_set, labels),
        post_map=arguments.names_by_name("--post-map", post_map or []),
        output=None if stdout else path,
        **options,
    )
    if stdout:
        with output.delivering(path) as write:
            write(fused.model.SerializeToString(deterministic=True))
            _show(fused, json)
    else:
        _show(fused, json)


def _show(fused: Fused, json: bool) -> None:
    if json:
        output.as_json(_as_data(fused))
        return
    for note in fused.notes:
        output.note(note)
    _print(fused)


def _post(source: str | None) -> Any:
    return source if source is None or arguments.is_graph(source) else arguments.processor(source, None)


def _as_data(fused: Fused) -> dict[str, Any]:
    from dataclasses import asdict

    summary = arguments.graph_summary(fused.model)
    return {
        "files": _file_sizes(fused),
        **{key: summary[key] for key in ("nodes", "opset", "ir_version", "inputs", "outputs")},
        "joints": list(fused.joints),
        "notes": list(fused.notes),
        "folded": None if fused.folded is None else asdict(fused.folded),
    }


def _file_sizes(fused: Fused) -> dict[str, int]:
    """Return the sizes in bytes of the files that were written."""
    return {str(file): file.stat().st_size for file in fused.files}


def _print(fused: Fused) -> None:
    summary = arguments.graph_summary(fused.model)
    output.heading(f"Wrote {' and '.join(map(str, fused.files)) or 'stdout'}")
    size = sum(_file_sizes(fused).values()) or fused.model.ByteSize()
    fields = [
        ("inputs", arguments.named(summary["inputs"])),
        ("outputs", arguments.named(summary["outputs"])),
        ("joined", "\n".join(_joint(joint) for joint in fused.joints)),
        ("size", f"{size:,} bytes, {summary['nodes']} nodes, opset {summary['opset']}"),
    ]
    if fused.folded is not None:
        fields.append(("folded", f"the normalization into {fused.folded.convolution}"))
        if fused.folded.difference is not None:
            reach = f"where values reach {fused.folded.magnitude:.3g}"
            lines = [f"{fused.folded.difference:.3g} after {fused.folded.convolution}, {reach}"]
            lines += [f"{value:.3g} in {name}" for name, value in fused.folded.outputs.items()]
            fields.append(("differs by", "\n".join(lines) + " (largest, on a photograph)"))
    output.fields(fields)


def _joint(joint: dict[str, str]) -> str:
    changes = [f"channels last ({joint['transpose']})"] if "transpose" in joint else []
    changes += [f"as {joint['cast']}"] if "cast" in joint else []
    return f"{joint['output']} -> {joint['input']}" + (f" ({', '.join(changes)})" if changes else "")
