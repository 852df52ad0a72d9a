"""Make this package's contestants: its graphs, a processor's call and the numpy reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from graphproc.bench.task import Contestant, LeftOutError, Maker, Task, compared_with
from graphproc.errors import EmitError
from graphproc.executors import reference

if TYPE_CHECKING:
    from graphproc.wrappers.processor import BaseImageProcessor

Array = np.ndarray[Any, Any]

GRAPH = "graph, any size"
FIXED = "graph, fixed size"
GRAPH_OTHER = "graph, any size, other backend"
FIXED_OTHER = "graph, fixed size, other backend"
CALL = "processor call"
NUMPY = "numpy reference"


def _graph(task: Task, threads: Sequence[int], name: str, *, fixed: bool = False, other: bool = False) -> Iterator[Contestant]:
    """Yield the graph, for one image size or any, of the processor's backend or of the class's other one."""
    from graphproc.runtime.session import Session

    task = _of_other_backend(task) if other else task
    try:
        model = task.processor.to_onnx(image_size=task.image.shape[:2] if fixed else None).SerializeToString()
    except EmitError as error:
        raise LeftOutError(str(error)) from None
    for number in threads:
        # A session that specialises itself would change what is measured half way.
        session = Session(model, threads=number, specialise_after=None)
        note = compared_with(task) if other else ""
        yield Contestant(name, partial(session.run, task.feeds), number, task.batch, task.compare, note=note)


def _of_other_backend(task: Task) -> Task:
    spec, mine = task.processor.spec, task.processor.backend
    others = [backend for backend in spec.backends if backend != mine]
    if not others:
        raise LeftOutError(f"{spec.name} has the backend {mine} alone")
    found = task.of(others[0])
    if found is None:
        raise LeftOutError(f"{spec.name} does not have the backend {others[0]} with these settings")
    return found


def _call(task: Task, threads: Sequence[int]) -> Iterator[Contestant]:
    images = task.repeated(task.image)

    def call(processor: BaseImageProcessor) -> Any:
        return processor(images, return_tensors="np", input_data_format="channels_last", **task.keywords)

    for number in threads:
        processor = copy(task.processor)  # without its sessions
        processor.threads = number
        # Until all workers have their sessions.
        yield Contestant(CALL, partial(call, processor), number, task.batch, task.compare, warm_up=3)


def _numpy(task: Task, threads: Sequence[int]) -> Iterator[Contestant]:
    def call() -> dict[str, Array]:
        return reference.batch(task.program.outputs, [reference.run(task.program, task.inputs) for _ in range(task.count)])

    yield Contestant(NUMPY, call, None, task.batch, task.compare)


OWN: Mapping[str, Maker] = {
    GRAPH: partial(_graph, name=GRAPH),
    FIXED: partial(_graph, name=FIXED, fixed=True),
    GRAPH_OTHER: partial(_graph, name=GRAPH_OTHER, other=True),
    FIXED_OTHER: partial(_graph, name=FIXED_OTHER, other=True, fixed=True),
    CALL: _call,
    NUMPY: _numpy,
}
