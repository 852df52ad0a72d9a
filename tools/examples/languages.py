"""Run one fused graph from every language that can run here, and compare all results with Python's.

    python tools/examples/classifier.py -o FOLDER
    python tools/examples/languages.py FOLDER

`c` needs a C compiler, make and ONNX Runtime's headers (`ORT_INCLUDE`, by default where Debian's
libonnxruntime-dev puts them; the library is the Python package's, or `ORT_LIBRARY`). `javascript` and `wasm` need
Node.js and `npm ci` in `tools/examples/javascript`.

`pixel_values`, which the preprocessing passes to the model, must be the same bits in all languages, and so must
scores that the same library computes. Other versions and builds of ONNX Runtime add a convolution's products in
another order or round them first, so scores between 0 and 1 may differ by 1e-6.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

EXAMPLES = Path(__file__).resolve().parent
PIXELS = "pixel_values"
BOUND = 1e-6


class MissingError(Exception):
    """Why a language cannot run here."""


@dataclass(frozen=True)
class Program:
    """A program that takes GRAPH IMAGE LABELS [VALUES].

    Attributes:
        command: the command that starts it.
        same: whether its ONNX Runtime is the library that Python uses.
    """

    command: list[str]
    same: bool = False


@dataclass(frozen=True)
class Result:
    """What a program printed and computed.

    Attributes:
        printed: the best classes, a line each.
        scores: the scores, float32 [classes].
        pixels: what the preprocessing passes to the model, float32, flat.
    """

    printed: str
    scores: Any
    pixels: Any


def python(build: Path) -> Program:
    """Return the example in Python, with this interpreter."""
    return Program([sys.executable, str(EXAMPLES / "python" / "classify.py")], same=True)


def c(build: Path) -> Program:
    """Return the example in C, compiled into `build` and linked to the library of Python's package."""
    for tool in ("cc", "make"):
        if shutil.which(tool) is None:
            raise MissingError(f"no {tool}")
    include = Path(os.environ.get("ORT_INCLUDE", "/usr/include/onnxruntime"))
    if not (include / "onnxruntime_c_api.h").is_file():
        raise MissingError(f"no onnxruntime_c_api.h in {include}; set ORT_INCLUDE")
    chosen = os.environ.get("ORT_LIBRARY")
    library = Path(chosen) if chosen else python_library()
    linked = build / "lib"
    linked.mkdir(exist_ok=True)
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):  # for the linker, and the library's own name for itself
        (linked / name).unlink(missing_ok=True)
        (linked / name).symlink_to(library.resolve())
    program = build / "classify"
    made = subprocess.run(
        ["make", "-s", "-B", "-C", EXAMPLES / "c", f"INCLUDE={include}", f"LIB={linked}", f"OUT={program}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise RuntimeError(f"c: does not compile\n{made.stderr}")
    return Program([str(program)], same=not chosen)


def python_library() -> Path:
    """Return the shared library in the Python package; old packages and those of some systems have none."""
    package = find_spec("onnxruntime")
    folders = package.submodule_search_locations if package else None
    found = [path for folder in folders or () for path in sorted(Path(folder, "capi").glob("libonnxruntime.so.*"))]
    if not found:
        raise MissingError("the Python package onnxruntime has no libonnxruntime.so; set ORT_LIBRARY")
    return found[0]


def javascript(build: Path, package: str = "onnxruntime-node", *options: str) -> Program:
    """Return the example in JavaScript, on ONNX Runtime's binding for Node.js."""
    folder = EXAMPLES / "javascript"
    if (node := shutil.which("node")) is None:
        raise MissingError("no node")
    if not (folder / "node_modules" / package).is_dir():
        raise MissingError(f"no {package}: run `npm ci` in {folder}")
    return Program([node, str(folder / "classify.mjs"), *options])


def wasm(build: Path) -> Program:
    """Return the example in JavaScript, on the WebAssembly that browsers run."""
    return javascript(build, "onnxruntime-web", "--wasm")


LANGUAGES: dict[str, Callable[[Path], Program]] = {"python": python, "c": c, "javascript": javascript, "wasm": wasm}


def run(program: Program, *files: Path) -> subprocess.CompletedProcess[str]:
    """Run a program on GRAPH IMAGE LABELS [VALUES]."""
    return subprocess.run([*program.command, *files], capture_output=True, text=True, encoding="utf-8", check=False)


def classify(program: Program, folder: Path, build: Path) -> Result:
    """Run a program on `folder`, for which `prepare` wrote files to `build`; return its results.

    Raises:
        RuntimeError: the program failed.
    """
    values = build / "values.f32"
    values.unlink(missing_ok=True)
    done = run(program, build / "kept.onnx", folder / "image.ppm", folder / "labels.txt", values)
    if done.returncode:
        raise RuntimeError(f"exit code {done.returncode}\n{done.stderr}")
    classes = len((folder / "labels.txt").read_text(encoding="utf-8").splitlines())
    numbers = np.fromfile(values, np.float32)
    return Result(done.stdout, numbers[:classes], numbers[classes:])


def prepare(folder: Path, build: Path) -> None:
    """Write fused.onnx again as kept.onnx, with the preprocessing's result as an output after the scores."""
    import onnx

    model = onnx.load(folder / "fused.onnx")
    model.graph.output.append(onnx.helper.make_tensor_value_info(PIXELS, onnx.TensorProto.FLOAT, None))
    onnx.save(model, build / "kept.onnx")


def differences(result: Result, expected: Result, same: bool) -> list[str]:
    """Return in words how a language's results differ from Python's beyond what is allowed."""
    found = []
    if not np.array_equal(result.pixels, expected.pixels):
        found.append(f"{PIXELS} differ")
    if result.scores.shape != expected.scores.shape:
        found.append(f"{len(result.scores)} scores, not {len(expected.scores)}")
    elif not (distance(result, expected) <= (0 if same else BOUND)):
        found.append(f"scores differ by {distance(result, expected):.1e}")
    if names(result) != names(expected):
        found.append("other classes are the best")
    return found


def agreement(result: Result, expected: Result) -> str:
    """Return in words how near a language's allowed differences are to Python."""
    far = distance(result, expected)
    return f"{PIXELS} the same bits, scores " + ("the same bits" if far == 0 else f"within {far:.1e}")


def distance(result: Result, expected: Result) -> float:
    """Return the largest difference of two scores."""
    return float(np.abs(result.scores - expected.scores).max())


def names(result: Result) -> list[str]:
    """Return the best classes, without their scores."""
    return [line.partition(" ")[2] for line in result.printed.splitlines()]


def main() -> int:
    """Run all that can run; exit 1 if one fails or differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="with fused.onnx, image.ppm and labels.txt")
    folder = parser.parse_args().folder
    wrong = 0
    with tempfile.TemporaryDirectory() as temporary:
        build = Path(temporary)
        prepare(folder, build)
        expected = classify(python(build), folder, build)
        print(f"python:\n{expected.printed}", end="")
        for name, make in list(LANGUAGES.items())[1:]:
            try:
                program = make(build)
                result = classify(program, folder, build)
            except MissingError as missing:
                print(f"{name}: did not run: {missing}")
                continue
            except RuntimeError as error:
                print(f"{name}: failed: {error}")
                wrong += 1
                continue
            found = differences(result, expected, program.same)
            print(f"{name}: {', '.join(found) or agreement(result, expected)}\n{result.printed}", end="")
            wrong += bool(found)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
