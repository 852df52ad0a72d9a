"""Measure in a fresh process each: importing, exporting, making a session, its first run, and the memory that runs take.

python tools/bench/costs.py     all of them, alone
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

REPEATS = 3
FIRST_SIZE = (427, 640)
"""(height, width) of a first run, and of graphs with a fixed size."""
MEMORY_SIZE = (3000, 4000)
"""(height, width) of the images in runs that are measured for memory."""


@dataclass(frozen=True)
class Cost:
    """One figure: what it measures, its value and unit, and its name in the summary."""

    name: str
    value: float
    unit: str
    key: str = ""


IMPORT, HELP, EXPORT, SESSION = "import", "help", "export", "session"
"""The figures that have targets."""


def measured(works: dict[str, str]) -> list[Cost]:
    """Measure every figure, for processors given by short name and class name."""
    found = [
        Cost("import graphproc", _median(lambda: _importing("import graphproc")), "s", IMPORT),
        Cost("import graphproc, and a class of it", _median(lambda: _importing("from graphproc import CLIPImageProcessor")), "s"),
        Cost("graphproc --help, whole process", _median(lambda: _process("--help")), "s", HELP),
    ]
    with tempfile.TemporaryDirectory(prefix="graphproc-") as name:
        path = os.path.join(name, "graph.onnx")
        if "CLIP" in works:
            export = _median(lambda: _process("export", works["CLIP"], "-o", path))
            found.append(Cost("export of CLIP, whole process", export, "s", EXPORT))
        for work, processor in works.items():
            found += _of_graphs(work, processor, Path(name))
    return found


def _of_graphs(work: str, processor: str, folder: Path) -> list[Cost]:
    """Measure the figures of a processor's graphs."""
    found: list[Cost] = []
    for form, size in (("any size", None), ("fixed size", FIRST_SIZE)):
        path = folder / f"{work}.onnx"
        nodes = _export(processor, size, path)
        runs = [_child("session", str(path), *map(str, FIRST_SIZE)) for _ in range(REPEATS)]
        of = f"{work}, graph of {form}"
        found += [
            Cost(f"{of}: bytes", path.stat().st_size, "bytes"),
            Cost(f"{of}: nodes", nodes, "nodes"),
            Cost(f"{of}: session", statistics.median(r[0] for r in runs) * 1e3, "ms", SESSION if not size else ""),
            Cost(f"{of}: first run on {_text(FIRST_SIZE)}", statistics.median(r[1] for r in runs) * 1e3, "ms"),
        ]
    _export(processor, None, path)
    for what, arguments in (("graph of any size", ("graph", str(path))), ("transformers Pil", ("pil", processor))):
        grown = _child("memory", *arguments, *map(str, MEMORY_SIZE))
        if grown:
            found.append(Cost(f"{work}, {what}: memory of runs on {_text(MEMORY_SIZE)}", grown[0] / 2**20, "MiB"))
    return found


def _export(processor: str, size: tuple[int, int] | None, path: Path) -> int:
    """Write a graph; return how many nodes it has, those of branches included."""
    import graphproc
    from graphproc.emitters.onnx.checks import operator_counts

    model = getattr(graphproc, processor)().to_onnx(image_size=size)
    path.write_bytes(model.SerializeToString())
    return sum(operator_counts(model).values())


def _text(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _median(seconds: Callable[[], float]) -> float:
    return statistics.median(seconds() for _ in range(REPEATS))


def _process(*arguments: str) -> float:
    """Run the command line in a process; return its seconds."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "graphproc", *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


def _importing(statement: str) -> float:
    """Run an import in a process that has imported nothing else; return its seconds."""
    code = f"import time; start = time.perf_counter(); {statement}; print(time.perf_counter() - start)"
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)


def _child(*arguments: str) -> Any:
    """Run this file in a fresh process; return what it prints, read as JSON."""
    done = subprocess.run([sys.executable, __file__, *arguments], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def child(what: str, *arguments: str) -> list[float]:
    """Measure in this fresh process: the seconds of a session and its first run, or the peak of bytes that runs take."""
    *subject, height, width = arguments
    image = np.random.default_rng(0).integers(0, 256, (int(height), int(width), 3), dtype=np.uint8)
    if what == "session":
        import onnxruntime  # noqa: F401  # the import does not count as making a session

        from graphproc.runtime.session import Session

        start = time.perf_counter()
        session = Session(subject[0], threads=1, specialise_after=None)
        made = time.perf_counter()
        session.run({session.inputs[0]: image[None]})
        return [made - start, time.perf_counter() - made]
    run = _graph_run(subject[1], image) if subject[0] == "graph" else _pil_run(subject[1], image)
    if run is None:
        return []
    before = _memory()
    for _ in range(3):
        run()
    return [_peak() - before]


def _graph_run(path: str, image: np.ndarray[Any, Any]) -> Callable[[], object]:
    from graphproc.runtime.session import Session

    session = Session(path, threads=1, specialise_after=None)
    inputs = {session.inputs[0]: image[None]}
    session.run({session.inputs[0]: image[None, :64, :64].copy()})  # so that the libraries' own memory does not count
    return lambda: session.run(inputs)


def _pil_run(name: str, image: np.ndarray[Any, Any]) -> Callable[[], object] | None:
    try:
        import transformers
    except ImportError:
        return None
    processor = getattr(transformers, f"{name}Pil")()
    options = {"return_tensors": "np", "input_data_format": "channels_last"}
    processor(image[:64, :64], **options)
    return lambda: processor(image, **options)


def _memory() -> int:
    """Return the memory of this process in bytes; start the count of its peak anew, if the system can do that."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return _status("VmRSS")
    except OSError:
        return _peak()


def _peak() -> int:
    """Return the most memory that this process has had, in bytes."""
    try:
        return _status("VmHWM")
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _status(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) * 1024


def as_dicts(costs: list[Cost]) -> list[dict[str, Any]]:
    """Return the figures as plain data."""
    return [asdict(cost) for cost in costs]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(child(*sys.argv[1:])))
    else:
        from works import WORKS

        for cost in measured(WORKS):
            print(f"{cost.name:64}{cost.value:14,.3f} {cost.unit}")
