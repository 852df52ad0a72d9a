"""`graphproc plan`: print what a call makes of images of known sizes, without the images, or write what computes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphproc.cli import arguments, output
from graphproc.emitters.source.registry import LANGUAGES, check_language
from graphproc.errors import ConfigError

if TYPE_CHECKING:
    from graphproc.wrappers.processor import BaseImageProcessor

EXAMPLE = "Example: graphproc plan Qwen2VLImageProcessor 480x640, or: graphproc plan Qwen2VLImageProcessor --emit c -o sizes.c"

Sizes = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="HxW...",
        show_default=False,
        help="The height and width of each image of one call, e.g. 480x640; the images of a sample as 480x640,300x200.",
    ),
]
ExtraInputs = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="NAME[=SIZE]",
        show_default=False,
        help="Plan with an extra input by its name in a call, e.g. segmentation_maps, prompt_depth=240x320 or boxes=3; without "
        "a size it has the image's. Repeatable.",
    ),
]
Language = Annotated[
    str | None,
    typer.Option(
        "--emit",
        metavar="|".join(LANGUAGES),
        show_default=False,
        help="Write the function that computes this from a size, in a language, instead of planning sizes.",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", show_default="stdout", help="The file of --emit, written whole or not at all."
    ),
]


def plan(
    source: arguments.Source,
    sizes: Sizes = None,
    language: Language = None,
    path: Output = None,
    extra_inputs: ExtraInputs = None,
    settings: arguments.Settings = None,
    backend: arguments.Backend = None,
    revision: arguments.Revision = None,
    json: arguments.Json = False,
) -> None:
    """Print what a call makes of images of known sizes: outputs, resized sizes, grids, patches and tokens.

    With --emit, write the function that computes it.
    """
    _check_choice(sizes, language, path, json)
    processor = arguments.processor(source, settings, backend, revision)
    if language is not None:
        made = processor.plan_source(language, inputs=_optional_inputs(processor, extra_inputs or ()))
        _write(processor, made, language, path, json)
        return
    samples = [[arguments.size_of("HxW", size) for size in text.split(",")] for text in sizes or ()]
    alone = samples[0][0] if len(samples) == len(samples[0]) == 1 else None
    nested = any(len(sample) > 1 for sample in samples)
    images: Any = samples if nested else [one for (one,) in samples]
    count = sum(map(len, samples))
    given = {name: [value] * count for name, value in map(_extra_input, extra_inputs or ())}
    _check_names(given, [extra.keyword for extra in processor.spec.extra_inputs.values()])
    planned: Any = processor.plan  # its type depends on its first argument
    found = planned(*(alone or (images,)), **given)
    if json:
        output.as_json({"backend": processor.backend, **found.to_dict()})
        return
    output.heading(processor.spec.name)
    output.text(f"  {arguments.backend_text(processor.backend, processor.spec.backends)}\n")
    _show_outputs(found.outputs)
    if not alone and found.may_refuse:
        output.fields([("may be refused", message) for message in found.may_refuse])
    for index, one in enumerate([found] if alone else found):
        output.text("")
        output.heading(f"Image {index}: {one.sizes['height']}x{one.sizes['width']}" if count > 1 else "From the size")
        _show_results(one)


def _check_choice(sizes: Sequence[str] | None, language: str | None, path: Path | None, json: bool) -> None:
    """Refuse arguments that are for sizes together with those for `--emit`, and neither.

    Raises:
        ConfigError: they do not fit.
    """
    if language is None:
        if not sizes:
            raise ConfigError("HxW: expected the size of an image such as 480x640. Give one, or --emit LANGUAGE.")
        if path is not None:
            raise ConfigError(f"-o {path}: plans of sizes are printed. Leave -o out, or give --emit LANGUAGE.")
        return
    check_language(language)
    if sizes:
        raise ConfigError(f"{sizes[0]}: --emit writes a function of any size. Leave the size out.")
    if json and (path is None or str(path) in output.STDOUT):
        raise ConfigError("--json: stdout gets what --emit writes. Give -o FILE, or leave --json out.")


def _optional_inputs(processor: BaseImageProcessor, texts: Sequence[str]) -> list[str]:
    """Return the program's names of extra inputs that a function is to know of.

    Raises:
        ConfigError: the class does not take one, or a size was given.
    """
    names = {extra.keyword: name for name, extra in processor.spec.extra_inputs.items()}
    _check_names(dict.fromkeys(text.partition("=")[0] for text in texts), list(names))
    if sized := [text for text in texts if "=" in text]:
        raise ConfigError(f"--with {sized[0]}: --emit makes an argument of the size. Give the name alone.")
    return [names[text] for text in texts]


def _write(processor: BaseImageProcessor, made: bytes, language: str, path: Path | None, json: bool) -> None:
    """Write a size function to stdout or a file, and say so."""
    if path is None and language != "onnx":
        output.text(made.decode())
        return
    with output.delivering(path or Path("-")) as write:
        written = write(made)
        named = {"path": str(written), "processor": processor.spec.name, "backend": processor.backend, "language": language}
        if json:
            output.as_json({**named, "bytes": len(made)})
            return
        output.heading(f"Wrote {written}")
        backend = arguments.backend_text(processor.backend, processor.spec.backends)
        output.fields([("processor", processor.spec.name), ("backend", backend), ("size", f"{len(made):,} bytes of {language}")])


def _extra_input(text: str) -> tuple[str, Any]:
    """Return the name of an extra input and its size: (height, width), a number of rows, or True for the image's.

    Raises:
        ConfigError: it has another form.
    """
    name, equals, size = text.partition("=")
    if not equals:
        return name, True
    return name, int(size) if size.isdecimal() else arguments.size_of(f"--with {name}", size)


def _check_names(given: Mapping[str, Any], known: Sequence[str]) -> None:
    """Refuse an extra input that the class does not take.

    Raises:
        ConfigError: there is one.
    """
    if unknown := [name for name in given if name not in known]:
        expected = f"one of {', '.join(known)}" if known else "nothing: the class takes images alone"
        raise ConfigError(f"--with {unknown[0]}: expected {expected}")


def _show_outputs(outputs: Mapping[str, Any]) -> None:
    output.heading("Outputs")
    lists = {True: ", a list", False: ""}
    shapes = {name: ["?" if length is None else length for length in one.shape] for name, one in outputs.items()}
    output.fields([(name, f"{one.dtype}{output.shape(shapes[name])}{lists[one.listed]}") for name, one in outputs.items()])


def _show_results(one: Any) -> None:
    """Show what the size decides beside the outputs' shapes."""
    found = {name: value for name, value in one.results.items() if not name.endswith("_shape") and name not in one.unknown}
    fields = [(name, " ".join(map(str, value)) if isinstance(value, tuple) else str(value)) for name, value in found.items()]
    if one.merge_size is not None and one.num_patches is not None:
        fields.append(("tokens", f"{one.tokens()} (of {one.merge_size} x {one.merge_size} patches)"))
    fields += [(name, f"not known: {reason}") for name, reason in one.unknown.items()]
    fields += [("may be refused", message) for message in one.may_refuse]
    output.fields(fields or [("nothing", "the outputs are the same for every size")])
