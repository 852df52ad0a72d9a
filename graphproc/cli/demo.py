"""`graphproc demo`: export, run and verify a processor on a photograph that ships with the package, offline."""

from __future__ import annotations

import shlex
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from graphproc.cli import arguments, output
from graphproc.cli.errors import CHECK_FAILED
from graphproc.errors import ConfigError

EXAMPLE = "Example: graphproc demo -o /tmp"

FILE_NAME = "preprocessing.onnx"
RUNS = 9


def demo(
    folder: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help=f"Where {FILE_NAME} goes; an older one is replaced.")
    ] = Path(),
    json: arguments.Json = False,
) -> None:
    """Export CLIP's preprocessing, run it on a photograph, and verify it; offline."""
    from graphproc.executors import reference
    from graphproc.runtime.session import Session
    from graphproc.wrappers.examples import photograph
    from graphproc.wrappers.processor import processor_class
    from graphproc.wrappers.verify import run_image, verify

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"-o {folder}: cannot be made ({error.strerror})") from None
    processor = processor_class("CLIPImageProcessor")()
    path = processor.export(folder / FILE_NAME)
    photo = photograph()
    session, program = Session(path), processor.compile()
    report = verify(session, [photo])
    milliseconds = {
        "onnxruntime": _median(lambda: run_image(session, photo, "photograph"), warmup=RUNS),  # by then its size is known
        "numpy": _median(lambda: reference.run(program, {"image": photo}), warmup=1),
    }
    (comparison,) = report.comparisons
    summary = arguments.graph_summary(arguments.read_graph(path))
    if json:
        graph = {"path": str(path), "nodes": summary["nodes"], "bytes": summary["bytes"]}
        output.as_json({**report.as_dict(), **graph, "milliseconds": milliseconds})
    else:
        output.heading(f"{report.processor} on a photograph of {photo.shape[0]} x {photo.shape[1]} pixels")
        output.fields(
            [
                ("output", f"{comparison.output}: float32{output.shape(comparison.shape)}"),
                ("differing", f"{comparison.differing:,} of {comparison.elements:,} elements, ONNX Runtime and numpy reference"),
                ("max difference", f"{comparison.max_difference:g}"),
                ("ONNX Runtime", f"{milliseconds['onnxruntime']:.1f} ms (median of {RUNS} runs)"),
                ("numpy reference", f"{milliseconds['numpy']:.1f} ms (median of {RUNS} runs)"),
                ("graph", f"{summary['nodes']} nodes, {summary['bytes']:,} bytes, {path}"),
                ("parity", report.parity),
            ]
        )
        output.text("")
        output.heading("Next")
        quoted = shlex.quote(str(path))
        output.text(
            f"  graphproc run {quoted} YOUR_PHOTO.jpg -o features.npz\n"
            f"  graphproc inspect {quoted} --why\n"
            "  graphproc list\n"
            "  graphproc export path/to/preprocessor_config.json"
        )
    if not report.ok:
        raise typer.Exit(CHECK_FAILED)


def _median(run: Callable[[], object], warmup: int) -> float:
    """Return the median time of a run in milliseconds."""
    times = []
    for _ in range(warmup + RUNS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times[warmup:]) * 1e3
