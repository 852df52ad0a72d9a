"""Define the base of every join, which makes one output of the results of several images.

A join is a frozen dataclass in a file of its own in `joins/`. Its rules stand side by side, as an
op's do: what it refuses, what it means in numpy, and how graphs compute the same, with a batch axis
and image by image. A class that lacks a rule is refused when it is defined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeVar

import numpy as np

from graphproc.errors import ShapeError
from graphproc.ir.builder_protocol import Builder, Value
from graphproc.ir.registry import Registered, registering
from graphproc.ir.types import TensorType
from graphproc.sizes.num import Num

Array = np.ndarray[Any, Any]
Shape = tuple[Num, ...]
Role = Literal["images", "images of a sample", "samples"]
"""What a join joins.

A program joins images. Where several images make a sample, it joins the images of each sample, and
then the samples.
"""

_JOINS: dict[str, type[Join]] = {}
_RULES = ("check", "numpy", "numpy_shape", "batch", "loop", "shape", "split")
_HEADINGS = ("Shapes:", "Dtypes:", "Example:")
T = TypeVar("T", bound="type[Join]")


@dataclass(frozen=True)
class Looped:
    """Hold what a loop over the images has made of one output, after the last image.

    Attributes:
        name: the output's name.
        type: the type of one image's result.
        values: the results, in a sequence if the join is `collected`, else stacked.
        count: the number of images, an int64 scalar.
        largest: the largest length of each axis, int64 [rank]; None unless the join `pads`.
    """

    name: str
    type: TensorType
    values: Value
    count: Value
    largest: Value | None = None


class Join(Registered):
    """Define how the results of several images become one output.

    Subclasses are frozen dataclasses registered with `@join(name)`.
    """

    has_image_axis: ClassVar[bool] = False
    """Whether the result has a first axis for the images; `numpy` then gives a list of arrays."""
    collected: ClassVar[bool] = True
    """Whether a loop over images collects their results in a sequence; else it stacks them.

    A sequence can hold results of different shapes.
    """

    check: ClassVar[Callable[..., None]]
    """`check(self, type, role)`: raise ShapeError for a type or a role that the join does not take."""
    numpy: ClassVar[Callable[..., list[Array] | Array]]
    """`numpy(self, arrays)`: compute what the join means.

    `arrays` holds the results of at least one image.
    """
    numpy_shape: ClassVar[Callable[..., list[Shape] | Shape]]
    """`numpy_shape(self, shapes)`: return the shapes that `numpy` gives for results of these shapes.

    Lengths may be expressions if there is only one result.
    """
    batch: ClassVar[Callable[..., Any]]
    """`batch(self, g, x, type, count)`: emit the join of results that have a batch axis in front.

    `type` is the type of one image's result, `count` the number of images, int64 [1].
    """
    loop: ClassVar[Callable[..., Any]]
    """`loop(self, g, found)`: emit the join of the results of a loop over images, a `Looped`."""
    shape: ClassVar[Callable[..., list[int | str]]]
    """`shape(self, sizes, names, batch)`: return the declared shape of the graph's output.

    `sizes` are the lengths of one image's result, numbers or names. `names` has a name for each
    axis. `batch` is the number of images, which is 1 in a graph of one image.
    """
    split: ClassVar[Callable[..., Array]]
    """`split(self, array, position)`: return one image's result from the output of a graph.

    A join without an axis for the images gets the output of a graph that ran on that image alone.
    """

    @property
    def pads(self) -> bool:
        """Return whether results are padded to the largest of all images."""
        return False

    @property
    def contiguous(self) -> bool:
        """Return whether the joined result is the images' results one after another in memory.

        This is asked of results of one shape.
        """
        return self.has_image_axis

    def as_array(self, role: Role) -> bool:
        """Return whether the numpy rules give one array instead of a list."""
        return not self.has_image_axis

    def numpy_samples(self, samples: Sequence[Array]) -> list[Array] | Array:
        """Join samples, which may have different numbers of images."""
        return self.numpy(samples)

    def numpy_samples_shape(self, shapes: Sequence[Shape]) -> list[Shape] | Shape:
        """Return the shapes that `numpy_samples` gives for samples of these shapes."""
        found: list[Shape] | Shape = self.numpy_shape(shapes)
        return found

    def samples_dtype(self, dtype: np.dtype[Any], shapes: Sequence[Shape]) -> np.dtype[Any]:
        """Return the element type of joined samples of a type, which have these shapes."""
        return dtype

    def empty_shape(self, shape: Sequence[int]) -> list[int]:
        """Return the shape of a sample without images, which has no element.

        `shape` is the shape of another sample.
        """
        return [0] * len(shape)

    def image(self, g: Builder, x: Value) -> Value:
        """Emit the join of one image's result alone."""
        return with_axis(g, x) if self.has_image_axis else x

    def start(self, g: Builder) -> Value | None:
        """Emit the value that a loop passes to `one` for the first image, or return None.

        The loop carries this value from image to image.
        """
        return None

    def one(self, g: Builder, x: Value, index: Value, carried: Value | None) -> tuple[Value, Value | None]:
        """Emit what is done with one image's result inside a loop.

        Args:
            g: the graph under construction.
            x: the result.
            index: the number of the image, an int64 scalar.
            carried: the value from `start`, or from `one` for the image before.

        Returns:
            The value to collect or stack, and the value to carry to the next image.
        """
        return x, carried

    def refuse(self, expected: str, type: TensorType, role: Role) -> ShapeError:
        """Return the error for a type or a role that the join does not take."""
        return ShapeError(f"{self.name}: expected {expected}, got {type} of {role}")


def with_axis(g: Builder, x: Value) -> Value:
    """Emit an axis of one element in front."""
    return g.hoist(x, lambda part, width: g.Unsqueeze(part, g.vector(0)))


def join(name: str) -> Callable[[T], T]:
    """Register a join class under its name in the IR's text.

    Raises:
        ProgramError: the name is taken, a rule is missing, or the docstring lacks a required heading.
    """
    return registering("join", name, _JOINS, _RULES, _HEADINGS)  # type: ignore[return-value]


def registered_joins() -> dict[str, type[Join]]:
    """Return every registered join class, by its name in the IR's text."""
    return dict(_JOINS)
