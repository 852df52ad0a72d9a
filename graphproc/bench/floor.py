"""Make the contestant that shows how fast any preprocessing can be: it only reads the input and writes the output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from graphproc.bench.task import Contestant, Task

FLOOR = "floor: copy in, write out"


def floor(task: Task, threads: Sequence[int]) -> Iterator[Contestant]:
    """Yield a copy of the inputs and a write of the outputs, on one thread, to memory that each run uses again."""
    copies = [(np.empty_like(value), value) for value in task.feeds.values()]
    outputs = [np.empty_like(value) for value in task.expected.values()]

    def call() -> None:
        for copy, value in copies:
            np.copyto(copy, value)
        for output in outputs:
            output.fill(1)

    yield Contestant(FLOOR, call, None, task.batch, note="no preprocessing")
