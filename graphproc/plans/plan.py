"""Say what a program makes of images of known sizes, without their pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from graphproc.errors import ConfigError, ImageError, ProgramError
from graphproc.ir.program import Program
from graphproc.plans.facts import Facts, facts
from graphproc.sizes.generated import generated

Number = int | float | None
"""A number of a plan; None where pixels decide it."""


class OutputPlan(NamedTuple):
    """Describe an output as a call returns it.

    Attributes:
        shape: its shape. An element is None where pixels decide it, and in lists of several images
            where the images' own lengths differ.
        dtype: numpy's name of its element type.
        listed: whether it is a list of numbers or of the images' arrays, not one array.
    """

    shape: tuple[int | None, ...]
    dtype: str
    listed: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as data for JSON; `listed` where it is true."""
        return {"shape": list(self.shape), "dtype": self.dtype, **({"listed": True} if self.listed else {})}


@dataclass(frozen=True)
class Plan:
    """Describe what a call makes of one image of a known size.

    Attributes:
        processor: the class.
        sizes: the sizes that the program reads, by name: `height`, `width` and those of extra
            inputs.
        outputs: each output's shape and element type, as a call of this image alone returns them
            with `return_tensors="np"`. Outputs of text are left out.
        results: all numbers by name (`graphproc.plans.facts.size_function` says which), the same
            that `graphproc plan --emit` writes as source; None where pixels decide.
        unknown: why a result is not known, by its name.
        may_refuse: why a call may refuse the image after all, where pixels decide it.
        shapes: the shape of each output's part of this image, before results are joined.
        merge_size: how many patches along a side make one token, by the class's settings; None for
            classes without such a setting.
    """

    processor: str
    sizes: Mapping[str, int]
    outputs: Mapping[str, OutputPlan]
    results: Mapping[str, Any]
    unknown: Mapping[str, str] = field(default_factory=dict)
    may_refuse: tuple[str, ...] = ()
    shapes: Mapping[str, tuple[int | None, ...]] = field(default_factory=dict)
    merge_size: int | None = None

    @property
    def resized(self) -> tuple[int, int] | None:
        """Return the height and width of the first resize; None without one, or where pixels decide."""
        found: tuple[int, int] | None = self.results.get("resized")
        return found

    @property
    def resizes(self) -> tuple[tuple[int, int], ...]:
        """Return the height and width of each resize of the image, in order."""
        return self._every("resized")

    @property
    def crops(self) -> tuple[tuple[int, int, int, int], ...]:
        """Return top, left, height and width of each crop, in pixels of what is cropped; tiles are not among them."""
        return self._every("crop")

    @property
    def num_tiles(self) -> int | None:
        """Return how many tiles the image becomes; None in a class without tiles."""
        found: int | None = self.results.get("num_tiles")
        return found

    @property
    def num_patches(self) -> int | None:
        """Return how many patches the image has, without padding; None in a class without patches.

        A class's own output of this name has precedence.
        """
        found: int | None = self.results.get("num_patches")
        return found

    @property
    def grid_thw(self) -> tuple[int, int, int] | None:
        """Return frames (1), rows and columns of the patches; None where there is no such grid."""
        found: tuple[int, int, int] | None = self.results.get("grid_thw")
        return found

    def tokens(self, merge_size: int | None = None) -> int:
        """Return how many tokens the patches become: `num_patches // merge_size**2`.

        Args:
            merge_size: how many patches along a side make one token; None for the class's setting.

        Raises:
            ConfigError: the class has no patches, or no such setting and none is given.
        """
        side = self.merge_size if merge_size is None else merge_size
        if self.num_patches is None:
            raise ConfigError(f"tokens: {self.processor} with these settings cuts no patches. Ask its model's configuration.")
        if side is None:
            raise ConfigError(f"tokens: {self.processor} has no setting for merge_size. Give the model's: tokens(2).")
        if isinstance(side, bool) or not isinstance(side, int) or side < 1:
            raise ConfigError(f"merge_size: expected a whole number from 1, got {side!r}")
        return self.num_patches // side**2

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as data for JSON."""
        results = {name: list(one) if isinstance(one, tuple) else one for name, one in self.results.items()}
        outputs = {name: one.to_dict() for name, one in self.outputs.items()}
        found: dict[str, Any] = {"processor": self.processor, "sizes": dict(self.sizes), "outputs": outputs, "results": results}
        if self.merge_size is not None and self.num_patches is not None:
            found["tokens"] = self.tokens()
        found |= {"unknown": dict(self.unknown)} if self.unknown else {}
        return found | ({"may_refuse": list(self.may_refuse)} if self.may_refuse else {})

    def _every(self, name: str) -> tuple[Any, ...]:
        every = (one for key, one in self.results.items() if key == name or key.startswith(f"{name}_"))
        return tuple(one for one in every if isinstance(one, tuple) and None not in one)


@dataclass(frozen=True)
class CallPlan:
    """Describe what a call makes of several images.

    It is a sequence of the images' plans.

    Attributes:
        images: the plan of each image, in order.
        outputs: the outputs of the call, as for `Plan`.
        may_refuse: why the call may refuse the images together after all; what is said of single
            images is in their plans.
    """

    images: tuple[Plan, ...]
    outputs: Mapping[str, OutputPlan]
    may_refuse: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Plan]:
        return iter(self.images)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Plan:
        return self.images[index]

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as data for JSON."""
        outputs = {name: one.to_dict() for name, one in self.outputs.items()}
        found = {"outputs": outputs, "images": [plan.to_dict() for plan in self.images]}
        return found | ({"may_refuse": list(self.may_refuse)} if self.may_refuse else {})


class Planner:
    """Makes plans by one program.

    Attributes:
        facts: what sizes decide of the program's results.
    """

    def __init__(self, program: Program) -> None:
        """Read the program."""
        self.facts: Facts = facts(program)
        known = self.facts.known
        conditions = [one.holds for one in program.preconditions if known(one.holds)]
        self._may_refuse = tuple(one.message for one in program.preconditions if not known(one.holds))
        self._names = tuple(self.facts.results)
        self._outputs = tuple(
            (o.output.name, f"{o.output.name}_shape", o.result_dtype, o.output.delivery.kind != "tensor")
            for o in self.facts.outputs
        )
        self._omitted = frozenset(o.output.name for o in self.facts.outputs if o.output.delivery.omit_if_empty)
        shapes = [one.shape for one in self.facts.outputs]
        results = [*self.facts.results.values(), *shapes]
        self._compute = generated(self.facts.arguments, conditions, [_each(one, known) for one in results])
        from_pixels = {name: sorted(self.facts.from_pixels(one)) for name, one in self.facts.results.items()}
        self._unknown = {name: f"the image's pixels decide {', '.join(sizes)}" for name, sizes in from_pixels.items() if sizes}

    def plan(self, sizes: Mapping[str, int], merge_size: int | None = None) -> Plan:
        """Return the plan of one image.

        Args:
            sizes: the program's sizes, by name.
            merge_size: as for `Plan`.

        Raises:
            ImageError: a precondition does not hold for these sizes.
        """
        computed = self._compute(*[sizes[name] for name in self.facts.arguments])
        if computed is None:
            try:
                self.facts.program.check(sizes)
            except ProgramError as error:
                raise ImageError(str(error)) from error
            raise AssertionError("the function of sizes and the program disagree about a precondition")
        results = dict(zip(self._names, computed, strict=False))
        outputs = {name: OutputPlan(results[shape], dtype, listed) for name, shape, dtype, listed in self._outputs}
        for name in self._omitted:
            if 0 in outputs[name].shape:
                del outputs[name]
        shapes = dict(zip((name for name, *_ in self._outputs), computed[len(self._names) :], strict=True))
        return Plan(self.facts.program.name, sizes, outputs, results, self._unknown, self._may_refuse, shapes, merge_size)


def _each(result: Any, known: Callable[[Any], bool]) -> Any:
    """Return a result with None in place of numbers that pixels decide."""
    if isinstance(result, tuple):
        return tuple(one if known(one) else None for one in result)
    return result if known(result) else None
