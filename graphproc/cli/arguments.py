"""The arguments that several commands take, and what they name: processors and graphs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphproc.cli import output
from graphproc.errors import ConfigError, GraphError
from graphproc.files import LFS_HINT, is_lfs_pointer
from graphproc.ir.backends import PIL, TORCHVISION

if TYPE_CHECKING:
    import onnx

    from graphproc.runtime.session import Session
    from graphproc.wrappers.processor import BaseImageProcessor

SOURCE = (
    "a Hub id such as openai/clip-vit-base-patch32, a folder with preprocessor_config.json, a JSON file, "
    "or a class name such as CLIPImageProcessor"
)

Source = Annotated[str, typer.Argument(metavar="SOURCE", show_default=False, help=f"The processor: {SOURCE}.")]
GraphOrSource = Annotated[
    str,
    typer.Argument(
        metavar="GRAPH_OR_SOURCE", show_default=False, help=f"A graph (a path that ends in .onnx), or a processor: {SOURCE}."
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a setting of SOURCE, e.g. --set size=336; the value is JSON, or else a string. Repeatable.",
    ),
]
Backend = Annotated[
    str | None,
    typer.Option(
        metavar="pil|torchvision",
        show_default="the first that the class has",
        help="The backend of transformers that results are equal to.",
    ),
]
Revision = Annotated[str | None, typer.Option(metavar="NAME", show_default="main", help="The branch, tag or commit of a Hub id.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Provider = Annotated[str, typer.Option(metavar="cpu|cuda", help="What ONNX Runtime runs on.")]
Target = Annotated[
    str,
    typer.Option(
        metavar="cpu|cuda|portable",
        help="What the graph is for: the fastest form on CPUs, only nodes with CUDA kernels, or only float32 and int64 "
        "(portable needs --image-size).",
    ),
]
ImageSize = Annotated[
    str | None,
    typer.Option(metavar="HxW", help="Fix the height and width of the images, e.g. 480x640; without it any size is taken."),
]


Kernels = Annotated[
    bool,
    typer.Option(
        "--kernels",
        help="Let the graph call native kernels: faster in ONNX Runtime where the library is registered, the same bits anywhere.",
    ),
]


PostSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--post-set",
        metavar="KEY=VALUE",
        show_default=False,
        help="An option of the post-processing method, e.g. threshold=0.7. Repeatable.",
    ),
]
Labels = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        show_default=False,
        help="Keep the names of classes in the graph: a config.json with id2label, or its folder.",
    ),
]


def post_options(texts: Sequence[str] | None, labels: Path | None) -> dict[str, Any]:
    """Return the options of a post-processing method, with the names of classes as `id2label`.

    Raises:
        ConfigError: an option has another form than `KEY=VALUE`, or the file has no names.
    """
    options: dict[str, Any] = dict(key_and_value("--post-set", text) for text in texts or ())
    if labels is not None:
        from graphproc.configs.files import read_labels

        options["id2label"] = read_labels(labels)
    return options


def parse_size(value: str | None) -> tuple[int, int] | None:
    """Return the (height, width) of the option `--image-size`; None for None.

    Raises:
        ConfigError: it is not two whole numbers.
    """
    return None if value is None else size_of("--image-size", value)


def size_of(argument: str, value: str) -> tuple[int, int]:
    """Return the (height, width) of a text such as `480x640`.

    Raises:
        ConfigError: it is not two whole numbers.
    """
    match = re.fullmatch(r"([0-9]{1,6})[xX]([0-9]{1,6})", value)
    if match is None:
        raise ConfigError(f"{argument}: expected HEIGHTxWIDTH in pixels such as 480x640, got {value!r}")
    return int(match[1]), int(match[2])


def is_graph(argument: str) -> bool:
    """Tell whether a GRAPH_OR_SOURCE argument is the path of a graph."""
    return argument.lower().endswith(".onnx")


def processor(
    source: str, settings: Sequence[str] | None, backend: str | None = None, revision: str | None = None
) -> BaseImageProcessor:
    """Return the processor of a SOURCE argument with `--set` applied; print what was assumed about it to stderr.

    Raises:
        ConfigError: there is no such processor, or a setting is unknown or has no meaning.
    """
    found, assumed = load(source, settings, backend, revision)
    for text in assumed:
        output.note(text)
    return found


def load(
    source: str, settings: Sequence[str] | None, backend: str | None = None, revision: str | None = None
) -> tuple[BaseImageProcessor, list[str]]:
    """Return the processor of a SOURCE argument with `--set` applied, and what was assumed about it.

    Raises:
        ConfigError: there is no such processor, or a setting is unknown or has no meaning.
    """
    import warnings

    from graphproc.wrappers.processor import AutoImageProcessor, processor_class

    changes: dict[str, Any] = dict(key_and_value("--set", text) for text in settings or ())
    options = {} if backend is None else {"backend": backend}
    found: BaseImageProcessor
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if os.path.exists(source) or source.endswith(".json") or "/" in source or os.sep in source:
            found = AutoImageProcessor.from_pretrained(source, revision=revision or "main")
        elif revision is not None:
            raise ConfigError(f"--revision: {source} is the name of a class, which has none. Leave it out.")
        else:
            found = processor_class(source)()
        assumed = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
    _known(found, changes)
    return type(found).from_dict(found.to_dict(), **{"backend": found.backend, **changes, **options}), assumed


def names_by_name(option: str, texts: Sequence[str]) -> dict[str, list[str]]:
    """Return the names that texts such as `pixel_values=input.1` give for each name.

    Raises:
        ConfigError: a text has another form.
    """
    found: dict[str, list[str]] = {}
    for text in texts:
        name, equals, target = text.partition("=")
        if not (name and equals and target):
            raise ConfigError(f"{option}: expected two names such as pixel_values=input.1, got {text!r}")
        found.setdefault(name, []).append(target)
    return found


_PYTHON = {"True": "true", "False": "false", "None": "null"}
"""How JSON writes values that Python writes differently."""


def key_and_value(option: str, text: str) -> tuple[str, Any]:
    """Return the key of `KEY=VALUE`, and its value: JSON, or else a string.

    Raises:
        ConfigError: it has another form.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise ConfigError(f"{option}: expected KEY=VALUE such as size=336, got {text!r}")
    if value in _PYTHON:
        raise ConfigError(f"{option} {text}: expected JSON, which writes {_PYTHON[value]}. Use {key}={_PYTHON[value]}.")
    try:
        return key, json.loads(value)
    except (ValueError, RecursionError):
        return key, value


def _known(processor: BaseImageProcessor, changes: dict[str, Any]) -> None:
    """Refuse unknown settings, which may be misspelled; a library call keeps them silently, as transformers does."""
    import difflib

    config = processor.spec.config(changes)
    for key in config.unknown:
        near = difflib.get_close_matches(key, config.settings, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"It has {', '.join(config.settings)}."
        raise ConfigError(f"--set {key}: {processor.spec.name} has no such setting. {hint}")


def session(
    graph: str,
    settings: Sequence[str] | None,
    provider: str,
    *,
    backend: str | None = None,
    revision: str | None = None,
    inputs: Sequence[str] = (),
) -> Session:
    """Return a session of a GRAPH_OR_SOURCE argument; a source is exported in memory, with the optional inputs in `inputs`.

    Raises:
        ConfigError: the source is no processor, or `--set`, `--backend` or `--revision` was given for a graph.
        GraphError: the file is missing or not an ONNX model.
        RuntimeUnavailableError: the provider is not installed.
    """
    from graphproc.runtime.providers import provider_names
    from graphproc.runtime.session import Session

    provider_names(provider)  # before any work
    if is_graph(graph):
        refuse_for_graph(graph, settings, backend=backend, revision=revision)
        return Session(graph, provider)
    return Session(processor(graph, settings, backend, revision).to_onnx(target=provider, inputs=inputs), provider)


def refuse_for_graph(graph: str, settings: Sequence[str] | None, **options: str | None) -> None:
    """Raise ConfigError if `--set` or options of a processor are given with a graph, which has them compiled in."""
    if settings:
        raise ConfigError(f"--set: {graph} has its settings compiled in. Export its processor again with other ones.")
    for name, value in options.items():
        if value is not None:
            raise ConfigError(f"--{name}: {graph} was exported with its own. Leave it out, or give the processor instead.")


def read_graph(path: str | os.PathLike[str]) -> onnx.ModelProto:
    """Read the ONNX model in a file.

    Raises:
        GraphError: the file is missing or not an ONNX model.
    """
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.load_model_from_string(Path(path).read_bytes())
    except OSError as error:
        raise GraphError(f"{path}: cannot be read ({error.strerror}). Give the path of an ONNX file.") from None
    except DecodeError:
        if is_lfs_pointer(path):
            raise GraphError(f"{path}: {LFS_HINT}.") from None
        raise GraphError(f"{path}: expected an ONNX model, got something else") from None
    if not model.graph.output:
        raise GraphError(f"{path}: expected an ONNX model, got a file without outputs")
    return model


def processor_of(model: onnx.ModelProto) -> BaseImageProcessor | None:
    """Return the processor that a graph was compiled from, or None if graphproc did not write it."""
    from graphproc.wrappers.processor import AutoImageProcessor

    found = metadata(model)
    if "config" not in found:
        return None
    return AutoImageProcessor.from_dict(json.loads(found["config"]), backend=found.get("backend"))


def backend_text(backend: str, backends: Sequence[str]) -> str:
    """Return text for people: a processor's backend, and how to get the other one."""
    others = [other for other in backends if other != backend]
    return f"{backend}, transformers' {_CALLED[backend]} arithmetic" + (
        f" (--backend {others[0]} for the other)" if others else ""
    )


_CALLED = {PIL: "Pillow and numpy", TORCHVISION: "torchvision"}


def metadata(model: onnx.ModelProto) -> dict[str, str]:
    """Return the entries of a graph's metadata that graphproc wrote, without their prefix `graphproc.`."""
    entries = {p.key: p.value for p in model.metadata_props}
    return {k.removeprefix("graphproc."): v for k, v in sorted(entries.items()) if k.startswith("graphproc.")}


def graph_summary(model: onnx.ModelProto) -> dict[str, Any]:
    """Return a graph's size in bytes, number of nodes (branches included), opset, and inputs and outputs with types."""
    from graphproc.emitters.onnx.checks import operator_counts

    operators = operator_counts(model)
    return {
        "bytes": model.ByteSize(),
        "nodes": sum(operators.values()),
        "operators": operators,
        "opset": next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), None),
        "ir_version": model.ir_version,
        "inputs": {v.name: _type_text(v.type) for v in model.graph.input},
        "outputs": {v.name: _type_text(v.type) for v in model.graph.output},
    }


def named(entries: dict[str, str]) -> str:
    """Return inputs or outputs as text, one in a line."""
    return "\n".join(f"{name}: {type}" for name, type in entries.items())


def _type_text(type: onnx.TypeProto) -> str:
    """Return a value's type as `uint8[batch, height, width, 3]`."""
    import onnx.helper

    if type.HasField("sequence_type"):
        return f"sequence of {_type_text(type.sequence_type.elem_type)}"
    tensor = type.tensor_type
    dims = ", ".join(d.dim_param or (str(d.dim_value) if d.HasField("dim_value") else "?") for d in tensor.shape.dim)
    return f"{onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name}[{dims}]"
