"""Describe a class as facts and as text, for `help(gp.CLIPImageProcessor)` and `graphproc list CLIPImageProcessor`."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap
from typing import Any

from graphproc.configs.settings import STANDARD
from graphproc.errors import ConfigError
from graphproc.passes.base import Declined
from graphproc.passes.split import split
from graphproc.postprocessing.registry import methods
from graphproc.processors import stages
from graphproc.processors.meanings import MEANINGS
from graphproc.processors.registry import family
from graphproc.processors.spec import ExtraInput, ProcessorSpec

IMAGES = "one image or several of any sizes: PIL images, arrays, tensors, paths; in a graph uint8 [batch, height, width, 3]"


def entry(spec: ProcessorSpec) -> dict[str, Any]:
    """Return the facts that a list of classes shows of each."""
    return {
        "name": spec.name,
        "family": family(spec.name),
        "backends": spec.backends,
        "status": f"compiled, without {spec.limitations}" if spec.limitations else "compiled",
        "parity": str(spec.parity_of()),
        "inputs": spec.inputs,
        "outputs": spec.shown_outputs,
        "post_processing": list(methods(spec.name)),
    }


def facts(spec: ProcessorSpec) -> dict[str, Any]:
    """Return all facts of a class: also settings with their meanings, forms of inputs, and meanings of outputs."""
    return {
        **entry(spec),
        "parities": {backend: str(spec.parity_of(backend)) for backend in spec.backends},
        "split": {backend: left_as_bytes(spec, backend) for backend in spec.backends},
        "settings": dict(spec.config({}).settings),
        "meanings": {key: explained(spec, key) for key in spec.declared},
        "inputs": {"images": IMAGES, **{extra.keyword: given(extra) for extra in spec.extra_inputs.values()}},
        "outputs": {
            name: spec.meanings.get(name, MEANINGS[name]) for name in (shown.strip("[]") for shown in spec.shown_outputs)
        },
    }


def left_as_bytes(spec: ProcessorSpec, backend: str) -> str:
    """Return the outputs that a call with `split=True` leaves as bytes with default settings, or why there are none."""
    try:
        found = split(spec.program(spec.config({}), backend=backend))
    except ConfigError:
        return "no: it depends on a setting that has no default"
    return f"no: {found.reason}" if isinstance(found, Declined) else ", ".join(found.mapped)


def explained(spec: ProcessorSpec, key: str) -> str:
    """Return the meaning of a setting; for a standard switch, with the docstring of the class's own step.

    Example: "Pad the image: mirrored at the bottom and right up to the next larger multiple."
    """
    what = spec.declared[key].meaning
    for stage in spec.stages if key in STANDARD else ():
        first = (stage.__doc__ or "").split("\n")[0]
        if not stage.__module__.startswith(stages.__name__) and (own := first.partition(f"`{key}`: ")[2]):
            return f"{what[:-1]}: {own}"
    return what


def given(extra: ExtraInput) -> str:
    """Return the form of an extra input, in words."""
    forms = {
        "HW": "a map [height, width]" + (" of the image's sides" if extra.aligned else ""),
        "HWC": "an image" + (" of the image's sides" if extra.aligned else " of any size"),
        "NF": "boxes [number, 4]: x, y, width, height in pixels",
    }
    kinds = {"u8": "bytes", "f32": "floats"}
    form = f"{forms[extra.layout]}, of {kinds.get(extra.dtype, extra.dtype)}, one for each image"
    return form if extra.required else f"{form} (optional)"


def text(spec: ProcessorSpec) -> str:
    """Return all facts of a class as plain text."""
    found = facts(spec)
    settings = ((f"{key} = {value!r}", found["meanings"][key]) for key, value in found["settings"].items())
    shown = {name.strip("[]"): name for name in spec.shown_outputs}
    parts = [
        f"Preprocess images as transformers' {spec.name} does ({family(spec.name)} family).",
        _section("Backends, and what their results are", found["parities"].items()),
        *([_paragraph(f"Not compiled: {spec.limitations}.")] if spec.limitations else []),
        _section("Outputs that split=True leaves as bytes", found["split"].items()),
        _section("Settings and their defaults", settings),
        _section("Inputs of a call", found["inputs"].items()),
        _section("Outputs", ((shown[name], what) for name, what in found["outputs"].items())),
    ]
    if any(name.startswith("[") for name in shown.values()):
        parts.append("In brackets: with an optional input, or another setting than the default.")
    if found["post_processing"]:
        parts.append(_section("Post-processing", ((name, "") for name in found["post_processing"])))
    return "\n\n".join(parts) + "\n"


def _section(title: str, entries: Iterable[tuple[str, str]]) -> str:
    lines = [f"{title}:"]
    for name, what in entries:
        lines += wrap(name, 92, initial_indent="    ", subsequent_indent="        ")
        lines += wrap(what, 92, initial_indent="        ", subsequent_indent="        ")
    return "\n".join(lines)


def _paragraph(what: str) -> str:
    return "\n".join(wrap(what, 92))


class Description:
    """The `__doc__` of a processor class. It is made when it is read, because that compiles the class's programs."""

    def __get__(self, instance: object, owner: Any) -> str:
        """Return the text of the class."""
        return text(owner.spec)
