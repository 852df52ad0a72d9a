"""`graphproc golden`: write a kit that proves implementations in other languages."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from graphproc.cli import arguments, output

EXAMPLE = "Example: graphproc golden CLIPImageProcessor -o clip-kit"


def golden(
    source: arguments.Source,
    folder: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="The folder to write, new or empty.")],
    settings: arguments.Settings = None,
    backend: Annotated[
        str | None,
        typer.Option(
            metavar="pil|torchvision",
            show_default="both, if the class has both",
            help="The one backend of transformers that the kit is for.",
        ),
    ] = None,
    revision: arguments.Revision = None,
    max_size: Annotated[
        float,
        typer.Option("--max-size", metavar="MB", help="How large the kit may be; values that do not fit are digests alone."),
    ] = 2.0,
    json: arguments.Json = False,
) -> None:
    """Write a golden kit: images, and what each step of a processor makes of them.

    Sizes of the images are those at which the processor's own size rules decide differently. An
    implementation in any language preprocesses the images, and `graphproc check` says where it parts.
    """
    from graphproc.kits.write import write_kit

    processor = arguments.processor(source, settings, backend, revision)
    wanted = None if backend is None else [backend]
    kit = write_kit(processor, folder, backends=wanted, max_size=max_size, progress=output.progress)
    for name, why in kit.left_out.items():
        output.note(f"without backend {name}: {why}")
    manifest = kit.manifest
    tensors = [one for case in manifest.cases for values in case.values.values() for one in values]
    backends = [section.backend for section in manifest.backends]
    if json:
        cases = [
            {"name": case.name, "why": case.why, "images": [list(i.pixels.shape) for i in case.images]} for case in manifest.cases
        ]
        named = {"path": str(folder), "processor": manifest.processor, "backends": backends, "bytes": kit.bytes}
        counts = {"values": len(tensors), "with_files": sum(bool(one.file) for one in tensors)}
        refused = [asdict(size) for size in manifest.refused]
        output.as_json({**named, **counts, "cases": cases, "refused": refused, "one_sided": list(manifest.one_sided)})
        return
    output.heading(f"Wrote {folder}")
    output.fields(
        [
            ("processor", manifest.processor),
            ("backends", ", ".join(backends)),
            ("size", f"{kit.bytes:,} bytes"),
            ("values", f"{len(tensors)}, {sum(bool(one.file) for one in tensors)} of them in files, the others as digests"),
        ]
    )
    output.text("")
    output.table(("case", "why"), ((case.name, case.why) for case in manifest.cases), whole=("case",))
    if manifest.refused:
        output.text("")
        rows = ((f"{size.height} x {size.width}", ", ".join(size.backends), size.message) for size in manifest.refused)
        output.table(("refused", "by", "why"), rows, whole=("refused", "by"))
    if manifest.one_sided:
        output.text("")
        output.heading("Not tried: the other side of these, which larger images take")
        output.text("\n".join(f"  {words}" for words in manifest.one_sided))
