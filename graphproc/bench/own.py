"""Make this package's contestants: its graphs, a processor's call and the numpy reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from graphproc.bench.task import IN_TORCHVISION, Contestant, LeftOutError, Maker, Task
from graphproc.errors import EmitError
from graphproc.executors import reference

if TYPE_CHECKING:
    from graphproc.wrappers.processor import BaseImageProcessor

Array = np.ndarray[Any, Any]

GRAPH = "graph, any size"
FIXED = "graph, fixed size"
GRAPH_TORCHVISION = "graph, any size, torchvision"
FIXED_TORCHVISION = "graph, fixed size, torchvision"
CALL = "processor call"
NUMPY = "numpy reference"


def _graph(
    task: Task, threads: Sequence[int], name: str, *, fixed: bool = False, torchvision: bool = False
) -> Iterator[Contestant]:
    """Yield the graph, for one image size or any, in the processor's arithmetic or torchvision's."""
    from graphproc.runtime.session import Session

    task = _other_arithmetic(task) if torchvision else task
    try:
        model = task.processor.to_onnx(image_size=task.image.shape[:2] if fixed else None).SerializeToString()
    except EmitError as error:
        raise LeftOutError(str(error)) from None
    for number in threads:
        # A session that specialises itself would change what is measured half way.
        session = Session(model, threads=number, specialise_after=None)
        note = IN_TORCHVISION if torchvision else ""
        yield Contestant(name, partial(session.run, task.feeds), number, task.batch, task.compare, note=note)


def _other_arithmetic(task: Task) -> Task:
    if task.torchvision is task:
        raise LeftOutError("the backend is torchvision already")
    if task.torchvision is None:
        raise LeftOutError(f"{task.processor.spec.name} does not have that backend, or not with these settings")
    return task.torchvision


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
    GRAPH_TORCHVISION: partial(_graph, name=GRAPH_TORCHVISION, torchvision=True),
    FIXED_TORCHVISION: partial(_graph, name=FIXED_TORCHVISION, torchvision=True, fixed=True),
    CALL: _call,
    NUMPY: _numpy,
}
