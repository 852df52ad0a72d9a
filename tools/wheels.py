"""Make a release's wheels for Linux: x86-64 and arm64, for every Python and glibc from 2.17 on.

python tools/wheels.py -o dist      makes them, and runs the kernels of each with every instruction set

Programs of another kind of processor run in qemu-user, with that processor's C library (on Debian: qemu-user, libc6-arm64-cross,
libc6-amd64-cross). The compiler is Clang of the PyPI package ziglang, in a virtual environment in a temporary folder. It compiles
the C++ library as well, which becomes part of the kernels' library; that takes minutes on the first run. Other systems build from
the sources.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from ctypes import CDLL
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from cases import kernel_calls  # noqa: E402
from support.replays import report, try_library  # noqa: E402

COMPILER = "ziglang==0.17.*"
GLIBC = (2, 17)
"""The oldest C library that the wheels run with, that of manylinux2014."""
LIBRARY = "graphproc/native/libgraphproc_kernels.so"


@dataclass(frozen=True)
class Machine:
    """A kind of processor.

    Attributes:
        name: as Python, CMake and the compiler call it.
        sets: the instruction sets of its library.
    """

    name: str
    sets: Sequence[str]

    @property
    def target(self) -> str:
        """Return the compiler's name for Linux on this processor, with the oldest C library."""
        return f"{self.name}-linux-gnu.{GLIBC[0]}.{GLIBC[1]}"

    @property
    def tag(self) -> str:
        """Return the wheel's tag."""
        return f"py3-none-manylinux_{GLIBC[0]}_{GLIBC[1]}_{self.name}.manylinux2014_{self.name}"

    @property
    def runner(self) -> list[str]:
        """Return the command that runs a program of this processor here."""
        here = {"arm64": "aarch64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine())
        return [] if here == self.name else [f"qemu-{self.name}", "-L", f"/usr/{self.name}-linux-gnu"]


MACHINES = (Machine("x86_64", ("sse4.1", "avx2", "avx512")), Machine("aarch64", ("neon",)))


def make(machine: Machine, compiler: Path, target: Path) -> Path:
    """Make the wheel for a kind of processor, and return its path.

    Args:
        machine: the kind of processor.
        compiler: the command that compiles C++ for it.
        target: where the wheel goes.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    settings = {
        "wheel.tags": machine.tag,
        "install.strip": "false",  # `strip` knows one kind of processor; the linker does it
        "cmake.define.CMAKE_SHARED_LINKER_FLAGS": "-s",
        "cmake.define.CMAKE_SYSTEM_NAME": "Linux",
        "cmake.define.CMAKE_SYSTEM_PROCESSOR": machine.name,
    }
    options = [f"-C{key}={value}" for key, value in settings.items()]
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(target), *options, str(ROOT)]
    environment = {**os.environ, "CXX": str(compiler), "GRAPHPROC_BUILD_KERNELS": "require"}
    subprocess.run(command, check=True, env=environment)
    return max(target.glob(f"*{machine.tag}.whl"), key=lambda path: path.stat().st_mtime)


def installed(folder: Path) -> Path:
    """Install the compiler into a new virtual environment and return its program."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    python = folder / "bin" / "python"
    subprocess.run([str(python), "-m", "pip", "install", "-q", COMPILER], check=True)
    where = [str(python), "-c", "import ziglang; print(ziglang.__path__[0])"]
    return Path(subprocess.run(where, check=True, capture_output=True, text=True).stdout.strip()) / "zig"


def script(folder: Path, zig: Path, target: str) -> Path:
    """Write a program that compiles C++ for a target, and return its path."""
    path = folder / f"c++-{target}"
    path.write_text(f'#!/bin/sh\nexec "{zig}" c++ -target {target} "$@"\n')
    path.chmod(0o755)
    return path


def tried(machine: Machine, wheel: Path, compiler: Path, folder: Path) -> str:
    """Run the kernels of a wheel's library, print what was found, and return the hash of their results.

    Returns:
        The hash; "wrong" if results differ from numpy's, and "" if programs of this processor cannot run here.
    """
    if machine.runner and (shutil.which(machine.runner[0]) is None or not Path(machine.runner[-1]).is_dir()):
        print(f"{machine.name}: not run, because {machine.runner[0]} or the C library in {machine.runner[-1]} is missing")
        return ""
    with zipfile.ZipFile(wheel) as archive:
        library = Path(archive.extract(LIBRARY, folder / machine.name))
    sets = machine.sets if machine.runner else [name for name in machine.sets if CDLL(str(library)).graphproc_has(name.encode())]
    pairs = list(kernel_calls.every(seed=0, count=500))
    found = try_library(library, pairs, sets, compiler=[str(compiler)], runner=machine.runner)
    return found[sets[0]].digest if report(found, len(pairs)) else "wrong"


def main() -> int:
    """Make and try the wheels; return 1 if the kernels of one give other results than numpy, or than the other's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, default=Path("dist"), help="the folder for the wheels")
    parser.add_argument("--machine", choices=[m.name for m in MACHINES], help="make the wheel of one kind of processor only")
    arguments = parser.parse_args()
    digests = set()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        zig = installed(folder / "compiler")
        for machine in MACHINES:
            if arguments.machine in (None, machine.name):
                compiler = script(folder, zig, machine.target)
                wheel = make(machine, compiler, arguments.output)
                print(f"{wheel}: {wheel.stat().st_size / 1e6:.2f} MB")
                digests |= {tried(machine, wheel, compiler, folder)}
    return 1 if "wrong" in digests or len(digests - {""}) > 1 else 0


if __name__ == "__main__":
    sys.exit(main())
