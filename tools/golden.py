"""Write or check the IR text of every processor's default program, before and after the passes.

Without arguments it checks: it prints what differs from tests/golden/NAME.txt and exits with 1. With `--update` it writes
the files; review the difference before you commit it.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from functools import cache
from pathlib import Path

from graphproc.errors import ConfigError
from graphproc.passes.pipeline import optimize
from graphproc.processors.registry import specs

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "golden"


def golden_text(name: str) -> str:
    """Return the IR text of a processor class with its default settings: as compiled, then as emitted."""
    spec = specs()[name]
    program = spec.program(spec.config({}))
    return f"# as compiled\n{program}\n# after the passes\n{optimize(program)}"


@cache
def names() -> tuple[str, ...]:
    """Return the classes with default settings that compile. A class may need a setting that each model defines."""
    found = []
    for name, spec in specs().items():
        try:
            spec.program(spec.config({}))
        except ConfigError:
            continue
        found.append(name)
    return tuple(found)


def expected_files() -> dict[Path, str]:
    """Return every golden file and its text."""
    return {FOLDER / f"{name}.txt": golden_text(name) for name in names()}


def differences() -> list[str]:
    """Return lines of a unified diff from the stored files to the current texts; none if all agree."""
    wanted = expected_files()
    found: list[str] = []
    for path in sorted({*wanted, *FOLDER.glob("*.txt")}):
        stored = path.read_text(encoding="utf-8") if path.exists() else ""
        current = wanted.get(path, "")
        found += difflib.unified_diff(
            stored.splitlines(), current.splitlines(), f"stored/{path.name}", f"current/{path.name}", lineterm=""
        )
    return found


def update() -> list[Path]:
    """Write the files that differ, remove those of classes that are gone, and return the paths that changed."""
    wanted = expected_files()
    FOLDER.mkdir(parents=True, exist_ok=True)
    touched = []
    for path, text in wanted.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            touched.append(path)
    for path in FOLDER.glob("*.txt"):
        if path not in wanted:
            path.unlink()
            touched.append(path)
    return touched


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="write the files instead of checking them")
    if parser.parse_args().update:
        for path in update():
            print(path.relative_to(FOLDER.parent.parent))
        return 0
    found = differences()
    print("\n".join(found) or f"{len(expected_files())} golden files agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
