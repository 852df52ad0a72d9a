"""Write or check the tables of supported classes and of post-processing methods in README.

python tools/support_table.py --write
python tools/support_table.py --check    exit 1 if README's table is not the current one
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from graphproc.postprocessing.registry import methods
from graphproc.processors.registry import rows

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- table: tools/support_table.py -->", "<!-- end of table -->"
POST_BEGIN, POST_END = "<!-- methods: tools/support_table.py -->", "<!-- end of methods -->"


def table() -> str:
    """The table as Markdown, and below it what its numbers mean."""
    found = rows().values()
    parities = list(dict.fromkeys(str(row.parity_of()) for row in found))
    absent = list(dict.fromkeys(row.not_compiled for row in found if row.not_compiled))
    lines = ["| class | family | backends | inputs | outputs | parity | without |", "|---|---|---|---|---|---|---|"]
    for row in found:
        bound = f"within {row.parity_of().bound:.2g}" if row.parity_of().bound else "exact"
        cells = (
            row.name,
            row.family,
            ", ".join(row.backends),
            ", ".join(row.inputs),
            ", ".join(row.shown_outputs),
            f"{bound} ({parities.index(str(row.parity_of())) + 1})",
            f"[{absent.index(row.not_compiled) + 1}]" if row.not_compiled else "",
        )
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "Inputs in brackets are optional, and outputs in brackets come with them or with other settings. Parity:", ""]
    lines += [f"- ({number}) {text}" for number, text in enumerate(parities, 1)]
    others = dict.fromkeys(str(row.parity_of("torchvision")) for row in found if "torchvision" in row.backends[1:])
    lines += [f"- of the torchvision backend, by the filter: {text}" for text in others]
    lines += ["", "What is not in the graph; the rest of the class works:", ""]
    lines += [f"- [{number}] {text}" for number, text in enumerate(absent, 1)]
    return "\n".join(lines)


def post_table() -> str:
    """The post-processing methods as Markdown: what they read and which classes have them."""
    found: dict[tuple[str, str], list[str]] = {}
    for name in rows():
        for method in methods(name).values():
            reads = ", ".join(
                f"[{field}]" if f.optional else field for field, f in method.inputs.items() if not (f.optional and f.call)
            )
            found.setdefault((method.name, reads), []).append(name.removesuffix("ImageProcessor"))
    lines = ["| method | reads | classes |", "|---|---|---|"]
    for (name, reads), classes in sorted(found.items()):
        everyone = len(classes) == len(rows())
        lines.append(f"| `{name}` | {reads} | {'every class' if everyone else ', '.join(classes)} |")
    return "\n".join(lines)


def replaced(text: str) -> str:
    """README with the current tables."""
    for begin, end, content in ((BEGIN, END, table()), (POST_BEGIN, POST_END, post_table())):
        before, rest = text.split(begin)
        _, after = rest.split(end)
        text = f"{before}{begin}\n{content}\n{end}{after}"
    return text


def main() -> int:
    """Write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true")
    what.add_argument("--check", action="store_true")
    text = README.read_text()
    if parser.parse_args().write:
        README.write_text(replaced(text))
        return 0
    current = replaced(text) == text
    print("README's table is current" if current else "README's table is out of date: run tools/support_table.py --write")
    return 0 if current else 1


if __name__ == "__main__":
    sys.exit(main())
