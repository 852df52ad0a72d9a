"""`graphproc list`: print every processor class, those that match a word, or all about one."""

from __future__ import annotations

from collections.abc import Mapping
from json import dumps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphproc.cli import arguments, output
from graphproc.errors import ConfigError

if TYPE_CHECKING:
    from graphproc.processors.spec import ProcessorSpec

EXAMPLE = "Example: graphproc list clip, or: graphproc list CLIPImageProcessor"


def list_processors(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            show_default=False,
            help="A class to show in full, or a part of the names of classes and families to list.",
        ),
    ] = None,
    json: arguments.Json = False,
) -> None:
    """List the processor classes, or show one: its backends, settings, inputs, outputs, methods and parity."""
    from graphproc.processors.registry import family, specs
    from graphproc.wrappers.description import entry

    found = dict(specs()) if name is None else _matching(name, specs())
    one = next(iter(found.values())) if len(found) == 1 else None
    if json:
        output.as_json(_as_data(one) if one is not None else [entry(spec) for spec in found.values()])
    elif one is not None:
        _show(one)
    else:
        output.table(
            ("class", "family", "backends"),
            ((spec.name, family(spec.name), ", ".join(spec.backends)) for spec in found.values()),
            whole=("class",),
        )
        output.text("\nThe first backend is the default. For settings, inputs and outputs of one class:\ngraphproc list NAME")


def _matching(name: str, specs: Mapping[str, ProcessorSpec]) -> dict[str, ProcessorSpec]:
    """Return the class with a name, or all classes with it in their name or family.

    Raises:
        ConfigError: there is no such class.
    """
    from graphproc.processors.registry import family, lookup

    if name in specs:
        return {name: specs[name]}
    part = name.lower()
    found = {key: spec for key, spec in specs.items() if part in key.lower() or part in family(key).lower()}
    if found:
        return found
    try:
        spec = lookup(name)
    except ConfigError as error:
        raise ConfigError(f"{error}".replace("; see `graphproc list`", "")) from None
    return {spec.name: spec}


def _as_data(spec: ProcessorSpec) -> dict[str, Any]:
    """Return all facts of one class, with the form of each output."""
    from graphproc.wrappers.description import facts

    found, forms = facts(spec), _shapes(spec)
    outputs = {name: {"form": forms.get(name), "meaning": what} for name, what in found["outputs"].items()}
    return {**found, "outputs": outputs}


def _shapes(spec: ProcessorSpec) -> dict[str, str]:
    """Return the element type and shape of each output of the graph for default settings; empty if there is no such graph."""
    from graphproc.wrappers.processor import processor_class

    optional = [name for name, extra in spec.extra_inputs.items() if not extra.required]
    try:
        model = processor_class(spec.name)().to_onnx(inputs=optional)
    except ConfigError:
        return {}
    outputs: dict[str, str] = arguments.graph_summary(model)["outputs"]
    return outputs


def _show(spec: ProcessorSpec) -> None:
    found = _as_data(spec)
    output.heading(spec.name)
    output.fields(
        [
            ("family", found["family"]),
            ("backends", ", ".join(spec.backends) + (" (the first is the default)" if len(spec.backends) > 1 else "")),
            *(
                (f"parity, {backend}" if len(spec.backends) > 1 else "parity", text)
                for backend, text in found["parities"].items()
            ),
            *([("without", spec.limitations)] if spec.limitations else []),
            *((f"split, {backend}" if len(spec.backends) > 1 else "split", text) for backend, text in found["split"].items()),
        ]
    )
    settings = {key: value for key, value in found["settings"].items() if value is not None}
    output.text("")
    output.heading("Settings and their defaults")
    absent = ", ".join(key for key, value in found["settings"].items() if value is None)
    described = ((key, f"{_short(value)}\n{found['meanings'][key]}") for key, value in settings.items())
    output.fields([*described, *([("not set", absent)] if absent else [])])
    output.text("")
    output.heading("Inputs of a call")
    output.fields(found["inputs"].items())
    output.text("")
    output.heading("Outputs")
    shown = {name.strip("[]"): name for name in spec.shown_outputs}
    output.fields(
        (shown[name], "\n".join(filter(None, (entry["meaning"], entry["form"])))) for name, entry in found["outputs"].items()
    )
    if any(name.startswith("[") for name in shown.values()):
        output.text("  In brackets: with an optional input, or another setting than the default.")
    if found["post_processing"]:
        output.text("")
        output.heading("Post-processing")
        output.text("".join(f"  {name}\n" for name in found["post_processing"]))


def _short(value: Any) -> str:
    text = dumps(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
