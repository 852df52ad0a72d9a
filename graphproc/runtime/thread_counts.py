"""Say how many threads are used where no number is asked for.

The rule is in `default_threads`. A process that a library started as one of several leaves the other
cores to its siblings. What marks it was read in the libraries' sources and seen in their processes;
none of them is imported for it.
"""

from __future__ import annotations

import os
import sys

MOST_THREADS = 8
"""How many threads are used at most if no number is asked for. Each has sessions of its own."""

VARIABLE = "OMP_NUM_THREADS"
"""The environment variable that limits threads; OpenMP's, which numpy's and torch's libraries read, too."""

STARTERS = ("multiprocessing.process", "multiprocess.process")
"""Modules that know which process started this one. `multiprocess`, of `datasets`, is a copy with state of its own."""

PROGRAMS = ("/ray/_private/workers/default_worker.py", "/pyspark/daemon.py", "/pyspark/worker.py")
"""How the paths of programs end that Ray and Spark start for their tasks; Spark's daemon forks itself for them."""


def default_threads() -> int:
    """Return how many threads a call or a batch uses if no number is asked for.

    A number that is asked for (`processor.threads`, `Session(threads=)`) always counts. Else it is
    the first of these that applies, never more than the cores that the process may use:

    1. 1 in a process that `multiprocessing` or `multiprocess` started, such as a data loader's: its
       siblings use the other cores, and `OMP_NUM_THREADS` is what their parent was given.
    2. `OMP_NUM_THREADS`, if it is set to a whole number from 1, at most `MOST_THREADS`. Ray, Spark
       and joblib set it in their processes to the cores that a task was given. It is read anew for
       each call, since Ray changes it with each task.
    3. 1 in a process of Ray or Spark.
    4. The number of cores that the process may use, at most `MOST_THREADS`.

    `operator_threads` follows the same rule for ONNX Runtime's threads in an operator, without
    `MOST_THREADS`. What `torch.set_num_threads` sets is torch's alone: modules that `to_torch` gives
    follow it, calls and sessions do not.
    """
    return min(_cores(), MOST_THREADS, _share() or MOST_THREADS)


def operator_threads() -> int | None:
    """Return how many threads an operator of a session uses if no number is asked for.

    Returns:
        The number that steps 1 to 3 of the rule give (`default_threads`), or None where none of
        them applies: ONNX Runtime then takes a thread for each physical core.
    """
    share = _share()
    return None if share is None else min(_cores(), share)


def _share() -> int | None:
    """Return the number that steps 1 to 3 of the rule give; None where none of them applies."""
    process = _process_class()
    if process is not None and not process.startswith("joblib."):
        return 1
    return _variable() or (1 if process is not None or _of_program() else None)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _variable() -> int | None:
    """Return the number in `OMP_NUM_THREADS`; None if there is none.

    It may be a list, with a number for each level of parallel parts inside one another. Source:
    OpenMP 5.2, section 21.1.2. What is no list of numbers from 1 is ignored, as GCC's OpenMP does.
    """
    levels = [level.strip() for level in os.environ.get(VARIABLE, "").split(",")]
    numbers = [int(level) if level.isascii() and level.isdigit() else 0 for level in levels]
    return numbers[0] if all(numbers) else None


def _process_class() -> str | None:
    """Return the module of this process's class; None if neither `multiprocessing` nor its copy started it.

    Joblib's processes have a class of its own.
    """
    for name in STARTERS:
        module = sys.modules.get(name)  # a process that it started has loaded it
        if module is not None and module.parent_process() is not None:
            return type(module.current_process()).__module__
    return None


def _of_program() -> bool:
    """Tell whether this process runs a program that Ray or Spark starts for its tasks."""
    path = getattr(sys.modules.get("__main__"), "__file__", None) or ""
    return path.replace("\\", "/").endswith(PROGRAMS)
