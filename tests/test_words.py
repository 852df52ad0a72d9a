"""Sentences are plain: no phrase that makes a reader start again, and no word of the glossary that nothing uses."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

BANNED = (
    r"of which",
    r"whose",
    r"so many",
    r"where there is one",
    r"(that|those) of those",
    r"of as many(?! \w+ as\b)",
    r"further inputs?",
)
"""Phrases that a plainer sentence replaces, as regular expressions of words."""
FOLDERS = ("graphproc", "tests", "tools")
PHRASE = re.compile(r"(?<![\w`])(" + "|".join(BANNED) + r")(?![\w`])", re.IGNORECASE)
GLOSSARY = re.compile(r"^## Glossary\n.*?(?=^## )", re.MULTILINE | re.DOTALL)


def texts(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each string, docstring and block of comments of a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
    block: list[tuple[int, str]] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            block.append((token.start[0], token.string.lstrip("# ")))
        elif token.type not in (tokenize.NL, tokenize.NEWLINE) and block:
            yield block[0][0], " ".join(text for _, text in block)
            block = []


COMMENT = re.compile(r"/\*(?:[^*]|\*(?!/))*\*/|(?:^[ \t]*//.*\n)+|//.*", re.MULTILINE)


def comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each block of comments of a C or C++ file."""
    for match in COMMENT.finditer(source):
        yield source.count("\n", 0, match.start()) + 1, re.sub(r"^\s*(//|/?\*+/?)", "", match[0], flags=re.MULTILINE)


def found(texts: Iterator[tuple[int, str]]) -> list[str]:
    """Return the banned phrases of some texts, each with its line."""
    return [f"{line}: {match[0]}" for line, text in texts for match in PHRASE.finditer(" ".join(text.split()))]


def sources(root: Path) -> list[Path]:
    """Return the modules of the package, the tests and the tools, but for this one."""
    return [path for folder in FOLDERS for path in sorted((root / folder).rglob("*.py")) if path != Path(__file__)]


def documents(root: Path) -> list[Path]:
    """Return the documents that people write; `exported/README.md` is made of a template and of strings in code."""
    others = {".venv", "node_modules", "exported"}
    return [path for path in sorted(root.rglob("*.md")) if not others & set(path.relative_to(root).parts)]


@pytest.mark.parametrize("folder", FOLDERS)
def test_code_has_no_banned_phrase(root: Path, folder: str) -> None:
    modules = [path for path in sources(root) if path.is_relative_to(root / folder)]
    assert len(modules) > 10
    bad = {str(path.relative_to(root)): found(texts(path.read_text(encoding="utf-8"))) for path in modules}
    assert {path: phrases for path, phrases in bad.items() if phrases} == {}


def test_documents_have_no_banned_phrase(root: Path) -> None:
    written = documents(root)
    assert len(written) > 5
    bad = {str(path.relative_to(root)): found(iter([(1, path.read_text(encoding="utf-8"))])) for path in written}
    assert {path: phrases for path, phrases in bad.items() if phrases} == {}


def test_c_and_cpp_have_no_banned_phrase(root: Path) -> None:
    files = [path for folder in FOLDERS for path in sorted((root / folder).rglob("*.*")) if path.suffix in (".c", ".cpp", ".h")]
    assert len(files) > 20
    bad = {str(path.relative_to(root)): found(comments(path.read_text(encoding="utf-8"))) for path in files}
    assert {path: phrases for path, phrases in bad.items() if phrases} == {}


def test_phrases_are_found_in_comments_of_cpp() -> None:
    source = (
        "int x;  // three images, of\n// which 2\n  // are large: so\n  // many\n/* a model whose\n * weights */\nint whose;\n"
    )
    assert found(comments(source)) == ["2: so many", "5: whose"]


@pytest.mark.parametrize(
    ("source", "phrases"),
    [
        ('raise ValueError(f"{a}: three images, of\\n which {b} is one")', ["1: of which"]),
        ('"""A model whose\n    weights are large."""', ["1: whose"]),
        ("# samples of as\n# many channels\nx = 1  # So many", ["1: of as many", "3: So many"]),
        ("whose = of_which = 'as many as fit'", []),
    ],
)
def test_phrases_are_found_in_strings_and_comments(source: str, phrases: list[str]) -> None:
    assert found(texts(source)) == phrases


def test_each_word_of_the_glossary_is_used(root: Path) -> None:
    architecture = (root / "graphproc" / "ARCHITECTURE.md").read_text(encoding="utf-8")
    section = GLOSSARY.search(architecture)
    assert section is not None
    words = re.findall(r"^\| ([a-z][a-z ]*) \|", section[0], re.MULTILINE)[1:]
    assert len(words) > 30
    paths = [*sources(root), *(path for path in documents(root) if path.name != "ARCHITECTURE.md")]
    rest = GLOSSARY.sub("", architecture) + "\n".join(path.read_text(encoding="utf-8") for path in paths)
    plain = " ".join(rest.split()).lower()
    assert [word for word in words if not re.search(rf"\b{word.rstrip('y')}(y|ies|es|s)?\b", plain)] == []
