"""`graphproc list`: every processor class."""

from __future__ import annotations

from graphproc.cli import arguments, output

EXAMPLE = "Example: graphproc list --json"


def list_processors(json: arguments.Json = False) -> None:
    """List every processor class: its backends, outputs, status and parity."""
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
                    "parity": str(row.parity),
                    "outputs": row.outputs,
                }
                for row in found
            ]
        )
        return
    # Parities are long and few: a number in the table, their text below it.
    parities = list(dict.fromkeys(str(row.parity) for row in found))
    output.table(
        ("class", "family", "backends", "outputs", "parity", "status"),
        (
            (
                row.name,
                row.family,
                ", ".join(row.backends),
                ", ".join(row.outputs),
                f"({parities.index(str(row.parity)) + 1})",
                _status(row.not_compiled),
            )
            for row in found
        ),
        whole=("class",),
    )
    output.text("")
    for number, parity in enumerate(parities, 1):
        output.text(f"({number}) {parity}")


def _status(not_compiled: str) -> str:
    return f"compiled, without {not_compiled}" if not_compiled else "compiled"
