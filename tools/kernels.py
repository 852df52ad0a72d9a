"""Build the native library, and try it.

python tools/kernels.py build       graphproc/native/libgraphproc_kernels.so, beside its sources, as `pip install .` builds it
python tools/kernels.py hash        run the same calls with every instruction set; all results must be those of numpy
python tools/kernels.py sanitize    the same in a library that stops at wrong accesses of memory and undefined behaviour, and
                                    calls with something wrong, which kernels must refuse

python tools/kernels.py resize      compare random resizes of bytes with Pillow, torch and numpy, with every instruction set

It needs a C++ compiler, and CMake with ninja or make. `graphproc kernels` says which library is used.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from graphproc.runtime import native  # noqa: E402

NATIVE = ROOT / "graphproc" / "native"
SANITIZERS = "-fsanitize=address,undefined"


def build(target: Path, *settings: str, environment: Mapping[str, str] | None = None) -> Path:
    """Build the library into a folder; CMake's own files go to a temporary one.

    Args:
        target: where the library goes.
        settings: arguments of CMake, such as `-DGRAPHPROC_SANITIZE=ON`.
        environment: more environment variables, such as `CXX`.

    Raises:
        subprocess.CalledProcessError: it failed; the compiler's messages are on stderr.
    """
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    with tempfile.TemporaryDirectory() as folder:
        places = [f"-DCMAKE_{kind}_OUTPUT_DIRECTORY={target}" for kind in ("LIBRARY", "RUNTIME")]
        configure = ["cmake", "-S", str(NATIVE), "-B", folder, *generator, *places, *settings]
        variables = {**os.environ, **(environment or {})}
        subprocess.run(configure, check=True, stdout=subprocess.DEVNULL, env=variables)
        subprocess.run(["cmake", "--build", folder, "--parallel"], check=True, stdout=subprocess.DEVNULL, env=variables)
    return target / native.FILE


def main() -> int:
    """Run a command; return 1 if results differ or something fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["build", "hash", "sanitize", "resize"])
    parser.add_argument("--calls", type=int, default=500, help="how many random calls, beside those of rows and programs")
    parser.add_argument("--seed", type=int, default=0, help="the seed of the random calls")
    arguments = parser.parse_args()
    try:
        commands = {"build": _build, "hash": _hash, "sanitize": _sanitize, "resize": _resize}
        return commands[arguments.command](arguments.seed, arguments.calls)
    except subprocess.CalledProcessError as error:
        print(f"{' '.join(map(str, error.cmd))[:300]}: exit code {error.returncode}", file=sys.stderr)
        return 1


def _build(seed: int, count: int) -> int:
    print(build(NATIVE))
    return 0


def _hash(seed: int, count: int) -> int:
    from cases import kernel_calls
    from support.replays import report, try_library

    found = native.library()
    if found.path is None:
        print(found.reason, file=sys.stderr)
        return 1
    pairs = list(kernel_calls.every(seed, count))
    return 0 if report(try_library(found.path, pairs, found.available), len(pairs)) else 1


def _sanitize(seed: int, count: int) -> int:
    import numpy as np
    from cases import kernel_calls
    from support.replays import report, try_library

    rng = np.random.default_rng(seed)
    pairs = list(kernel_calls.every(seed, count))
    odd = [(kernel_calls.damaged(pairs[rng.integers(len(pairs))][0], rng), np.empty(0)) for _ in range(4 * count)]
    with tempfile.TemporaryDirectory() as folder:
        library = build(Path(folder), "-DGRAPHPROC_SANITIZE=ON")
        compiler, sets = ["c++", SANITIZERS], native.library().available
        fine = report(try_library(library, pairs, sets, compiler=compiler, threads=3), len(pairs))
        for instructions, found in try_library(library, odd, sets, compiler=compiler, threads=3).items():
            print(f"{instructions:8} {found.refused} of {len(odd)} calls with something odd refused, none ended the process")
    return 0 if fine else 1


def _resize(seed: int, count: int) -> int:
    import numpy as np
    from cases.random_resizes import at_random
    from support.kernels import call_of, run

    from graphproc.ir.types import TensorType

    sets, elements, of_pillow = native.library().available, 0, 0
    wrong = dict.fromkeys(("numpy", *sets), 0)
    for op, x, whole in at_random(seed, count):
        top, left, height, width = op.window or (0, 0, *whole.shape[-2:])
        expected = whole[:, top : top + height, left : left + width]  # type: ignore[misc, operator]
        call = call_of(op, (TensorType("u8", x.shape, op.layout),), [x])
        assert call is not None
        wrong["numpy"] += not np.array_equal(op.numpy(x), expected)
        for instructions in sets:
            native.use(instructions)
            (found,) = run(call, 1)
            wrong[instructions] += not np.array_equal(found, expected)
        elements += expected.size
        of_pillow += op.arithmetic == "pillow"
    print(
        f"seed {seed}: {count} resizes, {of_pillow} with Pillow's result and {count - of_pillow} with torch's, {elements} bytes"
    )
    for name, differing in wrong.items():
        print(f"{name:8} {differing} differing")
    return 1 if any(wrong.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
