"""The native library is found, or the reason says why not; instructions are chosen by name."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from graphproc.errors import ConfigError, RuntimeUnavailableError
from graphproc.runtime import native
from graphproc.version import __version__

ROOT = str(native.FOLDER.parent.parent)
"""Where this process has the package from."""


def fresh(code: str, **environment: str) -> str:
    """Return what a new process prints that has loaded nothing yet, with the package of this one."""
    code = f"from graphproc.runtime import native\n{code}"
    settings = {"PYTHONPATH": ROOT, **environment}
    # Not in this folder, because Python looks there first, and a checkout need not have a library.
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=settings, cwd=tempfile.gettempdir())
    return done.stdout.strip()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder in which the library is looked for."""
    monkeypatch.setattr(native, "FOLDER", tmp_path)
    monkeypatch.delenv(native.VARIABLE, raising=False)
    return tmp_path


def test_without_a_file_the_reason_says_what_to_do(folder: Path) -> None:
    assert native.path() is None
    assert native.instruction_set() is None
    assert "a C++ compiler" in str(native.reason())
    (folder / "CMakeLists.txt").touch()
    native._load.cache_clear()
    assert "python tools/kernels.py build" in str(native.reason())
    with pytest.raises(RuntimeUnavailableError, match="none are used: there is no"):
        native.functions()


def test_a_file_that_is_no_library(folder: Path) -> None:
    (folder / native.FILE).write_bytes(b"text")
    assert native.path() is None
    assert "cannot be loaded" in str(native.reason())


def test_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(native.VARIABLE, "off")
    assert native.library() == native.Library(reason="GRAPHPROC_KERNELS is off")


def test_an_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(native.VARIABLE, "avx1024")
    with pytest.raises(ConfigError, match=r"GRAPHPROC_KERNELS: expected auto, off, sse4.1, .*, got 'avx1024'"):
        native.library()


def test_instructions_that_are_not_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(native.VARIABLE, "avx2")
    with pytest.raises(RuntimeUnavailableError, match=r"avx2 is not available; available: none, because there is no"):
        native.library()


# --- with the library


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> native.Library:
    """Return the library; skip where it is not built."""
    monkeypatch.delenv(native.VARIABLE, raising=False)
    found = native.library()
    if found.path is None:
        pytest.skip(str(found.reason))
    return found


def test_what_is_found(library: native.Library) -> None:
    assert library.path == native.FOLDER / native.FILE
    assert library.version == __version__
    assert library.reason is None
    assert library.available
    assert set(library.available) <= {"neon"} or set(library.available) <= {"sse4.1", "avx2", "avx512"}
    assert library.instruction_set in library.available


def test_each_set_can_be_used(library: native.Library) -> None:
    before = native.instruction_set()
    assert before is not None
    try:
        for name in library.available:
            native.use(name)
            assert native.instruction_set() == name
        native.use("auto")
        assert native.instruction_set() == library.available[-1]
        with pytest.raises(RuntimeUnavailableError, match=r"avx1024 is not available; available: "):
            native.use("avx1024")
        assert native.instruction_set() == library.available[-1]
    finally:
        native.use(before)


def test_the_variable_chooses(library: native.Library) -> None:
    for name in library.available:
        assert fresh("print(native.library().instruction_set)", GRAPHPROC_KERNELS=name) == name
    assert fresh("print(native.library().instruction_set)", GRAPHPROC_KERNELS="") == library.available[-1]


def test_a_library_of_another_version_is_left_alone(library: native.Library, folder: Path) -> None:
    assert library.path is not None
    shutil.copy(library.path, folder)
    code = f"native.FOLDER = __import__('pathlib').Path({str(folder)!r}); native.__version__ = '9.9'; print(native.library())"
    found = fresh(code)
    assert f"is of version {__version__}, graphproc 9.9" in found
    assert f"path=None, version='{__version__}'" in found


@pytest.mark.skipif(sys.platform != "linux", reason="reads the table of an ELF file's dynamic symbols with nm")
def test_only_the_doors_can_be_seen(library: native.Library) -> None:
    if shutil.which("nm") is None:
        pytest.skip("nm is not installed")
    command = ["nm", "--dynamic", "--defined-only", "--format=just-symbols", str(library.path)]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert "RegisterCustomOps" in names
    assert [name for name in names if name != "RegisterCustomOps" and not name.startswith("graphproc_")] == []
