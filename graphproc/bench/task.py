"""Define tasks and contestants, and compare results with the numpy reference's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from graphproc.errors import ConfigError, ProgramError
from graphproc.executors import reference
from graphproc.numerics.filters import NEAREST
from graphproc.ops import Resample, Resize
from graphproc.wrappers.examples import example_inputs

if TYPE_CHECKING:
    from graphproc.wrappers.processor import BaseImageProcessor

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """Count how outputs differ from the numpy reference's.

    Attributes:
        differing: how many elements differ. All elements do if the output is missing or has another
            shape or dtype.
        elements: how many elements the numpy reference has.
        max_difference: the largest absolute difference; None for a missing output, another shape or
            dtype.
    """

    differing: int
    elements: int
    max_difference: float | None

    def __str__(self) -> str:
        if not self.differing:
            return "yes"
        by = "another shape or dtype" if self.max_difference is None else f"by up to {self.max_difference:.2g}"
        return f"no: {self.differing} of {self.elements} elements ({100 * self.differing / self.elements:.3g} %), {by}"


@dataclass(frozen=True)
class Contestant:
    """Describe one way to do a task, which is timed.

    Attributes:
        name: its name in tables.
        call: does the task once.
        threads: how many threads it has, or None if it always has one.
        batch: how many images a run preprocesses.
        compare: returns how the result of `call` differs from the numpy reference; None if there is
            nothing to compare.
        around: makes the context that each run is in; entering and leaving it are not timed.
        timed: does the task once and returns how many seconds that took, by the clock that it gets;
            None if `call` is timed from outside.
        note: what is special about it, in a few words.
        warm_up: how many runs it takes until all further runs are alike.
    """

    name: str
    call: Callable[[], Any]
    threads: int | None = None
    batch: int = 1
    compare: Callable[[Any], Difference] | None = None
    around: Callable[[], AbstractContextManager[object]] = nullcontext
    timed: Callable[[Callable[[], float]], float] | None = None
    note: str = ""
    warm_up: int = 1


@dataclass(frozen=True)
class Task:
    """Describe what all contestants do: preprocess copies of an image with one processor.

    Attributes:
        processor: the processor, with its settings.
        image: uint8 [height, width, 3].
        batch: how many copies of the image a run preprocesses.
    """

    processor: BaseImageProcessor
    image: Array
    batch: int = 1

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ConfigError(f"batch: expected at least 1 image, got {self.batch}")
        if self.processor.spec.samples.images > 1 and self.batch > 1:
            name, count = self.processor.spec.name, self.processor.spec.samples.images
            raise ConfigError(f"batch: {name} takes samples of {count} images, which are one run. Leave it at 1.")

    @property
    def count(self) -> int:
        """Return how many images a run gets: the batch, or one sample."""
        return self.batch * max(1, self.processor.spec.samples.images)

    def of(self, backend: str) -> Task | None:
        """Return the same task in a backend; None if class or settings rule it out."""
        if self.processor.backend == backend:
            return self
        try:
            other = Task(type(self.processor).from_dict(self.processor.to_dict(), backend=backend), self.image, self.batch)
            other.processor.compile()
        except ConfigError:
            return None
        return other

    @cached_property
    def program(self) -> Any:
        """Return the program for one image of any size."""
        return self.processor.compile()

    @cached_property
    def inputs(self) -> dict[str, Array]:
        """Return the program's inputs for one image; extra inputs are made up."""
        return example_inputs(self.program, self.image)

    @cached_property
    def feeds(self) -> dict[str, Array]:
        """Return the graph's inputs: those of all images, stacked."""
        return {self.program.graph_input_name(name): np.stack([value] * self.count) for name, value in self.inputs.items()}

    @cached_property
    def keywords(self) -> dict[str, Any]:
        """Return the extra inputs of a processor's call, by keyword."""
        extra_inputs = self.processor.spec.extra_inputs
        return {extra_inputs[name].keyword: [value] * self.count for name, value in self.inputs.items() if name in extra_inputs}

    @cached_property
    def expected(self) -> dict[str, Array]:
        """Return the numpy reference's outputs by name, with which all others are compared."""
        one = reference.run(self.program, self.inputs)
        return reference.batch(self.program.outputs, [one] * self.count)

    @cached_property
    def resize(self) -> Resample | None:
        """Return the first resampling of bytes at the image's size.

        It is None if there is none, or if its size depends on the pixels.
        """
        try:
            steps = self.program.bind(**self.sizes).steps
        except ProgramError:
            return None
        found = (step.op for step in steps if isinstance(step.op, Resample) and isinstance(step.op.lowered(), Resize))
        return next(found, None)

    @cached_property
    def resized(self) -> Array:
        """Return the bytes that Pillow's resize gives for `resize`, uint8 [height, width, 3]."""
        assert self.resize is not None
        op = Resample(self.resize.height, self.resize.width, self.resize.filter, self.resize.filter != NEAREST)
        return np.ascontiguousarray(op.numpy(self.image.transpose(2, 0, 1)).transpose(1, 2, 0))

    def compare_resized(self, found: Any) -> Difference:
        """Return how the bytes of a resize alone differ from Pillow's."""
        return difference({"resized": self.resized}, {"resized": found})

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Return the image's sizes by the program's symbols."""
        return reference.sizes_from(self.program, self.inputs)

    def repeated(self, image: Any) -> list[Any]:
        """Return copies of an image as the argument of a processor's call."""
        return [image] * self.count

    def compare(self, result: Any) -> Difference:
        """Return how the outputs of a graph or a call differ from the numpy reference's."""
        found = result if isinstance(result, Mapping) else {self.program.outputs[0].name: result}
        return difference(self.expected, found)


def difference(expected: Mapping[str, Any], found: Mapping[str, Any]) -> Difference:
    """Compare outputs by name, element by element; NaN equals NaN.

    Args:
        expected: the numpy reference's outputs. An output without elements may be missing, as
            optional ones are in a call's result.
        found: a contestant's outputs; those that are not expected (texts) are ignored.
    """
    differing, elements, comparable = 0, 0, True
    largest = 0.0
    for name, value in expected.items():
        want = np.asarray(value)
        elements += want.size
        have = np.asarray(found[name]) if name in found else None
        if have is None or (want.shape, want.dtype) != (have.shape, have.dtype):
            differing += want.size
            comparable = comparable and not want.size
            continue
        wrong = ~((want == have) | ((want != want) & (have != have)))
        differing += int(wrong.sum())
        gap = np.abs(want[wrong].astype(np.float64) - have[wrong].astype(np.float64))
        largest = max(largest, float(np.nan_to_num(gap, nan=np.inf).max(initial=0.0)))
    return Difference(differing, elements, largest if comparable else None)


Maker = Callable[[Task, Sequence[int]], Iterator[Contestant]]
"""Makes the contestants of one kind for a task; those with threads, one for each number of threads.

Raises:
    LeftOutError: this task, or this machine, has none.
"""


class LeftOutError(Exception):
    """Say why a contestant cannot take part."""


def installed(module: str) -> Any:
    """Import an optional library.

    Raises:
        LeftOutError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = (error.name or module).partition(".")[0].replace("_", "-")
        raise LeftOutError(f"{package} is not installed (pip install {package})") from None


def compared_with(task: Task) -> str:
    """Return the note of contestants that are compared with the numpy reference of another backend, the one of `task`."""
    return f"compared with the backend {task.processor.backend}"
