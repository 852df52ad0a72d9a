"""Imports run one way: a module may import its own layer and lower ones, and modules form no cycles.

Imports inside functions count; imports for type checkers alone do not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

LAYERS = (
    {"errors", "version", "batch_feature", "files"},
    {"sizes"},
    {"ir", "joins"},
    {"numerics"},
    {"ops"},
    {"configs"},
    {"processors"},
    {"plans"},
    {"postprocessing"},
    {"passes"},
    {"executors", "emitters"},
    {"runtime"},
    {"fusion"},
    {"wrappers"},
    {"bench", "kits", "serving"},
    {"cli", "__main__"},
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}

# (importer, imported): the ways back, to print a program and to read a type. They are inside functions.
TEXT_OF_A_PROGRAM = {("graphproc.ir.program", "graphproc.ir.text"), ("graphproc.ir.program", "graphproc.ir.parse")}


def modules(root: Path) -> dict[str, Path]:
    """Return every module of the package by dotted name, without the facade `graphproc/__init__.py`."""
    found = {}
    for path in sorted((root / "graphproc").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name != "graphproc":
            found[name] = path
    return found


def is_type_checking(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def imports(node: ast.AST, known: dict[str, Path]) -> Iterator[str]:
    """Yield the package's modules that code imports, at any depth."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names if alias.name.split(".")[0] == "graphproc")
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            if (child.module or "").split(".")[0] == "graphproc":
                for alias in child.names:
                    whole = f"{child.module}.{alias.name}"
                    yield whole if whole in known else str(child.module)
        elif isinstance(child, ast.If) and is_type_checking(child):
            yield from imports(ast.Module(child.orelse, []), known)
        else:
            yield from imports(child, known)


@pytest.fixture(scope="module")
def graph(root: Path) -> dict[str, set[str]]:
    known = modules(root)
    return {name: set(imports(ast.parse(path.read_text(encoding="utf-8")), known)) - {name} for name, path in known.items()}


def layer(name: str) -> int:
    return LEVEL[name.split(".")[1]]


def test_every_folder_has_a_layer(graph: dict[str, set[str]]) -> None:
    assert {name.split(".")[1] for name in graph} <= set(LEVEL)


def test_imports_never_run_backwards(graph: dict[str, set[str]]) -> None:
    wrong = [
        f"{name} imports {target}"
        for name, targets in graph.items()
        for target in sorted(targets)
        if target == "graphproc" or layer(target) > layer(name)
    ]
    assert wrong == []


def test_executors_and_emitters_do_not_know_each_other(graph: dict[str, set[str]]) -> None:
    for name, targets in graph.items():
        for one, other in (("executors", "emitters"), ("emitters", "executors")):
            if name.startswith(f"graphproc.{one}"):
                assert not [t for t in targets if t.startswith(f"graphproc.{other}")], name


def test_no_cycles(graph: dict[str, set[str]]) -> None:
    edges = {name: {t for t in targets if (name, t) not in TEXT_OF_A_PROGRAM} for name, targets in graph.items()}
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path[path.index(name) :], name))
        if name in done:
            return
        for target in sorted(edges.get(name, ())):
            visit(target, (*path, name))
        done.add(name)

    for name in edges:
        visit(name, ())


def test_the_exception_still_exists(graph: dict[str, set[str]]) -> None:
    assert all(imported in graph[importer] for importer, imported in TEXT_OF_A_PROGRAM)


# --- the reader of imports itself


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("from graphproc.ir.op import Op", {"graphproc.ir.op"}),
        ("from graphproc.ir import op", {"graphproc.ir.op"}),
        ("import graphproc.ir.op", {"graphproc.ir.op"}),
        ("def f():\n  if True:\n    from graphproc.ir.op import Op", {"graphproc.ir.op"}),
        ("if TYPE_CHECKING:\n  from graphproc.ir.op import Op", set()),
        ("if TYPE_CHECKING:\n  pass\nelse:\n  from graphproc.ir.op import Op", {"graphproc.ir.op"}),
        ("import numpy\nfrom numpy import array", set()),
    ],
)
def test_reading_imports(code: str, found: set[str], root: Path) -> None:
    assert set(imports(ast.parse(code), modules(root))) == found
