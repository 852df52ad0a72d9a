"""The process that runs cases, and the one that watches it."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

import onnxruntime
import torch
import transformers

from campaign.generate import group
from campaign.report import Failure, Report
from campaign.run import BOTH_REFUSE, CRASHES, Outcome, run
from campaign.shrink import shrunk, signature

STUCK = 120.0
"""Seconds after which a case counts as one that never ends."""
SHRUNK = 3
"""How many failures of one kind are shrunk and printed; others are counted."""


def work(seed: int, tried: Sequence[tuple[str, str]], first: int, last: int | None, end: float, to: Connection) -> None:
    """Run groups from the first on, until the time is up, and say what comes of each case."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # ONNX Runtime says there what its errors say again
    try:
        _work(seed, tried, first, last, end, to)
    except Exception:
        to.send(("broken", traceback.format_exc()))


def _work(seed: int, tried: Sequence[tuple[str, str]], first: int, last: int | None, end: float, to: Connection) -> None:
    transformers.logging.set_verbosity_error()
    onnxruntime.set_default_logger_severity(4)
    known: Counter[str] = Counter()
    for index in itertools.count(first) if last is None else range(first, last):
        for place, trial in enumerate(group(seed, index, tried)):
            if time.monotonic() > end:
                to.send(("end",))
                return
            to.send(("start", index, place))
            outcome = run(trial)
            failure = None
            kind = signature(outcome)
            known[kind] += outcome.failed
            if outcome.failed and known[kind] <= SHRUNK:
                to.send(("shrink", index, place))
                small, found = shrunk(trial, outcome, run)
                failure = Failure(small.name, small.backend, small.kind, found, small.script(), seed, index)
            to.send(("done", trial.name, trial.backend, trial.kind, outcome, failure))
            if outcome.what == BOTH_REFUSE:  # most likely for what the settings are: other images tell little more
                break
    to.send(("end",))


class Campaign:
    """Runs cases in a process of its own, and starts another where that ends or hangs."""

    def __init__(self, seed: int, tried: Sequence[tuple[str, str]], seconds: float, report: Report) -> None:
        self.seed, self.tried, self.report = seed, tried, report
        self.end = time.monotonic() + seconds

    def run(self, first: int = 0, last: int | None = None) -> None:
        """Run groups until the time is up."""
        while first is not None and (last is None or first < last) and time.monotonic() < self.end:
            first = self._process(first, last)  # type: ignore[assignment]

    def _process(self, first: int, last: int | None) -> int | None:
        """Run one process; returns the group to go on with where it did not end by itself."""
        context = multiprocessing.get_context("fork")
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=work, args=(self.seed, self.tried, first, last, self.end, there), daemon=True)
        process.start()
        there.close()
        at: tuple[int, int] = (first, 0)
        try:
            while True:
                if not here.poll(STUCK):
                    return self._lost(at, f"no end after {STUCK:.0f} s")
                message = here.recv()
                if message[0] == "end":
                    return None
                if message[0] == "broken":
                    return self._lost(at, f"the case cannot be made: {message[1]}")
                if message[0] == "done":
                    self._done(*message[1:])
                else:
                    at = message[1:]
        except EOFError:
            process.join()
            return self._lost(at, f"the process ended with {process.exitcode}")
        finally:
            process.kill()
            process.join()

    def _done(self, name: str, backend: str, kind: str, outcome: Outcome, failure: Any) -> None:
        self.report.add(name, backend, kind, outcome, signature(outcome))
        if failure is not None:
            self.report.found(failure)

    def _lost(self, at: tuple[int, int], words: str) -> int:
        """Count the case that a process was running when it ended."""
        index, place = at
        trial = group(self.seed, index, self.tried)[place]
        outcome = Outcome(CRASHES, words)
        self.report.add(trial.name, trial.backend, trial.kind, outcome, words)
        self.report.found(Failure(trial.name, trial.backend, trial.kind, outcome, trial.script(), self.seed, index))
        return index + 1


torch.set_grad_enabled(False)
