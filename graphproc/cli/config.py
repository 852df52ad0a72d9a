"""`graphproc config`: print the settings of a configuration, normalised."""

from __future__ import annotations

import json as json_lines
from typing import Any

from graphproc.cli import arguments, output

EXAMPLE = "Example: graphproc config CLIPImageProcessor --set size=336"


def config(
    source: arguments.Source,
    settings: arguments.Settings = None,
    backend: arguments.Backend = None,
    revision: arguments.Revision = None,
    json: arguments.Json = False,
) -> None:
    """Print the normalised configuration of a processor, and what was assumed about it."""
    processor, assumed = arguments.load(source, settings, backend, revision)
    known: dict[str, Any] = dict(processor.spec.config(processor.to_dict()).settings)
    unknown = {k: v for k, v in processor.to_dict().items() if k not in known and k != "image_processor_type"}
    if json:
        named = {"processor": processor.spec.name, "backend": processor.backend}
        output.as_json({**named, "settings": known, "unknown": unknown, "assumed": assumed})
        return
    output.heading(processor.spec.name)
    output.text(f"  {arguments.backend_text(processor.backend, processor.spec.backends)}\n")
    output.fields([(key, _text(value)) for key, value in known.items() if value is not None])
    absent = [key for key, value in known.items() if value is None]
    if absent:
        output.text(f"\nNot set: {', '.join(absent)}")
    if unknown:
        output.text("")
        output.heading("Kept, and without effect")
        output.fields([(key, _text(value)) for key, value in unknown.items()])
    if assumed:
        output.text("")
        output.heading("Assumed")
        for text in assumed:
            output.text(f"  {text}")


def _text(value: Any) -> str:
    text = json_lines.dumps(value)
    return text if len(text) <= 300 else f"{text[:297]}..."
