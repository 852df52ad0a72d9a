"""`graphproc kernels`: print which native library is used and with which instructions, or why none is."""

from __future__ import annotations

from graphproc.cli import arguments, output

EXAMPLE = "Example: graphproc kernels, or: GRAPHPROC_KERNELS=avx2 graphproc kernels"


def show(json: arguments.Json = False) -> None:
    """Show which native kernels are used, or why none are; graphs give the same bits without them."""
    from graphproc.runtime import native

    found = native.library()
    if json:
        as_data = {"path": None if found.path is None else str(found.path), "version": found.version}
        sets = {"instruction_set": native.instruction_set(), "available": [*found.available]}
        output.as_json({**as_data, **sets, "kernels": [*found.kernels], "reason": found.reason})
        return
    output.heading("Native kernels")
    if found.path is None:
        output.fields([("used", "no"), ("reason", str(found.reason))])
        return
    output.fields(
        [
            ("library", str(found.path)),
            ("version", str(found.version)),
            ("instructions", f"{native.instruction_set()} (available: {', '.join(found.available)})"),
            ("kernels", ", ".join(found.kernels)),
        ]
    )
