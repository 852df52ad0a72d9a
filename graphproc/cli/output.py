"""Print for commands: text, tables and JSON on stdout, progress on stderr."""

from __future__ import annotations

import io
import json
import math
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, TypeVar

import typer

from graphproc.errors import ConfigError
from graphproc.files import write_atomically

T = TypeVar("T")

BROKEN_PIPE = 141
"""The exit code when the reader of stdout is gone, the one that shells report for other programs."""


STDOUT = ("-", "/dev/stdout", "/dev/fd/1")
"""The name of stdout for `-o`."""

_stream: list[TextIO] = []
"""The stream that results are printed to while stdout carries a file."""


@contextmanager
def delivering(path: Path) -> Iterator[Callable[[bytes], Path]]:
    """Yield a function that writes the bytes of a file. If that is stdout (`-`), print other text to stderr meanwhile.

    Raises:
        ConfigError: the file cannot be written, or stdout is a terminal.
    """
    if str(path) not in STDOUT:
        yield lambda data: write_atomically(path, data)
        return
    if sys.stdout.isatty():
        raise ConfigError(f"-o {path}: stdout is a terminal. Redirect it to a file or a program, or give a file.")
    _stream.append(sys.stderr)
    try:
        yield _deliver
    finally:
        _stream.pop()


def _deliver(data: bytes) -> Path:
    with _written_whole():
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    return Path("stdout")


def text(value: str) -> None:
    """Print text as it is, without wrapping."""
    _write(value if value.endswith("\n") else value + "\n")


def note(value: str) -> None:
    """Print a line of text to stderr, beside the result."""
    line = " ".join(value.split())
    print("graphproc: note: " + "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line), file=sys.stderr)


def heading(value: str) -> None:
    """Print a line that starts a section."""
    from rich.text import Text

    _render(Text(value, style="bold"))


def as_json(value: Any) -> None:
    """Print a value as JSON. Numbers that JSON does not have (NaN, infinities) become null."""
    text(json.dumps(_finite(value), indent=2, ensure_ascii=False))


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], right: Collection[str] = (), whole: Collection[str] = ()
) -> None:
    """Print a table.

    Args:
        columns: the headings.
        rows: the cells.
        right: headings of columns of numbers, aligned right.
        whole: headings of columns that stay on one line on a narrow terminal, as numbers do.
    """
    from rich.table import Table

    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        one_line = column in right or column in whole
        grid.add_column(column, justify="right" if column in right else "left", overflow="fold", no_wrap=one_line)
    for row in rows:
        grid.add_row(*row)
    _render(grid)


def fields(pairs: Iterable[tuple[str, str]]) -> None:
    """Print names and values, a pair in a line, indented."""
    from rich.table import Table

    grid = Table(box=None, show_header=False, pad_edge=True, padding=(0, 2, 0, 2))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(name, value)
    _render(grid)


def progress(items: Iterable[T], total: int) -> Iterable[T]:
    """Return the items; several of them with a progress bar while they are consumed, if stderr is a terminal."""
    if total < 2 or not sys.stderr.isatty():
        return items
    from rich.console import Console
    from rich.progress import track

    return track(items, "images", total=total, console=Console(stderr=True), transient=True)


def shape(sides: Sequence[object]) -> str:
    """Return a shape as text: `[1, 3, 224, 224]`."""
    return f"[{', '.join(map(str, sides))}]"


def _render(content: Any) -> None:
    from rich.console import Console

    # A pipe or a file has no width, so lines stay whole there.
    terminal = (_stream[-1] if _stream else sys.stdout).isatty()
    width = None if terminal or "COLUMNS" in os.environ else 10_000
    rendered = io.StringIO()
    Console(file=rendered, force_terminal=terminal, width=width, markup=False, highlight=False, emoji=False).print(content)
    _write("\n".join(line.rstrip(" ") for line in rendered.getvalue().split("\n")))


def _write(value: str) -> None:
    stream = _stream[-1] if _stream else sys.stdout
    encoding = stream.encoding or "utf-8"
    with _written_whole():
        stream.write(value.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()


@contextmanager
def _written_whole() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # Python flushes stdout once more at exit, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise typer.Exit(BROKEN_PIPE) from None
        raise ConfigError(f"stdout: cannot be written ({error.strerror})") from None


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
