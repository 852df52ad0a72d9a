"""Make this package's contestants: its graphs, with kernels and without, a processor's call and the numpy reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
KERNELS = "graph, kernels"
KERNELS_OTHER = "graph, kernels, other backend"
CALL = "processor call"
NUMPY = "numpy reference"


def _graph(task: Task, threads: Sequence[int], name: str, *, fixed: bool = False, other: bool = False) -> Iterator[Contestant]:
    """Yield the graph without kernels, for one image size or any, of the processor's backend or of the class's other one."""
    from graphproc.runtime.session import Session

    task = _of_other_backend(task) if other else task
    try:
        model = task.processor.to_onnx(image_size=task.image.shape[:2] if fixed else None).SerializeToString()
    except EmitError as error:
        raise LeftOutError(str(error)) from None
    for number in threads:
        # A session that specialises itself would change what is measured half way.
        session = Session(model, threads=number, kernels=False, specialise_after=None)
        note = compared_with(task) if other else ""
        yield Contestant(name, partial(session.run, task.feeds), number, task.batch, task.compare, note=note)


def kernels(task: Task, threads: Sequence[int], names: Mapping[str, str], other: bool = False) -> Iterator[Contestant]:
    """Yield the graph for any size with kernels, for each instruction set.

    Args:
        task: the task.
        threads: the numbers of threads.
        names: the contestants' names by instruction set; `auto` is the newest. Those that the
            processor lacks are skipped.
        other: whether the graph is of the class's other backend.

    Raises:
        LeftOutError: there is no native library, or it has no kernel for this class.
    """
    from graphproc.runtime import native
    from graphproc.runtime.session import Session

    if (reason := native.reason()) is not None:
        raise LeftOutError(reason)
    task = _of_other_backend(task) if other else task
    model = task.processor.to_onnx().SerializeToString()
    note = compared_with(task) if other else ""
    for number in threads:
        session = Session(model, threads=number, kernels=True, specialise_after=None)
        if not session.kernels:
            raise LeftOutError(f"{task.processor.spec.name} has no op with a kernel")
        call = partial(session.run, task.feeds)
        for instructions in ("auto", *native.library().available):
            if instructions in names:
                around = partial(_instructions, instructions)
                yield Contestant(names[instructions], call, number, task.batch, task.compare, around, note=note)


@contextmanager
def _instructions(name: str) -> Iterator[None]:
    """Let kernels use an instruction set, and then their former one again."""
    from graphproc.runtime import native

    before = native.instruction_set()
    native.use(name)
    try:
        yield
    finally:
        native.use(before or "auto")


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
    KERNELS: partial(kernels, names={"auto": KERNELS}),
    KERNELS_OTHER: partial(kernels, names={"auto": KERNELS_OTHER}, other=True),
    CALL: _call,
    NUMPY: _numpy,
}
