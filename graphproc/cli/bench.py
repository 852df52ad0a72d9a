"""`graphproc bench`: time this package and other libraries in turns, on one's own images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from graphproc.cli import arguments, output
from graphproc.cli.errors import CHECK_FAILED

if TYPE_CHECKING:
    from graphproc.bench.results import Result, Timing

EXAMPLE = "Example: graphproc bench CLIPImageProcessor photo.jpg --threads 1 --threads 2"


def bench(
    source: arguments.Source,
    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="[IMAGE]...", show_default=False, help="Image files, each timed by itself; a photograph if none."),
    ] = None,
    settings: arguments.Settings = None,
    backend: arguments.Backend = None,
    revision: arguments.Revision = None,
    threads: Annotated[
        list[int] | None,
        typer.Option(
            "--threads", metavar="N", help="Threads of the contestants that can have several. Repeatable.", show_default="1"
        ),
    ] = None,
    batch: Annotated[int, typer.Option(metavar="N", help="How many copies of an image are preprocessed at once.")] = 1,
    runs: Annotated[
        int | None,
        typer.Option(
            metavar="N", show_default=False, help="How many times every contestant runs; by default as often as --seconds allow."
        ),
    ] = None,
    seconds: Annotated[float, typer.Option(metavar="S", help="How long the runs on an image take together, about.")] = 5.0,
    json: arguments.Json = False,
) -> None:
    """Time a processor: its graph, transformers' backends, Pillow's resize and others, in turns in one process.

    Outputs are compared with the numpy reference before anything is timed; exit 1 where this package's own differ. Ratios
    are medians over pairs of neighbouring runs. Peers that are not installed are left out.
    """
    from graphproc.bench import results as library
    from graphproc.bench.own import GRAPH
    from graphproc.wrappers.examples import photograph
    from graphproc.wrappers.verify import read_images

    processor = arguments.processor(source, settings, backend, revision)
    labels = images or ["photograph"]
    arrays = read_images(images) if images else [photograph()]
    results: list[Result] = []
    for label, array in output.progress(list(zip(labels, arrays, strict=True)), len(arrays)):
        results += library.bench(processor, array, label, threads=tuple(threads or (1,)), batch=batch, runs=runs, seconds=seconds)
    ok = all(result.ok for result in results)
    if json:
        output.as_json({"ok": ok, "machine": library.machine(), "results": [result.as_dict() for result in results]})
    else:
        for result in results:
            _print(result)
        for line in dict.fromkeys(line for result in results for line in result.absent):
            output.text(f"Left out: {line}")
        output.text(f"ratio 1.00 is {GRAPH}; 2.00 takes twice as long. exact: the numpy reference's bits.")
    if not ok:
        raise typer.Exit(CHECK_FAILED)


def _print(result: Result) -> None:
    copies = f", batch of {result.batch}" if result.batch > 1 else ""
    threads = f"{result.threads} thread{'s' * (result.threads > 1)}"
    output.heading(f"{result.processor} on {result.image}, {result.height} x {result.width}{copies}, {threads}")
    time = "ms per image" if result.batch > 1 else "ms"
    output.table(
        ("contestant", "runs", time, "ratio", "exact"),
        ((t.contestant, str(t.runs), f"{t.milliseconds:.3g}", f"{t.ratio:.2f}", _exact(t)) for t in result.timings),
        right=("runs", time, "ratio"),
        whole=("contestant",),
    )
    output.text("")


def _exact(timing: Timing) -> str:
    exact = "-" if timing.difference is None else str(timing.difference)
    return f"{exact} ({timing.note})" if timing.note else exact
