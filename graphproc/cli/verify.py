"""`graphproc verify`: compare a graph in ONNX Runtime with the numpy reference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphproc.cli import arguments, output
from graphproc.cli.errors import CHECK_FAILED

if TYPE_CHECKING:
    import numpy as np

    from graphproc.wrappers.verify import Report

    Array = np.ndarray[Any, Any]

EXAMPLE = "Example: graphproc verify preprocessing.onnx photo.jpg"


def verify(
    graph: arguments.GraphOrSource,
    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="[IMAGE]...", show_default=False, help="Image files; a photograph and noise if none is given."),
    ] = None,
    settings: arguments.Settings = None,
    backend: arguments.Backend = None,
    revision: arguments.Revision = None,
    provider: arguments.Provider = "cpu",
    json: arguments.Json = False,
) -> None:
    """Compare a graph in ONNX Runtime with the numpy reference; exit 1 on any difference.

    Of a fused graph, what its preprocessing gives is compared, before the model.
    """
    from graphproc.runtime.providers import provider_names
    from graphproc.wrappers import verify as library

    provider_names(provider)  # before any work

    sizes: list[str] = []

    def watched(arrays: Iterable[Array], total: int) -> Iterable[Array]:
        arrays = list(arrays)
        sizes.extend(f"{array.shape[0]} x {array.shape[1]}" for array in arrays)
        return output.progress(arrays, total)

    given: Any
    if arguments.is_graph(graph):
        arguments.refuse_for_graph(graph, settings, backend=backend, revision=revision)
        given = graph
    else:
        given = arguments.session(graph, settings, provider, backend=backend, revision=revision)
    report = library.verify(given, images or None, provider=provider, progress=watched)
    labels = images or ["photograph", *["noise"] * (len(sizes) - 1)]
    shown = [f"{label}, {size}" for label, size in zip(labels, sizes, strict=True)]
    per_image = len(report.comparisons) // len(shown)  # one comparison for each output
    named = (replace(c, image=shown[index // per_image]) for index, c in enumerate(report.comparisons))
    report = replace(report, comparisons=tuple(named))
    if json:
        output.as_json({**report.as_dict(), "provider": provider})
    else:
        _print(report, provider)
    if not report.ok:
        raise typer.Exit(CHECK_FAILED)


def _print(report: Report, provider: str) -> None:
    output.table(
        ("image", "output", "shape", "elements", "differing", "max difference"),
        (
            (c.image, c.output, output.shape(c.shape), f"{c.elements:,}", f"{c.differing:,}", f"{c.max_difference:g}")
            for c in report.comparisons
        ),
        right=("elements", "differing", "max difference"),
    )
    differing, elements = (sum(getattr(c, name) for c in report.comparisons) for name in ("differing", "elements"))
    output.text("")
    output.heading("Same bits." if report.ok else "Different.")
    stated = ("parity", report.parity) if report.ok else ("not kept", report.parity)
    output.fields(
        [
            ("processor", report.processor),
            ("compared", f"ONNX Runtime ({provider}) with the numpy reference"),
            ("differing", f"{differing:,} of {elements:,} elements"),
            stated,
        ]
    )
