"""Resizes of other libraries as contestants, each in a process with an environment of its own.

    python tools/bench/elsewhere.py FOLDER          make the environments: pip builds Pillow-SIMD, which takes minutes
    python tools/bench --peers FOLDER ...

Pillow-SIMD replaces Pillow, and the other libraries bring versions of numpy and OpenCV that this package does not choose.
A child resizes when it is told to and says how many seconds that took, so its runs take turns with all others. All are
resizes alone, on one thread, and their bytes are compared with Pillow's.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from graphproc.bench.task import Contestant, LeftOutError, Maker, Task

Array = np.ndarray[Any, Any]

SIMD = "Pillow-SIMD resize alone"
KORNIA = "kornia-rs resize alone"
CYKOOZ = "cykooz-resizer resize alone"
ALBUMENTATIONS = "albumentations resize alone"
CHILD = Path(__file__).resolve().parent / "resize_child.py"
FILTERS = ("bilinear", "bicubic", "lanczos")
"""The filters that every one of these libraries has."""
ONE_THREAD = {"RAYON_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "NO_ALBUMENTATIONS_UPDATE": "1"}
"""What keeps a child to one thread, and from asking for its newest version."""


@dataclass(frozen=True)
class Library:
    """A library in an environment of its own.

    Attributes:
        key: the library's name for resize_child.py.
        environment: the environment's folder; libraries that go together share one.
        packages: what pip installs for it.
        options: pip's options.
    """

    key: str
    environment: str
    packages: tuple[str, ...]
    options: tuple[str, ...] = ()


LIBRARIES = {
    SIMD: Library(
        "pillow-simd",
        "pillow-simd",
        ("pillow-simd==12.1.1.post0",),
        ("--no-binary", "pillow-simd", "-C", "jpeg=disable", "-C", "zlib=disable"),
    ),
    KORNIA: Library("kornia-rs", "resizers", ("kornia-rs==0.2.0",)),
    CYKOOZ: Library("cykooz-resizer", "resizers", ("cykooz-resizer==4.0.1",)),
    ALBUMENTATIONS: Library("albumentations", "resizers", ("albumentations==2.0.8",)),
}
"""The libraries, by the names of their contestants."""


def python(folder: Path, environment: str) -> Path:
    """Return the interpreter of an environment."""
    return folder / environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


class Child:
    """A process that resizes one image on demand."""

    def __init__(self, interpreter: Path | str, library: str, task: Task) -> None:
        """Start it and wait until it is ready.

        Raises:
            LeftOutError: it cannot be started, or ends at once.
        """
        resize: Any = task.resize
        self._shape = int(resize.height), int(resize.width), 3
        numbers = map(str, (*task.image.shape[:2], *self._shape[:2]))
        command = [str(interpreter), "-I", str(CHILD), library, *numbers, resize.filter, str(task.count)]
        environment = {**os.environ, **ONE_THREAD}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self._send(np.ascontiguousarray(task.image).tobytes())
        self.version = self._answer()

    def _send(self, data: bytes) -> None:
        assert self._process.stdin is not None
        # A child that ended does not read. The missing answer below reports that.
        with suppress(BrokenPipeError):
            self._process.stdin.write(data)
            self._process.stdin.flush()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode().strip()
        if not line:
            self.close()
            raise LeftOutError(f"its process ended with {self._process.returncode}; what it wrote to stderr says why")
        return line

    def run(self, clock: Callable[[], float] = time.perf_counter) -> float:
        """Run once; return the seconds, by the wall clock or in processor time."""
        self._send(b"run\n")
        wall, processor = self._answer().split()
        return float(processor if clock is time.process_time else wall)

    def result(self) -> Array:
        """Return the bytes of a resize, uint8 [height, width, 3]."""
        assert self._process.stdout is not None
        self._send(b"result\n")
        return np.frombuffer(self._process.stdout.read(int(np.prod(self._shape))), np.uint8).reshape(self._shape)

    def close(self) -> None:
        """End the process."""
        with suppress(BrokenPipeError, ValueError):
            self._process.communicate()


def makers(folder: Path | None, children: list[Child]) -> Mapping[str, Maker]:
    """Return the maker of each contestant.

    Args:
        folder: the folder of the environments; None if there are none.
        children: gets the processes, which the caller ends.
    """
    return {name: partial(_make, name=name, folder=folder, children=children) for name in LIBRARIES}


def _make(task: Task, threads: Sequence[int], name: str, folder: Path | None, children: list[Child]) -> Iterator[Contestant]:
    library = LIBRARIES[name]
    if folder is None or not python(folder, library.environment).exists():
        raise LeftOutError("it has no environment; python tools/bench/elsewhere.py makes one, --peers names its folder")
    if task.resize is None:
        raise LeftOutError(f"{task.processor.spec.name} has no resize of bytes to a size that is known beforehand")
    if task.resize.filter not in FILTERS:
        raise LeftOutError(f"it lacks the filter {task.resize.filter}")
    child = Child(python(folder, library.environment), library.key, task)
    children.append(child)
    yield contestant(child, name, task)


def contestant(child: Child, name: str, task: Task) -> Contestant:
    """Make the contestant for a child."""
    note = f"the resize only, {child.version}"
    return Contestant(name, child.result, None, task.batch, task.compare_resized, timed=child.run, note=note)


def install(folder: Path) -> None:
    """Make the environments in a folder."""
    for environment in dict.fromkeys(library.environment for library in LIBRARIES.values()):
        subprocess.run([sys.executable, "-m", "venv", str(folder / environment)], check=True)
        # Pillow-SIMD takes AVX2 only where the compiler is told to.
        compiler = {"CC": "cc -mavx2"} if platform.machine() == "x86_64" else {}
        for library in LIBRARIES.values():
            if library.environment == environment:
                command = [str(python(folder, environment)), "-m", "pip", "install", "numpy", *library.packages, *library.options]
                subprocess.run(command, check=True, env={**os.environ, **compiler})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the environments go")
    install(parser.parse_args().folder)
