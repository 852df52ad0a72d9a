"""Files are written whole or not at all, through links, and into pipes and devices."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from graphproc.errors import ConfigError
from graphproc.files import Writes, is_lfs_pointer, is_special, write_atomically, write_folder

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes and links")


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_and_its_file_is_written(exists: bool, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    file, link = tmp_path / "there" / "file", tmp_path / "link"
    if exists:
        file.write_bytes(b"old")
    link.symlink_to("there/file")
    assert write_atomically(link, b"new") == link
    assert link.is_symlink()
    assert file.read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path / "there")) == ["file"]


def test_a_pipe_stays_one_and_receives_the_bytes(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write_atomically(pipe, b"bytes" * 100_000)
    reader.join(timeout=30)
    assert found == [b"bytes" * 100_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert is_special(pipe)
    assert os.listdir(tmp_path) == ["pipe"]


def test_a_device_stays_one(tmp_path: Path) -> None:
    link = tmp_path / "null"
    link.symlink_to("/dev/null")
    for path in (link, Path("/dev/null")):
        write_atomically(path, b"bytes")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert link.is_symlink()


def test_permissions_stay(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")
    file.chmod(0o640)
    write_atomically(file, b"new")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_what_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be written \(No such file or directory\). Create the folder first"):
        write_atomically(tmp_path / "none" / "file", b"")
    with pytest.raises(ConfigError, match=r"cannot be written \(Is a directory\)"):
        write_atomically(tmp_path, b"")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_atomically(tmp_path / "loop", b"")


def test_files_written_together_are_all_written_or_none(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"old")

    def fail() -> None:
        with Writes() as writes:
            for name in ("one", "two"):
                with writes.open(tmp_path / name) as file:
                    file.write(b"new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"one": b"old"}


def test_git_lfs_pointers(tmp_path: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    (tmp_path / "a").write_bytes(pointer)
    assert is_lfs_pointer(pointer)
    assert is_lfs_pointer(tmp_path / "a")
    assert not is_lfs_pointer(b"version 1")
    assert not is_lfs_pointer(tmp_path / "none")


def test_a_folder_with_something_in_it_stays(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_bytes(b"x")
    with pytest.raises(ConfigError, match="expected a new or empty folder"):
        write_folder(tmp_path / "full", {"a": b""})
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(ConfigError, match="expected a new or empty folder"):
        write_folder(tmp_path / "file", {"a": b""})
    (tmp_path / "empty").mkdir()
    assert write_folder(tmp_path / "empty", {"a/b": b"1", "c": b"2"}) == tmp_path / "empty"
    assert (tmp_path / "empty" / "a" / "b").read_bytes() == b"1"
    assert (tmp_path / "empty" / "c").read_bytes() == b"2"
    with pytest.raises(ConfigError, match="cannot be written"):
        write_folder(tmp_path / "file" / "below", {"a": b""})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "file", "full"]  # nothing is left over


def test_nothing_is_left_of_a_folder_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ConfigError, match="No space left"):
        write_folder(tmp_path / "kit", {"a": b"1"})
    assert list(tmp_path.iterdir()) == []
