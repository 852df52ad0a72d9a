"""Write or check exported/README.md: the ready-made graphs, the supported classes, the post-processing methods.

python tools/support_table.py --write
python tools/support_table.py --check    exit 1 if the page is not the current one

The text is support_table.template.md, beside this script; each `{{name}}` in it is a table or a list that is made here.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import onnx

from graphproc.cli.arguments import graph_summary
from graphproc.postprocessing.registry import methods
from graphproc.processors.registry import family, specs
from graphproc.wrappers.description import left_as_bytes

TEMPLATE = Path(__file__).resolve().with_name("support_table.template.md")
FOLDER = Path(__file__).resolve().parent.parent / "exported"
PAGE = FOLDER / "README.md"
WIDTH = 100
"""The number of columns that prose is wrapped at."""


@cache
def parities() -> list[str]:
    """Return the texts of what classes' results in their first backend are equal to; the tables number these from 1."""
    return list(dict.fromkeys(str(spec.parity_of()) for spec in specs().values()))


def pil_parities() -> list[str]:
    """Return the same for the pil backend, for classes where it is the second one."""
    found = (spec for spec in specs().values() if "pil" in spec.backends[1:])
    return list(dict.fromkeys(str(spec.parity_of("pil")) for spec in found))


def limits() -> list[str]:
    """Return the texts of what is not in graphs; the table of classes numbers these from 1."""
    return list(dict.fromkeys(spec.limitations for spec in specs().values() if spec.limitations))


def _parity(name: str, backend: str | None = None) -> str:
    """Return whether results are equal, with the number of the text that says to what; the default's texts have one."""
    parity = specs()[name].parity_of(backend)
    bound = f"within {parity.bound:.2g}" if parity.bound else "exact"
    text = str(parity)
    return f"{bound} ({parities().index(text) + 1})" if text in parities() else bound


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in (head, ["---"] * len(head), *lines))


def _list(items: Sequence[str], number: str) -> str:
    """Return a list in Markdown; `number` is the text before each item, with `{}` for its number."""
    labels = (number.format(index) for index in range(1, len(items) + 1))
    return "\n".join(
        textwrap.fill(f"{label} {item}".strip(), WIDTH, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)
        for label, item in zip(labels, items, strict=True)
    )


def graph_table() -> str:
    """Return the table of files in exported/: the classes that each is for, its backend, inputs, outputs and hash."""
    graphs = json.loads((FOLDER / "manifest.json").read_text())["graphs"]
    lines = []
    for name, entry in sorted(graphs.items(), key=lambda item: str.lower(item[0])):
        if "file" not in entry:
            continue
        summary = graph_summary(onnx.load(FOLDER / entry["file"]))
        classes = [name, *(other for other, shared in graphs.items() if shared.get("same_graph_as") == name)]
        inputs, outputs = (
            "<br>".join(f"`{key}` {type}" for key, type in summary[what].items()) for what in ("inputs", "outputs")
        )
        file = f"[{entry['file']}]({entry['file']})"
        parity = _parity(name.removesuffix("Pil"), entry["backend"])
        lines.append((", ".join(classes), file, entry["backend"], inputs, outputs, parity, f"`{entry['sha256']}`"))
    return _table(("classes", "file", "backend", "inputs", "outputs", "parity", "SHA-256"), lines)


def without_graphs() -> str:
    """Return the classes that the manifest does not name."""
    graphs = json.loads((FOLDER / "manifest.json").read_text())["graphs"]
    return ", ".join(name for name in specs() if name not in graphs)


def class_table() -> str:
    """Return the table of supported classes."""
    absent = limits()
    lines = [
        (
            spec.name,
            family(spec.name),
            ", ".join(spec.backends),
            ", ".join(spec.inputs),
            ", ".join(spec.shown_outputs),
            _parity(spec.name),
            f"[{absent.index(spec.limitations) + 1}]" if spec.limitations else "",
        )
        for spec in specs().values()
    ]
    return _table(("class", "family", "backends", "inputs", "outputs", "parity", "without"), lines)


def unsplit() -> list[str]:
    """Return the reasons why classes cannot be split into bytes and their map, each with the classes."""
    found: dict[str, list[str]] = {}
    for name, spec in specs().items():
        reasons = {backend: left_as_bytes(spec, backend) for backend in spec.backends}
        for reason in dict.fromkeys(reasons.values()):
            backends = [backend for backend in reasons if reasons[backend] == reason]
            label = name.removesuffix("ImageProcessor") + (f" ({', '.join(backends)})" if len(backends) < len(reasons) else "")
            if reason.startswith("no: "):
                found.setdefault(reason.removeprefix("no: ").rpartition(": ")[2], []).append(label)
    return [f"{reason}: {', '.join(names)}" for reason, names in sorted(found.items())]


def method_table() -> str:
    """Return the table of post-processing methods: what they read and which classes have them."""
    found: dict[tuple[str, str], list[str]] = {}
    for name in specs():
        for method in methods(name).values():
            reads = ", ".join(
                f"[{field}]" if f.optional else field for field, f in method.inputs.items() if not (f.optional and f.call)
            )
            found.setdefault((method.name, reads), []).append(name.removesuffix("ImageProcessor"))
    lines = [
        (f"`{name}`", reads, "every class" if len(classes) == len(specs()) else ", ".join(classes))
        for (name, reads), classes in sorted(found.items())
    ]
    return _table(("method", "reads", "classes"), lines)


def page() -> str:
    """Return the whole page."""
    parts = {
        "graphs": graph_table(),
        "without_graphs": without_graphs(),
        "classes": class_table(),
        "parities": _list(parities(), "({})"),
        "pil_parities": _list(pil_parities(), ""),
        "limits": _list(limits(), "[{}]"),
        "unsplit": _list(unsplit(), ""),
        "methods": method_table(),
    }
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace(f"{{{{{name}}}}}", part)
    return text


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true")
    what.add_argument("--check", action="store_true")
    if parser.parse_args().write:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    current = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page()
    print("exported/README.md is current" if current else "exported/README.md is out of date: run tools/support_table.py --write")
    return 0 if current else 1


if __name__ == "__main__":
    sys.exit(main())
