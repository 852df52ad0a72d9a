"""Count what a processor class costs in code: the lines of its module, shared by the classes in it.

python tools/class_cost.py [--limit 20]

Lines are those that hold code: no comments, docstrings or blank lines. Size rules, ops and stages that several modules
share are not counted; nor are tests. Exits 1 if the median is not below the limit.
"""

from __future__ import annotations

import argparse
import ast
import io
import statistics
import sys
import tokenize
from importlib import import_module
from pathlib import Path

from graphproc.processors.registry import modules

IGNORED = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def code_lines(path: Path) -> int:
    """Return how many lines of a file hold code."""
    source = path.read_text(encoding="utf-8")
    strings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            strings.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    held: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in IGNORED:
            held.update(range(token.start[0], token.end[0] + 1))
    return len(held - strings)


def costs() -> dict[str, tuple[str, float]]:
    """Return for each class its module and its share of the module's lines."""
    found = {}
    for name in modules():
        module = import_module(f"graphproc.processors.families.{name}")
        assert module.__file__ is not None
        lines = code_lines(Path(module.__file__))
        found.update({spec.name: (name, lines / len(module.SPECS)) for spec in module.SPECS})
    return found


def main() -> int:
    """Print the table and the median."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=float, default=20)
    limit = parser.parse_args().limit
    found = costs()
    by_module: dict[str, list[float]] = {}
    for module, lines in found.values():
        by_module.setdefault(module, []).append(lines)
    print(f"{'module':36}{'classes':>8}{'lines':>8}{'a class':>9}")
    for module, shares in sorted(by_module.items(), key=lambda item: item[1][0]):
        print(f"{module:36}{len(shares):8}{sum(shares):8.0f}{shares[0]:9.1f}")
    median = statistics.median(lines for _, lines in found.values())
    print(f"{len(found)} classes, {sum(lines for _, lines in found.values()):.0f} lines, median {median:.1f} lines a class")
    return 0 if median < limit else 1


if __name__ == "__main__":
    sys.exit(main())
