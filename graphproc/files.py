"""Writing files: whole or not at all, through links, and into pipes and devices."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copyfileobj
from typing import IO

from graphproc.errors import ConfigError

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
"""How the text file begins that Git keeps in the place of a file in Git LFS."""
LFS_HINT = "is a Git LFS pointer, not the file itself. Fetch the file: git lfs pull"


def write_atomically(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write bytes to a file, as `Writes` does.

    Raises:
        ConfigError: the folder does not exist, or the file cannot be written.
    """
    target = Path(path)
    write_together({target: data})
    return target


def write_together(files: Mapping[Path, bytes]) -> None:
    """Write bytes to several files, all of them or none, as `Writes` does.

    Raises:
        ConfigError: a folder does not exist, or a file cannot be written.
    """
    target = next(iter(files))
    try:
        with Writes() as writes:
            for target, data in files.items():
                with writes.open(target) as file:
                    file.write(data)
    except OSError as error:
        hint = "" if target.parent.is_dir() else ". Create the folder first"
        raise ConfigError(f"{target}: cannot be written ({error.strerror}){hint}") from None


def write_folder(folder: str | os.PathLike[str], files: Mapping[str, bytes]) -> Path:
    """Write a folder with files, all of them or none.

    They are written to a folder beside it, which takes its place at the end.

    Args:
        folder: the folder, which does not exist or is empty.
        files: the contents of each file, by its path in the folder, with forward slashes.

    Raises:
        ConfigError: the folder has something in it, or cannot be written.
    """
    require_new(folder)
    target = Path(os.path.realpath(folder))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name[:40]}.", ignore_cleanup_errors=True) as beside:
            made = Path(beside) / "whole"
            for name, data in files.items():
                path = made / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            if target.exists():
                target.rmdir()
            os.replace(made, target)
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({error.strerror})") from None
    return Path(folder)


def require_new(folder: str | os.PathLike[str]) -> None:
    """Raise ConfigError unless a folder does not exist or is empty."""
    target = Path(os.path.realpath(folder))
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise ConfigError(f"{folder}: expected a new or empty folder, found something there. Remove it, or name another one.")
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be read ({error.strerror})") from None


@dataclass
class Writes:
    """Files that are written together, whole or not at all: `with Writes() as writes, writes.open(path) as file: ...`.

    Each is written to a temporary file beside it, which takes its place at the end; a failure leaves the old files or none. A
    symbolic link stays: the file that it leads to is replaced, or made. What is no regular file (a device, a pipe) stays as well,
    and receives the bytes at the end. A file that is replaced keeps its permissions.
    """

    _staged: list[tuple[Path, Path]] = field(default_factory=list)

    def __enter__(self) -> Writes:
        return self

    @contextmanager
    def open(self, path: Path) -> Iterator[IO[bytes]]:
        """A file to write to, which becomes `path` when all are done.

        Raises:
            OSError: the folder does not exist, or the file cannot be written.
        """
        mode = _mode(path)
        if mode is not None and not stat.S_ISREG(mode):
            if stat.S_ISDIR(mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            target, folder = path, Path(tempfile.gettempdir())
        else:
            target = Path(os.path.realpath(path)) if path.is_symlink() else path
            folder = target.parent
        if mode is not None and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{target.name[:40]}.")
        self._staged.append((Path(name), target))
        with os.fdopen(handle, "wb") as file:
            yield file
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, stat.S_IMODE(mode) if mode is not None and stat.S_ISREG(mode) else 0o666 & ~umask)

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        try:
            if failed is None:
                self._put_in_place()
        finally:
            for temporary, _target in self._staged:
                temporary.unlink(missing_ok=True)

    def _put_in_place(self) -> None:
        """Put the files in their places; where one cannot be, those that were new are removed again."""
        new: list[Path] = []
        try:
            for temporary, target in self._staged:
                if is_special(target):
                    with temporary.open("rb") as source, target.open("wb") as sink:
                        copyfileobj(source, sink)
                    continue
                if not target.exists():
                    new.append(target)
                os.replace(temporary, target)
        except OSError:
            for target in new:
                target.unlink(missing_ok=True)
            raise


def is_lfs_pointer(source: str | os.PathLike[str] | bytes) -> bool:
    """Whether a file, or the contents of one, is what Git keeps in the place of a file in Git LFS."""
    if isinstance(source, bytes):
        return source.startswith(LFS_POINTER)
    try:
        with open(source, "rb") as file:
            return file.read(len(LFS_POINTER)) == LFS_POINTER
    except (OSError, ValueError):
        return False


def is_special(path: str | os.PathLike[str]) -> bool:
    """Whether there is something at a path that is neither a file nor a folder: a device or a pipe."""
    try:
        mode = _mode(Path(path))
    except OSError:
        return False
    return mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _mode(path: Path) -> int | None:
    """The mode of what a path leads to, or None where there is nothing yet."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None
