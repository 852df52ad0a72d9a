"""Run calls of kernels in a process of its own, for each instruction set, and compare them with numpy's results."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support import kernels
from support.kernels import Array, Call

SOURCE = Path(__file__).resolve().parent.parent / "native" / "replay.cpp"
"""The program that runs the calls."""
Pair = tuple[Call, Array]
"""A call, and the result of the numpy rule."""


@dataclass(frozen=True)
class Tried:
    """What a library computed with one instruction set.

    Attributes:
        digest: SHA-256 of all results.
        wrong: the calls with other results than numpy's, in words.
        refused: how many calls ended with an error.
    """

    digest: str
    wrong: Sequence[str]
    refused: int


def try_library(
    library: Path,
    pairs: Sequence[Pair],
    sets: Sequence[str],
    *,
    compiler: Sequence[str] = ("c++",),
    runner: Sequence[str] = (),
    threads: int = 1,
) -> dict[str, Tried]:
    """Run calls in a process for each instruction set, and compare their results with numpy's.

    Args:
        library: the library.
        pairs: calls and their results.
        sets: the names of instruction sets.
        compiler: the command that compiles the program that runs the calls, for the library's processor.
        runner: the command that runs a program of that processor, if this one cannot.
        threads: on how many threads a kernel runs.

    Raises:
        subprocess.CalledProcessError: the program could not be built, or it ended too early.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        calls, results, program = folder / "calls", folder / "results", folder / "replay"
        subprocess.run([*compiler, "-std=c++17", "-O1", "-g", str(SOURCE), "-o", str(program), "-ldl"], check=True)
        with calls.open("wb") as file:
            kernels.write((call for call, _ in pairs), file)
        tried = {}
        for instructions in sets:
            command = [*runner, str(program), str(library), str(calls), str(results), instructions, str(threads)]
            subprocess.run(command, check=True)
            tried[instructions] = _compared(results, pairs)
        return tried


def _compared(results: Path, pairs: Sequence[Pair]) -> Tried:
    wrong, refused = [], 0
    for number, (found, (call, expected)) in enumerate(zip(kernels.read(results), pairs, strict=True)):
        if isinstance(found, str):
            refused += 1
            wrong.append(f"call {number}, {call.name}: refused: {found}")
        elif len(found) != 1 or found[0].shape != expected.shape or found[0].tobytes() != expected.tobytes():
            wrong.append(f"call {number}, {call.name} {[x.shape for x in call.inputs]} {dict(call.attributes)}: another result")
    return Tried(hashlib.sha256(results.read_bytes()).hexdigest(), wrong, refused)


def report(tried: Mapping[str, Tried], count: int) -> bool:
    """Print what was found, one line for each instruction set; return whether all is as in numpy."""
    for instructions, found in tried.items():
        print(f"{instructions:8} {found.digest[:32]}  {count - len(found.wrong)} of {count} calls as in numpy")
        for line in found.wrong[:5]:
            print(f"    {line}")
    return not any(found.wrong for found in tried.values()) and len({found.digest for found in tried.values()}) == 1
