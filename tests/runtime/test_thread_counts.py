"""How many threads are used where no number is asked for: here, and in the processes of other libraries.

Quick tests set up what marks such a process; slow ones ask real processes, of libraries that are installed.
"""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import os
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest

import graphproc as gp
from graphproc.runtime import session as session_module
from graphproc.runtime import thread_counts
from graphproc.runtime.session import Session
from graphproc.runtime.thread_counts import MOST_THREADS, default_threads, operator_threads
from graphproc.wrappers.examples import photograph

CORES = 12


@pytest.fixture(autouse=True)
def _plain_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this a process that nothing marks, on a machine of a known size."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(CORES)), raising=False)
    monkeypatch.delenv(thread_counts.VARIABLE, raising=False)


def counts() -> tuple[int, int | None]:
    return default_threads(), operator_threads()


def started_by(module: str, process_class: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that a copy of `multiprocessing` started this process."""
    process = type("Process", (), {"__module__": process_class})()
    copy = types.ModuleType(module)
    copy.parent_process = lambda: "the parent"  # type: ignore[attr-defined]
    copy.current_process = lambda: process  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module, copy)


def runs_program(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__file__", path, raising=False)


# ---- the rule --------------------------------------------------------------------------------------------------------


def test_without_marks_it_is_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    assert counts() == (MOST_THREADS, None)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5}, raising=False)
    assert counts() == (2, None)
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert counts() == (5, None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1", (1, 1)),
        (" 3 ", (3, 3)),
        ("4,2", (4, 4)),
        ("10", (MOST_THREADS, 10)),
        ("99999999999999999999", (MOST_THREADS, CORES)),
        *((ignored, (MOST_THREADS, None)) for ignored in ("", "0", "-2", "1.5", "two", "4,", "4,x", "٣")),
    ],
)
def test_the_variable_of_openmp(value: str, expected: tuple[int, int | None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(thread_counts.VARIABLE, value)
    assert counts() == expected


@pytest.mark.parametrize("module", ["multiprocessing.process", "multiprocess.process"])
def test_siblings_use_the_other_cores_whatever_the_parent_was_given(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started_by(module, f"{module.split('.')[0]}.context", monkeypatch)
    assert counts() == (1, 1)
    monkeypatch.setenv(thread_counts.VARIABLE, "4")
    assert counts() == (1, 1)


RAY = "/venv/lib/python3.12/site-packages/ray/_private/workers/default_worker.py"
DAEMON = "/venv/lib/python3.12/site-packages/pyspark/python/lib/pyspark.zip/pyspark/daemon.py"
WINDOWS = "C:\\venv\\Lib\\site-packages\\pyspark\\worker.py"


@pytest.mark.parametrize("mark", ["joblib", RAY, DAEMON, WINDOWS])
def test_what_a_library_gives_a_task_counts(mark: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if mark == "joblib":
        started_by("multiprocessing.process", "joblib.externals.loky.backend.process", monkeypatch)
    else:
        runs_program(mark, monkeypatch)
    assert counts() == (1, 1)
    for given in ("4", "2"):  # as Ray does in one process, from task to task
        monkeypatch.setenv(thread_counts.VARIABLE, given)
        assert counts() == (int(given), int(given))


@pytest.mark.parametrize("path", ["/home/me/default_worker.py", "/home/me/notpyspark/worker.py", "daemon.py", None])
def test_programs_of_like_names_are_no_marks(path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    runs_program(path, monkeypatch)
    assert counts() == (MOST_THREADS, None)


# ---- who follows it --------------------------------------------------------------------------------------------------


def test_sessions_and_calls_follow_it_unless_a_number_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int | None] = []
    real = session_module.session_options

    def session_options(provider: str, threads: int | None, library: Path | None) -> Any:
        asked.append(threads)
        return real(provider, threads, library)

    monkeypatch.setattr(session_module, "session_options", session_options)
    image = photograph()[:40, :50].copy()
    processor = gp.ViTImageProcessor(size=21)
    graph = processor.to_onnx()
    for variable, number, expected in ((None, None, None), ("3", None, 3), ("3", 2, 2)):
        if variable:
            monkeypatch.setenv(thread_counts.VARIABLE, variable)
        processor.threads = number
        processor(image)
        Session(graph, threads=number)
        assert asked == [expected, expected]
        asked.clear()


# ---- real processes --------------------------------------------------------------------------------------------------

ASK = """
def ask(given=None):
    import os, sys
    os.sched_getaffinity = lambda process: set(range(12))
    from graphproc.runtime import thread_counts
    return thread_counts.default_threads(), thread_counts.operator_threads()
"""
"""Pickled by value where a library does so, because it is defined in the program that runs."""

ASKED: dict[str, tuple[str, str, list[tuple[int, int | None]]]] = {
    "multiprocess": (
        "multiprocess",
        "import multiprocess\n"
        "for method in multiprocess.get_all_start_methods():\n"
        "    with multiprocess.get_context(method).Pool(1) as pool: found += pool.map(ask, [0])\n"
        "found = sorted(set(found))",
        [(1, 1)],
    ),
    "joblib": (
        "joblib",
        "import joblib\n"
        "for cores in (1, 3):\n"
        "    with joblib.parallel_config('loky', inner_max_num_threads=cores):\n"
        "        found += joblib.Parallel(n_jobs=2)([joblib.delayed(ask)()])\n"
        "found += joblib.Parallel(n_jobs=2, backend='multiprocessing')([joblib.delayed(ask)()])\n"
        "found += joblib.Parallel(n_jobs=2, backend='threading')([joblib.delayed(ask)()])",
        [(1, 1), (3, 3), (1, 1), (8, None)],
    ),
    "ray": (
        "ray",
        "import ray\n"
        "ray.init(num_cpus=3, include_dashboard=False, log_to_driver=False, logging_level='ERROR')\n"
        "found += [ask()] + [ray.get(ray.remote(ask).options(num_cpus=n).remote()) for n in (1, 3, 1)]\n"
        "ray.shutdown()",
        [(8, None), (1, 1), (3, 3), (1, 1)],
    ),
    "spark": (
        "pyspark",
        "from pyspark.sql import SparkSession\n"
        "for cores in (1, 2):\n"
        "    plain = SparkSession.builder.master('local[2]').config('spark.ui.enabled', 'false')\n"
        "    plain = plain.config('spark.driver.host', '127.0.0.1').config('spark.driver.bindAddress', '127.0.0.1')\n"
        "    session = plain.config('spark.task.cpus', cores).getOrCreate()\n"
        "    found += [ask()] + session.sparkContext.parallelize([0], 1).map(ask).collect()\n"
        "    session.stop()",
        [(8, None), (1, 1), (8, None), (2, 2)],
    ),
    "data loader": (
        "torch",
        "import torch\n"
        "for method in ('fork', 'spawn'):\n"
        "    loader = torch.utils.data.DataLoader([0], num_workers=1, collate_fn=ask, multiprocessing_context=method)\n"
        "    found += list(loader)",
        [(1, 1), (1, 1)],
    ),
}
"""For each library: its package, a program that asks its processes, and what they answer. Those with 8 are the program itself."""


@pytest.mark.slow
@pytest.mark.parametrize("library", ASKED)
def test_real_processes(library: str, root: Path, tmp_path: Path) -> None:
    package, program, expected = ASKED[library]
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: pip install {package}")
    if package == "pyspark" and subprocess.run(["java", "-version"], capture_output=True, check=False).returncode:
        pytest.skip("Spark runs in Java, which is not installed")
    indented = "".join(f"    {line}\n" for line in program.splitlines())
    text = f"{ASK}\nif __name__ == '__main__':\n    import json\n    found = []\n{indented}    print(json.dumps(found))\n"
    (tmp_path / "program.py").write_text(text, "utf-8")
    environment = {**os.environ, "PYTHONPATH": str(root), "PYSPARK_PYTHON": sys.executable}
    command = [sys.executable, "-W", "ignore", "program.py"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert [tuple(one) for one in json.loads(done.stdout.splitlines()[-1])] == expected


def _answer(queue: Any) -> None:
    queue.put((default_threads(), operator_threads()))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="the system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process() -> None:
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=_answer, args=(queue,))
    child.start()
    assert queue.get() == (1, 1)
    child.join()
    assert counts() == (MOST_THREADS, None)
