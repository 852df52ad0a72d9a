"""Show where graphs spend their time, by ONNX Runtime's profile of every node on one thread, summed by what nodes are for.

The floor is the time to read every byte of the image once and to write every byte of the outputs once, at the
speed at which this machine copies memory that is not in the cache.
"""

from __future__ import annotations

import json
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from works import Sides, image, processor

from graphproc.bench.own import FIXED, FIXED_OTHER, GRAPH, GRAPH_OTHER

GRAPHS = {
    GRAPH: ("torchvision", False),
    FIXED: ("torchvision", True),
    GRAPH_OTHER: ("pil", False),
    FIXED_OTHER: ("pil", True),
}
"""The graphs to profile, by contestant: their backend, and whether the size is fixed."""
KINDS = ("weights", "products", "reading", "rounding", "moving", "map")
"""What nodes are for: sizes and weights; matrix products; rows gathered and turned to floats for them; sums turned to bytes;
pixels moved, padded and joined, and masks; bytes turned to what is wanted of them (rescale and normalize)."""
SHOWN = 5
"""How many nodes of a graph to print."""
RUNS, SECONDS = 20, 1.5
"""The least number of runs, and of seconds."""

_PRODUCTS = ("MatMul", "MatMulInteger")
_MOVES = ("Transpose", "Slice", "Reshape", "Concat", "Pad", "Split", "Expand", "ConstantOfShape", "Identity")
_ROUNDS = ("ReduceSum", "Clip", "QuantizeLinear", "BitwiseAnd", "Split", "Floor")
_COUNTERS = re.compile(r"_\d+$")


@dataclass(frozen=True)
class Node:
    """A node of a graph, with all its iterations in one run.

    Attributes:
        name, operator: the node's.
        kind: what it is for, one of `KINDS`.
        microseconds, calls: in one run.
    """

    name: str
    operator: str
    kind: str
    microseconds: float
    calls: float


@dataclass(frozen=True)
class Profile:
    """One graph on one image.

    Attributes:
        work, size, contestant: which graph and image.
        milliseconds: the median of runs that are not profiled.
        floor: the floor in milliseconds.
        nodes: those that ran, the slowest first; for loops and branches, the nodes inside them.
    """

    work: str
    size: Sides
    contestant: str
    milliseconds: float
    floor: float
    nodes: tuple[Node, ...] = field(repr=False)

    def share(self, kind: str) -> float:
        """Return the share of a kind in the time of all nodes."""
        return sum(n.microseconds for n in self.nodes if n.kind == kind) / sum(n.microseconds for n in self.nodes)


def measured(work: str, size: Sides, contestant: str, copied: float) -> Profile:
    """Profile a graph.

    Args:
        work: a key of `works.WORKS`.
        size: (height, width) of the image.
        contestant: a key of `GRAPHS`.
        copied: bytes that this machine copies in a second.
    """
    import onnxruntime

    backend, fixed = GRAPHS[contestant]
    made = type(processor(work))(backend=backend)
    model = made.to_onnx(image_size=size if fixed else None).SerializeToString()
    with tempfile.TemporaryDirectory(prefix="graphproc-") as folder:
        sessions = []
        for profiled in (False, True):
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads, options.log_severity_level = 1, 3
            options.enable_profiling, options.profile_file_prefix = profiled, str(Path(folder) / "profile")
            sessions.append(onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]))
        plain, clocked = sessions
        inputs = {plain.get_inputs()[0].name: image(size)[None]}
        results = plain.run(None, inputs)
        seconds = _seconds(lambda: plain.run(None, inputs))
        runs = len(_seconds(lambda: clocked.run(None, inputs))) + 1
        events = json.loads(Path(clocked.end_profiling()).read_text(encoding="utf-8"))
    moved = sum(array.nbytes for array in (*inputs.values(), *results))
    floor = moved / 2 / copied
    return Profile(work, size, contestant, statistics.median(seconds) * 1e3, floor * 1e3, tuple(nodes(events, runs)))


def has(work: str, contestant: str) -> bool:
    """Tell whether a work has the backend of a graph."""
    return GRAPHS[contestant][0] in processor(work).spec.backends


def copy_speed() -> float:
    """Measure how many bytes are copied in a second, in arrays too large for a cache."""
    source = np.ones(128 << 20, np.uint8)
    target = np.ones_like(source)
    return source.nbytes / min(_seconds(lambda: np.copyto(target, source)))


def nodes(events: Iterable[Mapping[str, Any]], runs: int) -> list[Node]:
    """Read the nodes in ONNX Runtime's profile of a number of runs, the slowest first."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for event in events:
        kernel = event.get("cat") == "Node" and event["name"].endswith("_kernel_time")
        if kernel and event["args"]["op_name"] not in ("If", "Loop", "Scan"):
            found.setdefault(event["name"].removesuffix("_kernel_time"), []).append(event)
    result = []
    for name, calls in found.items():
        operator = calls[0]["args"]["op_name"]
        took = sum(call["dur"] for call in calls) / runs
        result.append(Node(name, operator, _kind(name, operator, calls[0]["args"]), took, len(calls) / runs))
    return sorted(result, key=lambda node: -node.microseconds)


def _kind(name: str, operator: str, arguments: Mapping[str, Any]) -> str:
    """Return what a node is for, judged by its name, its operator, and what it reads and writes."""
    source, target = (_first_type(arguments.get(f"{end}_type_shape", ())) for end in ("input", "output"))
    scopes = {_COUNTERS.sub("", part) for part in name.split("/")[:-1]}
    if operator in _PRODUCTS:
        return "products"
    if operator != "ConstantOfShape" and (scopes & {"weights", "sizes"} or target[0] in ("int64", "double", "bool")):
        return "weights"
    if scopes & {"horizontal", "vertical"}:
        if operator in ("Gather", "Concat", "Expand") or (operator == "Cast" and source[0] == "uint8" and target[1] > 2):
            return "reading"
        if operator in _ROUNDS or target[0] == "int32" or source[0] == "int32" or (operator == "Cast" and target[0] == "uint8"):
            return "rounding"
    return "moving" if operator in _MOVES else "map"


def _first_type(shapes: Sequence[Mapping[str, Sequence[int]]]) -> tuple[str, int]:
    """Return the element type and the rank of the first value."""
    return next(((dtype, len(shape)) for entry in shapes for dtype, shape in entry.items()), ("", 0))


def _seconds(call: Callable[[], object]) -> list[float]:
    """Time runs, after one that is not timed; return their seconds."""
    call()
    took: list[float] = []
    while len(took) < RUNS or sum(took) < SECONDS:
        start = time.perf_counter()
        call()
        took.append(time.perf_counter() - start)
    return took


def head() -> str:
    """Return the table's head."""
    kinds = "".join(f"{kind:>10}" for kind in KINDS)
    return f"\n{'share of the time of nodes, %':48}{kinds}{'ms':>10}{'floor ms':>10}{'/ floor':>9}"


def text(profile: Profile) -> str:
    """Return a profile's line of the table, and its slowest nodes."""
    label = f"{profile.work} {profile.size[0]}x{profile.size[1]}, {profile.contestant}"
    shares = "".join(f"{profile.share(kind) * 100:>10.0f}" for kind in KINDS)
    ratio = profile.milliseconds / profile.floor
    lines = [f"{label:48}{shares}{profile.milliseconds:>10.2f}{profile.floor:>10.2f}{ratio:>9.1f}"]
    total = sum(node.microseconds for node in profile.nodes)
    for node in profile.nodes[:SHOWN]:
        calls = f" ({node.calls:.0f} calls)" if node.calls > 1 else ""
        lines.append(f"    {node.microseconds / total * 100:4.0f} %  {node.microseconds:8.0f} us  {node.name}{calls}")
    small = sum(node.kind == "weights" for node in profile.nodes)
    return "\n".join([*lines, f"    {len(profile.nodes)} nodes ran, {small} of them for sizes and weights"])
