"""Build the native library beside its sources, for working in a checkout.

python tools/kernels.py build       graphproc/native/libgraphproc_kernels.so, as `pip install .` builds it

It needs a C++ compiler, and CMake with ninja or make. `graphproc kernels` says which library is used.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NATIVE = ROOT / "graphproc" / "native"


def build(target: Path, *settings: str) -> None:
    """Build the library into a folder; CMake's own files go to a temporary one.

    Args:
        target: where the library goes.
        settings: arguments of CMake, such as `-DGRAPHPROC_SANITIZE=ON`.

    Raises:
        subprocess.CalledProcessError: it failed; the compiler's messages are on stderr.
    """
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    with tempfile.TemporaryDirectory() as folder:
        places = [f"-DCMAKE_{kind}_OUTPUT_DIRECTORY={target}" for kind in ("LIBRARY", "RUNTIME")]
        subprocess.run(
            ["cmake", "-S", NATIVE, "-B", folder, *generator, *places, *settings], check=True, stdout=subprocess.DEVNULL
        )
        subprocess.run(["cmake", "--build", folder, "--parallel"], check=True)


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["build"])
    parser.parse_args()
    try:
        build(NATIVE)
    except subprocess.CalledProcessError as error:
        return int(error.returncode)
    return 0


if __name__ == "__main__":
    sys.exit(main())
