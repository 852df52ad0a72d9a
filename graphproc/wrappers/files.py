"""Writing files whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from graphproc.errors import ConfigError


def write_atomically(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write bytes to a file through a temporary file beside it, so that a failure leaves the old file or none.

    Raises:
        ConfigError: the folder does not exist or cannot be written.
    """
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written ({error.strerror}). Create the folder first.") from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)
        os.replace(name, target)
    except OSError as error:
        raise ConfigError(f"{target}: cannot be written ({error.strerror})") from None
    finally:
        if os.path.exists(name):
            os.unlink(name)
    return target
