"""Run cases in worker processes, and watch these."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path

import onnxruntime
import torch
import transformers

from campaign import values
from campaign.generate import group
from campaign.report import Failure, Report
from campaign.run import BOTH_REFUSE, CRASHES, Outcome, run
from campaign.shrink import shrunk, signature
from campaign.trial import Trial

STUCK = 300.0
"""The seconds after which a case counts as hanging: several times what the slowest takes where other programs run as well."""
SHRUNK = 3
"""How many failures of one kind a process reduces and prints; others are only counted."""
Tried = Sequence[tuple[str, str]]


def work(seed: int, tried: Tried, groups: range, end: float, folder: Path, to: Connection) -> None:
    """Run groups until the time is up, and send the outcome of each case."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # ONNX Runtime prints there what its errors say again
    try:
        with tempfile.TemporaryDirectory(dir=folder) as own:
            values.write_to(Path(own))
            _work(seed, tried, groups, end, to)
    except Exception:
        to.send(("broken", traceback.format_exc()))


def _work(seed: int, tried: Tried, groups: range, end: float, to: Connection) -> None:
    torch.set_grad_enabled(False)
    transformers.logging.set_verbosity_error()
    onnxruntime.set_default_logger_severity(4)
    known: Counter[str] = Counter()
    for index in groups:
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
            if outcome.what == BOTH_REFUSE:  # most likely because of the settings, so other images tell little more
                break
    to.send(("end",))


class Worker:
    """A process that runs groups.

    Attributes:
        groups: the groups that it was given.
        messages: the connection on which it sends outcomes.
        at: the group and the case that it runs.
        heard: when its last message came.
        ended: whether it reported that nothing is left to do.
    """

    def __init__(self, seed: int, tried: Tried, groups: range, end: float, folder: Path) -> None:
        context = multiprocessing.get_context("fork")
        self.messages, there = context.Pipe(duplex=False)
        self.groups, self.at, self.heard, self.ended = groups, (groups.start, 0), time.monotonic(), False
        self._process = context.Process(target=work, args=(seed, tried, groups, end, folder, there), daemon=True)
        self._process.start()
        there.close()

    def stop(self) -> int | None:
        """End the process; return its exit code."""
        self._process.kill()
        self._process.join()
        self.messages.close()
        return self._process.exitcode

    def hear(self, report: Report) -> str:
        """Read one message; return what went wrong, normally nothing."""
        try:
            what, *rest = self.messages.recv()
        except EOFError:
            self._process.join()
            return f"the process ended with {self._process.exitcode}"
        self.heard = time.monotonic()
        if what == "broken":
            return f"the case cannot be made: {rest[0]}"
        if what == "end":
            self.ended = True
        elif what == "done":
            _done(report, *rest)
        else:
            self.at = (rest[0], rest[1])
        return ""


def _done(report: Report, name: str, backend: str, kind: str, outcome: Outcome, failure: Failure | None) -> None:
    report.add(name, backend, kind, outcome, signature(outcome))
    if failure is not None:
        report.found(failure)


class Campaign:
    """Runs cases in processes of their own, and starts another process if one ends or hangs.

    Attributes:
        seed: the seed of the cases.
        tried: the classes and backends.
        report: counts the outcomes.
        jobs: how many processes run side by side.
        end: when the time is up, on the monotonic clock.
    """

    def __init__(self, seed: int, tried: Tried, seconds: float, report: Report, jobs: int) -> None:
        self.seed, self.tried, self.report, self.jobs = seed, tried, report, jobs
        self.end = time.monotonic() + seconds

    def run(self, groups: range) -> None:
        """Run groups until the time is up; with n processes, each runs every nth group."""
        for name, backend in self.tried:  # once, before processes are forked
            Trial(name, backend).load()
        with tempfile.TemporaryDirectory(prefix="campaign-") as name:
            workers = [self._start(groups[job :: self.jobs], Path(name)) for job in range(min(self.jobs, len(groups)))]
            try:
                while workers:
                    ready = wait([worker.messages for worker in workers], timeout=1)
                    for worker in list(workers):
                        wrong = worker.hear(self.report) if worker.messages in ready else ""
                        if time.monotonic() - worker.heard > STUCK:
                            wrong = f"no end after {STUCK:.0f} s"
                        if wrong or worker.ended:
                            workers.remove(worker)
                            worker.stop()
                        if wrong:
                            left = self._lost(worker, wrong)
                            workers += [self._start(left, Path(name))] if left and time.monotonic() < self.end else []
            finally:
                for worker in workers:
                    worker.stop()

    def _start(self, groups: range, folder: Path) -> Worker:
        return Worker(self.seed, self.tried, groups, self.end, folder)

    def _lost(self, worker: Worker, words: str) -> range:
        """Count the case that a process was running when it ended; return the groups after it."""
        index, place = worker.at
        trial = group(self.seed, index, self.tried)[place]
        outcome = Outcome(CRASHES, words)
        self.report.add(trial.name, trial.backend, trial.kind, outcome, words)
        self.report.found(Failure(trial.name, trial.backend, trial.kind, outcome, trial.script(), self.seed, index))
        return worker.groups[worker.groups.index(index) + 1 :]
