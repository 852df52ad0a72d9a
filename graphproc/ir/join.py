"""The base of every join: how one output's results of several images become one.

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

Array = np.ndarray[Any, Any]
Role = Literal["images", "images of a sample", "samples"]
"""What a join brings together.

A program joins images. Where several images make a sample, it joins the images of each sample, and
then the samples.
"""

_JOINS: dict[str, type[Join]] = {}
_RULES = ("check", "numpy", "batch", "loop", "shape", "split")
_HEADINGS = ("Shapes:", "Dtypes:", "Example:")
T = TypeVar("T", bound="type[Join]")


@dataclass(frozen=True)
class Looped:
    """What a graph that runs image by image has of one output, once all images were run.

    Attributes:
        name: the output's name.
        type: the type of one image's result.
        values: the results, in a sequence where the join is `collected`, else stacked.
        count: the number of images, an int64 scalar.
        largest: of a join that `pads`, the largest length of each axis, int64 [rank].
    """

    name: str
    type: TensorType
    values: Value
    count: Value
    largest: Value | None = None


class Join(Registered):
    """How the results of several images become one output.

    Subclasses are frozen dataclasses registered with `@join(name)`.
    """

    has_image_axis: ClassVar[bool] = False
    """Whether the result has a first axis for the images; `numpy` then gives a list of arrays."""
    collected: ClassVar[bool] = True
    """Whether a loop over images collects their results in a sequence, or else stacks them.

    A sequence holds results of different shapes.
    """

    check: ClassVar[Callable[..., None]]
    """`check(self, type, role)`: raise ShapeError for a type or a role that the join cannot have."""
    numpy: ClassVar[Callable[..., list[Array] | Array]]
    """`numpy(self, arrays)`: what the join means. `arrays` are the results of at least one image."""
    batch: ClassVar[Callable[..., Any]]
    """`batch(self, g, x, type, count)`: emit the join of results that have a batch axis in front.

    `type` is that of one image's result, `count` the number of images, int64 [1].
    """
    loop: ClassVar[Callable[..., Any]]
    """`loop(self, g, found)`: emit the join of results that a loop over the images left, a `Looped`."""
    shape: ClassVar[Callable[..., list[int | str]]]
    """`shape(self, sizes, names, batch)`: the declared shape of the graph's output.

    `sizes` are the lengths of one image's result, numbers or names; `names` is a name for each
    axis; `batch` is the number of images, which is 1 in a graph of one image.
    """
    split: ClassVar[Callable[..., Array]]
    """`split(self, array, position)`: one image's result, from what a graph gave.

    A join without an axis for the images gets what a graph gave for that image alone.
    """

    @property
    def pads(self) -> bool:
        """Whether results are padded to the largest of all images."""
        return False

    @property
    def contiguous(self) -> bool:
        """Whether results of one shape, one behind the other in memory, are the joined result."""
        return self.has_image_axis

    def as_array(self, role: Role) -> bool:
        """Whether the numpy rules give one array, not a list."""
        return not self.has_image_axis

    def numpy_samples(self, samples: Sequence[Array]) -> list[Array] | Array:
        """Join samples, which may have different numbers of images."""
        return self.numpy(samples)

    def empty_shape(self, shape: Sequence[int]) -> list[int]:
        """The shape of a sample without images, given that of a sample: no element."""
        return [0] * len(shape)

    def image(self, g: Builder, x: Value) -> Value:
        """Emit the join of one image's result alone."""
        return with_axis(g, x) if self.has_image_axis else x

    def start(self, g: Builder) -> Value | None:
        """Emit what a loop carries from image to image for `one`, as before the first; or None."""
        return None

    def one(self, g: Builder, x: Value, index: Value, carried: Value | None) -> tuple[Value, Value | None]:
        """Emit what is done with one image's result inside a loop.

        Args:
            g: the graph under construction.
            x: the result.
            index: the number of the image, an int64 scalar.
            carried: what `start`, or `one` of the image before, gave.
        """
        return x, carried

    def refuse(self, expected: str, type: TensorType, role: Role) -> ShapeError:
        """The error for a type or a role that the join is not made for."""
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
    """Every registered join class by its name in the IR's text."""
    return dict(_JOINS)
