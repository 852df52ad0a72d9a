"""Put models into a server's folder of models: all of them or none.

They are written to a folder beside it, since a server that watches its folder would read half a model,
and moved into it when all are whole.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from graphproc.errors import ConfigError


@contextmanager
def staged(repository: Path) -> Iterator[Path]:
    """Yield an empty folder beside a repository, on the same file system, which is removed at the end.

    Raises:
        ConfigError: the folder cannot be made.
    """
    if repository.exists() and not repository.is_dir():
        raise ConfigError(f"{repository}: expected a folder of models, found a file. Give another name.")
    try:
        with tempfile.TemporaryDirectory(dir=repository.resolve().parent, prefix=f".{repository.name[:40]}.") as folder:
            yield Path(folder)
    except OSError as error:
        raise ConfigError(f"{repository}: cannot be written ({error.strerror}). Create the folder around it first.") from None


def refuse_existing(repository: Path, names: Sequence[str], overwrite: bool, is_ours: Callable[[Path], bool]) -> None:
    """Refuse models that are in the repository already, and with `overwrite` those that another program wrote.

    Raises:
        ConfigError: there is such a model.
    """
    for path in (repository / name for name in names):
        if not path.exists() and not path.is_symlink():
            continue
        if not overwrite:
            raise ConfigError(f"{path}: exists. Give another --name, or replace it (--overwrite).")
        if path.is_symlink() or not is_ours(path):
            raise ConfigError(f"{path}: graphproc did not write it, so --overwrite leaves it. Give another --name.")


def put_in_place(folder: Path, repository: Path, names: Sequence[str]) -> None:
    """Move models from a folder into the repository, in that order; if one cannot be, undo the moves before it.

    Raises:
        ConfigError: one cannot be moved.
    """
    old = folder / ".old"
    try:
        with ExitStack() as undo:
            if not repository.exists():
                repository.mkdir()
                undo.callback(repository.rmdir)
            old.mkdir()
            for name in names:
                target = repository / name
                if target.exists():
                    target.rename(old / name)
                    undo.callback((old / name).rename, target)
                (folder / name).rename(target)
                undo.callback(shutil.rmtree, target)
            undo.pop_all()
    except OSError as error:
        raise ConfigError(f"{repository}: cannot be written ({error.strerror})") from None
