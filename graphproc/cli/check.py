"""`graphproc check`: compare what another implementation made of a kit's images with the kit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphproc.cli import arguments, output
from graphproc.cli.errors import CHECK_FAILED

if TYPE_CHECKING:
    from graphproc.kits.check import CaseReport, Difference

EXAMPLE = "Example: graphproc check clip-kit results"


def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", show_default=False, help="The kit: what `graphproc golden` wrote.")],
    results: Annotated[
        Path,
        typer.Argument(
            metavar="RESULTS",
            show_default=False,
            help="A folder with CASE/STEP.npy or CASE.safetensors, or one .safetensors file with names CASE/STEP.",
        ),
    ],
    backend: Annotated[
        str | None,
        typer.Option(metavar="pil|torchvision", show_default="the kit's first", help="The backend to compare with."),
    ] = None,
    complete: Annotated[bool, typer.Option("--complete", help="Fail as well if an output of a case is not there.")] = False,
    json: arguments.Json = False,
) -> None:
    """Compare results with a golden kit; exit 1 on any difference, and say in which step they first part."""
    from graphproc.kits.check import check_kit

    report = check_kit(folder, results, backend=backend)
    if json:
        output.as_json(report.as_dict())
    else:
        output.table(("case", "values", "first difference"), map(_row, report.cases), right=("values",), whole=("case",))
        for case in report.cases:
            if case.difference is not None:
                output.text("")
                output.heading(f"{case.case} parts in {case.difference.step}")
                output.fields([("case", case.why), *_facts(case.difference)])
        missing = [case.case for case in report.cases if not case.whole]
        output.text("")
        output.heading("Same bits in all that was given." if report.ok else "Different.")
        output.fields(
            [
                ("processor", report.processor),
                ("backend", report.backend),
                ("compared", f"{sum(len(case.compared) for case in report.cases)} values"),
                *([("not given", f"outputs of {', '.join(missing)}")] if missing else []),
                ("parity", report.parity),
            ]
        )
    if not report.ok or (complete and not report.whole):
        raise typer.Exit(CHECK_FAILED)


def _row(case: CaseReport) -> tuple[str, str, str]:
    if case.difference is not None:
        return case.case, str(len(case.compared)), case.difference.step
    return case.case, str(len(case.compared)), "none" if case.compared else "not given"


def _facts(found: Difference) -> Iterator[tuple[str, str]]:
    """Yield what is known of a difference, by name."""
    if found.words:
        yield "the step", found.words
    if found.expected != found.found:
        yield "expected", found.expected
        yield "found", found.found
    elif found.differing is None:
        yield "differing", f"the digest of {found.expected}; this version of graphproc cannot say where"
    else:
        yield (
            "differing",
            f"{found.differing:,} of {found.elements:,} elements of {found.expected}, at most by {found.max_difference:.9g}",
        )
        place = output.shape(found.first) + ("" if found.channel is None else f", channel {found.channel}")
        yield "first", f"at {place}: expected {found.expected_value:.9g}, found {found.found_value:.9g}"
    if found.cause:
        yield "cause", found.cause
    if found.not_given:
        yield "not given", f"{', '.join(found.not_given)}, so one of these may part first"
    if found.later:
        yield "later", f"{', '.join(found.later)} differ, too"
