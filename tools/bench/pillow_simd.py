"""Pillow-SIMD's resize as a contestant. It replaces Pillow, so it runs in a process with its own environment.

    python3 -m venv simd
    CC="cc -mavx2" simd/bin/pip install pillow-simd numpy -C jpeg=disable -C zlib=disable --no-binary pillow-simd
    python tools/bench --pillow-simd simd/bin/python ...

The child resizes when it is told to and reports how many seconds that took, so its runs take turns with all others.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from graphproc.bench.task import Contestant, Task

CHILD = """
import sys, time
import numpy as np
from PIL import Image
shape = tuple(map(int, sys.argv[1:4]))
size, filter, count = tuple(map(int, sys.argv[4:6])), int(sys.argv[6]), int(sys.argv[7])
data = sys.stdin.buffer.read(int(np.prod(shape)))
image = Image.fromarray(np.frombuffer(data, np.uint8).reshape(shape))
print(Image.__version__, flush=True)
while sys.stdin.buffer.readline():
    starts = time.perf_counter(), time.process_time()
    for _ in range(count):
        image.resize(size, filter)
    print(time.perf_counter() - starts[0], time.process_time() - starts[1], flush=True)
"""
SIMD_FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}


class Child:
    """A process that resizes one image on demand."""

    def __init__(self, python: str, task: Task) -> None:
        resize: Any = task.resize
        numbers = (*task.image.shape, resize.width, resize.height, SIMD_FILTERS[resize.filter], task.count)
        command = [python, "-c", CHILD, *map(str, numbers)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
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
            raise RuntimeError(f"Pillow-SIMD's process ended with {self._process.returncode}. Check the interpreter.")
        return line

    def run(self, clock: Callable[[], float] = time.perf_counter) -> float:
        """Run once; return the seconds, by the wall clock or in CPU time."""
        self._send(b"\n")
        wall, processor = self._answer().split()
        return float(processor if clock is time.process_time else wall)

    def close(self) -> None:
        """End the process."""
        with suppress(BrokenPipeError):
            self._process.communicate()


def pillow_simd(child: Child, name: str, task: Task) -> Contestant:
    """Make the contestant for a child."""
    return Contestant(name, child.run, None, task.batch, timed=child.run, note=f"the resize only, {child.version}, not exact")
