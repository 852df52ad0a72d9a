"""Find and load the native library: exact kernels that ONNX Runtime takes in place of the functions of a graph.

Without it everything works and gives the same bits, more slowly. `library()` says where it is, or why it is not used.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count, takewhile
from pathlib import Path

from graphproc.errors import ConfigError, RuntimeUnavailableError
from graphproc.version import __version__

FOLDER = Path(__file__).resolve().parent.parent / "native"
"""Where the library lies, beside its sources: in an installed package, and in a checkout that built it in place."""
VARIABLE = "GRAPHPROC_KERNELS"
"""The environment variable that chooses the instructions, or `off`."""
INSTRUCTION_SETS = ("sse4.1", "avx2", "avx512", "neon")
"""All names of instruction sets, from the oldest of a processor family to the newest."""
_FILES = {"darwin": "libgraphproc_kernels.dylib", "win32": "graphproc_kernels.dll"}
FILE = _FILES.get(sys.platform, "libgraphproc_kernels.so")
"""The name of the library's file on this system."""


@dataclass(frozen=True)
class Library:
    """The native library, or why there is none.

    Attributes:
        path: the loaded file; None if none is used.
        version: the version of graphproc that it was built from; also of a file that is not used for it.
        instruction_set: the instructions in use, such as `avx2`, when it was loaded.
        available: the instruction sets that this processor and the library have, oldest first.
        kernels: the names of its kernels; nodes of graphs that use them have these.
        reason: why none is used, and what to do; None if one is.
    """

    path: Path | None = None
    version: str | None = None
    instruction_set: str | None = None
    available: Sequence[str] = ()
    kernels: Sequence[str] = ()
    reason: str | None = None


def library() -> Library:
    """Return the library, which is loaded on the first call, or why none is used.

    Raises:
        ConfigError: GRAPHPROC_KERNELS has an unknown value.
        RuntimeUnavailableError: GRAPHPROC_KERNELS names instructions that are not available.
    """
    asked = os.environ.get(VARIABLE, "auto") or "auto"
    if asked not in ("auto", "off", *INSTRUCTION_SETS):
        raise ConfigError(f"{VARIABLE}: expected auto, off, {', '.join(INSTRUCTION_SETS)}, got {asked!r}")
    if asked == "off":
        return Library(reason=f"{VARIABLE} is off")
    found = _load(FOLDER / FILE)
    if asked != "auto" and asked not in found.available:
        has = ", ".join(found.available) if found.path else f"none, because {found.reason}"
        raise RuntimeUnavailableError(f"{VARIABLE}: {asked} is not available; available: {has}")
    return found


def path() -> Path | None:
    """Return the file that ONNX Runtime registers, or None if none is used; raises as `library` does."""
    return library().path


def reason() -> str | None:
    """Return why no library is used, or None if one is; raises as `library` does."""
    return library().reason


def library_for(provider: str, kernels: bool | None) -> Path | None:
    """Return the file that a session registers, or None if it runs without kernels.

    Args:
        provider: the session's provider. Kernels run on the CPU.
        kernels: whether they are wanted; None for where they can be used.

    Raises:
        RuntimeUnavailableError: they are wanted and cannot be used.
        ConfigError: as for `library`.
    """
    if kernels is False or (kernels is None and provider != "cpu"):
        return None
    if kernels and provider != "cpu":
        raise RuntimeUnavailableError(f"kernels: they run on the provider cpu, got {provider!r}. Leave kernels out.")
    if kernels and (why := reason()) is not None:
        raise RuntimeUnavailableError(f"kernels: there are none. {why[:1].upper()}{why[1:]}.")
    return path()


def functions() -> ctypes.CDLL:
    """Return the functions of `graphproc/native/interface.h`, with result types for those of this module.

    Raises:
        RuntimeUnavailableError: no library is used.
    """
    found = library()
    if found.path is None:
        raise RuntimeUnavailableError(f"native kernels: none are used: {found.reason}")
    return _open(found.path)


def use(name: str) -> None:
    """Use other instructions in this process from now on, for all sessions.

    Args:
        name: one of `Library.available`, or `auto` for the newest.

    Raises:
        RuntimeUnavailableError: they are not available, or no library is used.
    """
    if functions().graphproc_use(name.encode()) != 0:
        raise RuntimeUnavailableError(f"{name} is not available; available: {', '.join(library().available)}")


def instruction_set() -> str | None:
    """Return the instructions in use now; None if no library is used."""
    return None if path() is None else str(functions().graphproc_instruction_set().decode())


@cache
def _open(path: Path) -> ctypes.CDLL:
    """Load a file and declare the functions that this module calls.

    Raises:
        OSError: it is not a library of this system.
        AttributeError: it is another library.
    """
    opened = ctypes.CDLL(str(path))
    opened.graphproc_version.restype = ctypes.c_char_p
    opened.graphproc_instruction_set.restype = ctypes.c_char_p
    opened.graphproc_kernel_name.argtypes = [ctypes.c_size_t]
    opened.graphproc_kernel_name.restype = ctypes.c_char_p
    opened.graphproc_use.argtypes = [ctypes.c_char_p]
    opened.graphproc_has.argtypes = [ctypes.c_char_p]
    return opened


@cache
def _load(path: Path) -> Library:
    """Load a file and check that it belongs to this version."""
    if not path.is_file():
        return Library(reason=f"there is no {path.name} in {path.parent}; {_how_to_build()}")
    try:
        opened = _open(path)
    except (OSError, AttributeError) as error:
        return Library(reason=f"{path} cannot be loaded: {error}; {_how_to_build()}")
    version = opened.graphproc_version().decode()
    if version != __version__:
        return Library(version=version, reason=f"{path} is of version {version}, graphproc {__version__}; {_how_to_build()}")
    available = tuple(name for name in INSTRUCTION_SETS if opened.graphproc_has(name.encode()))
    if not available:
        return Library(version=version, reason="this processor has none of SSE4.1, AVX2, AVX-512 and NEON")
    names = takewhile(bool, map(opened.graphproc_kernel_name, count()))
    kernels = tuple(name.decode() for name in names)
    return Library(path, version, opened.graphproc_instruction_set().decode(), available, kernels)


def _how_to_build() -> str:
    if (FOLDER / "CMakeLists.txt").is_file():
        return "build it: python tools/kernels.py build"
    return "install graphproc again where there is a C++ compiler, such as g++"
