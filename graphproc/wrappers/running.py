"""Run the graph on the images of one call: which run together, on which threads, and where results are written.

Images of one size run together, as many as fit a core's cache. If that makes several runs, workers do
them side by side. Results are written straight into an array for all images, which is the result if all
images' results have one shape.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from graphproc.errors import ConfigError, ImageError, ProgramError, ShapeError
from graphproc.executors import reference
from graphproc.ir.program import Output, Program
from graphproc.ir.types import DTYPES
from graphproc.runtime.memory import Memory
from graphproc.runtime.side_by_side import SideBySide
from graphproc.sizes import num
from graphproc.wrappers.image_files import is_file, label_of
from graphproc.wrappers.lru_dict import LruDict

if TYPE_CHECKING:
    from graphproc.runtime.session import Session

Array = np.ndarray[Any, Any]

MOST_IMAGES = 8
"""How many images run together at most."""
MOST_BYTES = 4 << 20
"""How many bytes of pixels several images that run together have at most: what fits a core's cache."""


def labels_of(images: Sequence[Any]) -> list[str]:
    """Return names of images for errors: paths of files, numbers of others, nothing for a single image."""
    numbers = [f"image {index}" if len(images) > 1 else "" for index in range(len(images))]
    return [label_of(image) if is_file(image) else number for image, number in zip(images, numbers, strict=True)]


@contextmanager
def about(label: str, *more: type[ConfigError]) -> Iterator[None]:
    """Name the image in every error that is raised within.

    Args:
        label: the name of the image, or of the images.
        *more: `ConfigError` where settings may be wrong for this image alone; the error keeps its class.

    Raises:
        ImageError: the image, a program for it, or its size cannot be used.
    """
    try:
        yield
    except (ImageError, ProgramError, ShapeError) as error:
        raise ImageError(_labelled(label, error)) from error
    except more as error:
        raise type(error)(_labelled(label, error)) from error


def _labelled(label: str, error: Exception) -> str:
    text = str(error)
    return f"{label}: {text}" if label and not text.startswith(label) else text


@dataclass
class _OutputBuffer:
    """The array that one output of all images is written to, as long as all results have one shape.

    Attributes:
        array: the array, [images, *shape of a result].
        filled: how many images are written to it already, or will be.
    """

    array: Array
    filled: int = 0


@dataclass(frozen=True)
class Arrangement:
    """Describe how a program runs on inputs of certain shapes.

    Attributes:
        program: the program, checked for such inputs.
        max_batch: how many images run together at most.
        buffers: for each output that can be written to one array of all images, the shape and dtype
            of an image's result.
    """

    program: Program
    max_batch: int
    buffers: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]]


@dataclass
class _Group:
    """Images that can run together, and their inputs by the program's names."""

    arrangement: Arrangement
    session: Callable[[], Session]
    indices: list[int] = field(default_factory=list)
    inputs: list[Mapping[str, Array]] = field(default_factory=list)


class Runner:
    """Runs the images of one call as they come.

    Attributes:
        labels: the name of each image in errors.
        results: the outputs of each image by name, complete after `finish`.
    """

    def __init__(
        self, labels: Sequence[str], runs: SideBySide, arrangements: LruDict[Hashable, Arrangement], memory: Memory
    ) -> None:
        """Start a call.

        Args:
            labels: the name of each image in errors.
            runs: starts runs on workers.
            arrangements: the arrangements of earlier calls.
            memory: memory of earlier results, to be used again.
        """
        self.labels = labels
        self.results: list[Mapping[str, Array]] = [{}] * len(labels)
        self._runs = runs
        self._arrangements = arrangements
        self._memory = memory
        self._groups: dict[tuple[Any, ...], _Group] = {}
        self._started: list[tuple[_Group, Callable[[], list[Mapping[str, Array]]]]] = []
        self._buffers: dict[str, _OutputBuffer] = {}

    def add(self, index: int, program: Program, session: Callable[[], Session], inputs: Mapping[str, Array]) -> None:
        """Run the graph of a program on an image, now or together with later ones.

        Args:
            index: the number of the image.
            program: the program.
            session: returns the session of its graph; for several images a session with one thread.
            inputs: the image and the extra inputs by the program's names.

        Raises:
            ImageError: the image's size does not meet a precondition, or inputs that must have one size differ.
        """
        key = (id(program), *(array.shape for array in inputs.values()))
        group = self._groups.get(key)
        if group is None:
            arrangement: Arrangement | None = self._arrangements.get(key)
            if arrangement is None or arrangement.program is not program:
                with about(self.labels[index]):
                    arrangement = self._arrangements[key] = _arranged(program, inputs)
            group = self._groups[key] = _Group(arrangement, session)
        group.indices.append(index)
        group.inputs.append(inputs)
        if len(group.indices) >= min(group.arrangement.max_batch, self._largest_run()):
            self._start(group)

    def _largest_run(self) -> int:
        """Return the most images that a run may have, so that every worker gets some."""
        return -(-len(self.results) // self._runs.threads)

    def _start(self, group: _Group) -> None:
        """Start the run of a group's images."""
        run = _Group(group.arrangement, group.session, group.indices, group.inputs)
        group.indices, group.inputs = [], []
        out = self._output_arrays(run)
        session = run.session()  # here and not in workers, so that it is made once
        label = ", ".join(filter(None, (self.labels[index] for index in run.indices)))
        self._started.append((run, self._runs.start(session, lambda session: _run(run, session, out, label))))

    def _output_arrays(self, run: _Group) -> dict[str, Array]:
        """Return the arrays that a run writes its outputs to: its parts of the arrays for all images."""
        start, count = run.indices[0], len(run.indices)
        if run.indices != list(range(start, start + count)):
            return {}
        out = {}
        for output in run.arrangement.program.outputs:
            if output.name not in run.arrangement.buffers:
                continue
            shape, dtype = run.arrangement.buffers[output.name]
            if output.name not in self._buffers:
                self._buffers[output.name] = _OutputBuffer(self._empty(output.name, shape, dtype))
            buffer = self._buffers[output.name]
            if buffer.array.shape[1:] == shape and buffer.array.dtype == dtype:
                part = buffer.array[start : start + count] if output.image_join.has_image_axis else buffer.array[start]
                out[output.name] = part if output.sample is None else part[None]
                buffer.filled += count
        return out

    def _empty(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Return an array for an output of all images. If that is too large to allocate, return one for no images.

        The results may still fit, because images need not have one shape.
        """
        try:
            return self._memory.array(name, (len(self.results), *shape), dtype)
        except MemoryError:
            return np.empty((0, 0), dtype)

    def finish(self) -> None:
        """Start the runs that are left, and wait for all.

        Raises:
            ImageError: a run failed; the message names its images.
        """
        for group in self._groups.values():
            if group.indices:
                self._start(group)
        for run, wait in self._started:
            for index, result in zip(run.indices, wait(), strict=True):
                self.results[index] = result

    def results_of(self, name: str) -> list[Array]:
        """Return each image's result of one output."""
        return [result[name] for result in self.results]

    def joined(self, outputs: Sequence[Output], counts: Sequence[int], tensors: bool) -> dict[str, Any]:
        """Join the results of all images, as `reference.join` does, but without copies where possible.

        Args:
            outputs: the outputs.
            counts: how many images each sample has.
            tensors: whether an array may take the place of a list of arrays of one shape.
        """
        found: dict[str, Any] = {}
        for output in outputs:
            whole = self._joined_in_buffer(output, counts)
            if whole is None:
                found |= reference.join([output], self.results, counts)
            elif tensors or output.join.as_array("images" if output.sample is None else "samples"):
                found[output.name] = whole
            else:
                found[output.name] = list(whole)
        return found

    def _joined_in_buffer(self, output: Output, counts: Sequence[int]) -> Array | None:
        """Return the array that an output of all images was written to, in the result's shape; None if there is none."""
        buffer = self._buffers.get(output.name)
        if buffer is None or buffer.filled < len(self.results):
            return None
        if not output.join.has_image_axis:
            return buffer.array.reshape(-1, *buffer.array.shape[2:])
        if output.sample is None:
            return buffer.array
        if len(set(counts)) > 1:
            return None
        return buffer.array.reshape(len(counts), -1, *buffer.array.shape[1:])


def _one_by_one(program: Program) -> bool:
    """Tell whether images must run one by one, because a run cannot separate their results."""
    return not all(output.image_join.has_image_axis for output in program.outputs)


def _arranged(program: Program, inputs: Mapping[str, Array]) -> Arrangement:
    """Arrange the runs of a program on images with one image's inputs' shapes.

    Raises:
        ImageError: inputs that must have one size differ.
        ProgramError: the inputs' sizes do not meet a precondition.
    """
    sizes = reference.sizes_from(program, inputs)
    program.check(sizes)
    if program.data_dependent_sizes:
        return Arrangement(program, 1, {})
    memo: dict[num.Sym, Any] = {}
    buffers = {}
    for output in program.outputs:
        delivery, type = output.delivery, program.value(output.value).type
        in_sample = output.sample is None or (output.sample.has_image_axis and output.join.has_image_axis)
        as_tensor = delivery.kind == "tensor" and not delivery.omit_if_empty
        if output.image_join.contiguous and in_sample and type.shape and as_tensor:
            shape = tuple(int(num.evaluate(length, sizes, memo)) for length in type.shape)
            buffers[output.name] = shape, DTYPES[type.dtype]
    together = MOST_BYTES // sum(array.nbytes for array in inputs.values())
    return Arrangement(program, 1 if _one_by_one(program) else max(1, min(MOST_IMAGES, together)), buffers)


def _run(run: _Group, session: Session, out: Mapping[str, Array], label: str) -> list[Mapping[str, Array]]:
    """Run a group of images; return the outputs of each."""
    program = run.arrangement.program
    inputs = {program.graph_input_name(name): _stacked([one[name] for one in run.inputs]) for name in run.inputs[0]}
    run.inputs = []  # lets go of files that were read for this run alone
    with about(label):
        outputs = session.run(inputs, out)
    return [
        {o.name: reference.of_image(o, outputs[o.name], position) for o in program.outputs}
        for position in range(len(run.indices))
    ]


def _stacked(arrays: Sequence[Array]) -> Array:
    """Stack arrays of one shape, without a copy if they follow one another in memory, as images of a 4-D array do."""
    first = arrays[0]
    if len(arrays) == 1:
        return first[None]
    starts = [array.__array_interface__["data"][0] for array in arrays]
    behind = range(starts[0], starts[0] + len(arrays) * first.nbytes, first.nbytes)
    if starts == list(behind) and all(array.flags.c_contiguous and array.dtype == first.dtype for array in arrays):
        shape, strides = (len(arrays), *first.shape), (first.nbytes, *first.strides)
        return np.lib.stride_tricks.as_strided(first, shape, strides, writeable=False)
    return np.stack(arrays)
