"""`graphproc list`: every processor class."""

from __future__ import annotations

from graphproc.cli import arguments, output

EXAMPLE = "Example: graphproc list --json"


def list_processors(json: arguments.Json = False) -> None:
    """List every processor class: its backends, inputs, outputs, parity and status."""
    from graphproc.postprocessing.registry import methods
    from graphproc.processors.registry import rows

    found = rows().values()
    if json:
        output.as_json(
            [
                {
                    "name": row.name,
                    "family": row.family,
                    "backends": row.backends,
                    "status": _status(row.not_compiled),
                    "parity": str(row.parity_of()),
                    "inputs": row.inputs,
                    "outputs": row.outputs,
                    "post_processing": list(methods(row.name)),
                }
                for row in found
            ]
        )
        return
    # Parities and what is left out are long and few: a number or a letter in the table, their text below it.
    parities = list(dict.fromkeys(str(row.parity_of()) for row in found))
    absent = list(dict.fromkeys(row.not_compiled for row in found if row.not_compiled))
    output.table(
        ("class", "family", "backends", "inputs", "outputs", "parity", "without"),
        (
            (
                row.name,
                row.family,
                ", ".join(row.backends),
                ", ".join(row.inputs),
                ", ".join(row.outputs),
                f"({parities.index(str(row.parity_of())) + 1})",
                f"[{absent.index(row.not_compiled) + 1}]" if row.not_compiled else "",
            )
            for row in found
        ),
        whole=("class",),
    )
    output.text("")
    for number, text in enumerate(parities, 1):
        output.text(f"({number}) {text}")
    for other in dict.fromkeys(str(row.parity_of("torchvision")) for row in found if "torchvision" in row.backends[1:]):
        output.text(f"of the torchvision backend, by the filter: {other}")
    for number, text in enumerate(absent, 1):
        output.text(f"[{number}] {text}")


def _status(not_compiled: str) -> str:
    return f"compiled, without {not_compiled}" if not_compiled else "compiled"
