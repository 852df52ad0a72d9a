"""Write or check the table of supported classes in README.

python tools/support_table.py --write
python tools/support_table.py --check    exit 1 if README's table is not the current one
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from graphproc.processors.registry import rows

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- table: tools/support_table.py -->", "<!-- end of table -->"


def table() -> str:
    """The table as Markdown."""
    lines = ["| class | family | backends | parity | inputs | outputs | not in the graph |", "|---|---|---|---|---|---|---|"]
    for row in rows().values():
        backends, taken, given = (", ".join(names) for names in (row.backends, row.inputs, row.outputs))
        cells = (row.name, row.family, backends, str(row.parity), taken, given, row.not_compiled or "-")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def replaced(text: str) -> str:
    """README with the current table."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


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
