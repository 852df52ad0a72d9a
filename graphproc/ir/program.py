"""Define programs: what happens to one image, in order.

A program also says how the results of several images join into a batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graphproc.errors import ProgramError
from graphproc.ir.backends import PIL
from graphproc.ir.delivery import TENSOR, Delivery
from graphproc.ir.join import Join, Role
from graphproc.ir.op import Op
from graphproc.ir.types import TensorType
from graphproc.ir.value import Value as Value
from graphproc.ir.verify import verify
from graphproc.joins.stack import STACK
from graphproc.sizes import num
from graphproc.sizes.num import Bool, Num


@dataclass(frozen=True, slots=True)
class ValueInfo:
    """Name the type of a program's input or of a step's result.

    Each name is assigned once.
    """

    name: str
    type: TensorType


@dataclass(frozen=True, slots=True)
class Input(ValueInfo):
    """Describe a value that the caller gives.

    Attributes:
        size_names: names for the elements of an int64 array, row by row. Sizes may depend on them:
            for example, the height and width that results should have.
    """

    size_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """Describe one step: `output = op(*inputs)`.

    An op without inputs computes from sizes alone (masks, grids, original sizes).

    Attributes:
        op: what is computed.
        inputs: the operands' names.
        output: the result.
        size_names: names for the elements of an int64 result. Later sizes may depend on them: for
            example, a box found in the pixels.
    """

    op: Op
    inputs: tuple[str, ...]
    output: ValueInfo
    size_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """Describe a named result of the program.

    Attributes:
        name: the key in the BatchFeature and the name of the graph output.
        value: the name of the value that is returned.
        join: how the values of several images join. If `sample` is given: how the samples join.
        sample: how the values of one sample's images join; None if images are not grouped in
            samples.
        delivery: how a call hands the output over.
    """

    name: str
    value: str
    join: Join = STACK
    sample: Join | None = None
    delivery: Delivery = TENSOR

    @property
    def image_join(self) -> Join:
        """Return how the values of images in one run of a graph join.

        These images are one sample, or a batch.
        """
        return self.join if self.sample is None else self.sample

    @property
    def joins(self) -> tuple[tuple[Role, Join], ...]:
        """Return the joins in order, each with what it joins."""
        if self.sample is None:
            return (("images", self.join),)
        return ("images of a sample", self.sample), ("samples", self.join)


@dataclass(frozen=True, slots=True)
class Precondition:
    """State a fact about the image's size that the program relies on.

    Where it does not hold, Python callers get `message`.
    """

    holds: Bool
    message: str


@dataclass(frozen=True, slots=True)
class Parity:
    """State what the program's results are equal to, and where.

    Attributes:
        compared_with: the other implementation and its versions.
        bound: the largest absolute difference; 0 is bit-exact.
        cause: why a bound is not 0.
        where: on which processors and threads of the other implementation this holds; empty for
            all.
        elsewhere: the largest difference on others, in units of the range of results from a black
            image to a white one.
        by_side: how much `elsewhere` grows with each pixel of the longest side of an image that is
            resized.
        why: why results differ on others.
    """

    compared_with: str
    bound: float = 0.0
    cause: str = ""
    where: str = ""
    elsewhere: float = 0.0
    by_side: float = 0.0
    why: str = ""

    def __str__(self) -> str:
        other = self.compared_with
        text = f"within {self.bound:g} of {other} ({self.cause})" if self.bound else f"bit-exact to {other}"
        if not self.where:
            return text
        more = f" and {self.by_side:.2g} for each pixel of the longest side" if self.by_side else ""
        return f"{text} where {self.where}; elsewhere within {self.elsewhere:.2g}{more}, times the range of results ({self.why})"


OWN_PARITY = Parity("the program's own numpy reference")
"""The parity of a program that follows no other implementation."""


@dataclass(frozen=True, slots=True)
class Program:
    """Hold a verified sequence of steps over the values of one image.

    Attributes:
        name: the processor class.
        inputs: named inputs; their symbolic sizes are the program's symbols.
        steps: in execution order.
        outputs: in the order of the BatchFeature's keys.
        parity: what the results are equal to.
        preconditions: facts about sizes that must hold.
        inputs_batched: whether the inputs of several images come as one tensor with a first axis
            for the images, whatever sizes the images had. A model's outputs come so.
    """

    name: str
    inputs: tuple[Input, ...]
    steps: tuple[Step, ...]
    outputs: tuple[Output, ...]
    parity: Parity
    preconditions: tuple[Precondition, ...] = ()
    inputs_batched: bool = False

    def value(self, name: str) -> ValueInfo:
        """Return the input or result of that name.

        Raises:
            ProgramError: no value has the name.
        """
        for value in (*self.inputs, *(step.output for step in self.steps)):
            if value.name == name:
                return value
        raise ProgramError(f"program {self.name}: no value is named {name!r}")

    @property
    def symbols(self) -> list[str]:
        """Return the names of unknown sizes, sorted.

        These are the inputs' unknown sides, and sizes that are inputs themselves.
        """
        sides = {name for v in self.inputs for s in v.type.shape for name in num.symbols(s)}
        return sorted(sides.union(*(v.size_names for v in self.inputs)))

    def graph_input_name(self, name: str, plural: bool = True) -> str:
        """Return the name of the graph's input that holds one of the program's inputs.

        An input with the name of an output gets the prefix `input_`.

        Args:
            name: the program's name for the input, e.g. `image`.
            plural: whether the graph takes several images. The name is then a plural, `images`. An
                input of a program with `inputs_batched` keeps its name, unless it holds sizes,
                which each image has for itself.
        """
        if plural and (not self.inputs_batched or any(v.size_names for v in self.inputs if v.name == name)):
            name = f"{name}es" if name.endswith(("s", "x")) else f"{name}s"
        return f"input_{name}" if name in {output.name for output in self.outputs} else name

    @property
    def data_dependent_sizes(self) -> frozenset[str]:
        """Return the names of sizes that are known only when steps have run: they depend on pixels.

        If there are any, the program of one image cannot run on a batch.
        """
        return frozenset(name for step in self.steps for name in step.size_names)

    @property
    def nested(self) -> bool:
        """Return whether several images make one sample."""
        return any(output.sample is not None for output in self.outputs)

    @property
    def separable(self) -> bool:
        """Return whether a batch of equal sizes gives its images' own results, one after another."""
        return not (self.data_dependent_sizes or self.nested) and all(output.join.contiguous for output in self.outputs)

    def check(self, values: Mapping[str, int], memo: dict[num.Sym, Any] | None = None) -> None:
        """Check the preconditions that can be evaluated with the known sizes.

        Raises:
            ProgramError: a size is missing or a precondition does not hold.
        """
        wanted = self.symbols
        if missing := sorted(set(wanted) - set(values)):
            raise ProgramError(f"program {self.name}: expected values for {', '.join(wanted)}, no {missing[0]} was given")
        for condition in self.preconditions:
            if set(num.symbols(condition.holds)) <= set(values) and not num.evaluate(condition.holds, values, memo):
                shown = {name: value for name, value in values.items() if name in wanted}
                raise ProgramError(f"{self.name}: {condition.message} (image sizes: {shown})")

    def bind(self, **values: int) -> Program:
        """Return the program for known sizes: `program.bind(height=480, width=640)`.

        Raises:
            ProgramError: a size is missing, a precondition does not hold, or sizes depend on
                pixels.
        """
        if self.data_dependent_sizes:
            raise ProgramError(f"program {self.name}: its sizes depend on the image's pixels, so they are not known beforehand")
        memo: dict[num.Sym, Any] = {}
        self.check(values, memo)
        return replace(
            self,
            inputs=tuple(replace(v, type=v.type.bind(values)) for v in self.inputs),
            steps=tuple(
                replace(s, op=s.op.bind(values, memo), output=ValueInfo(s.output.name, s.output.type.bind(values)))
                for s in self.steps
            ),
            preconditions=(),
        )

    def __str__(self) -> str:
        from graphproc.ir.text import program_text

        return program_text(self)


@dataclass
class ProgramBuilder:
    """Write a program front to back.

    Example:  `x = b.add(Resize(...), x)`, `x = x / 255`, `b.output("pixel_values", x)`.

    Attributes:
        image: the image, channels first, before any stage.
        extra_inputs: the optional inputs that the program was asked to have, by name.
        in_multi_image_sample: whether the image is one of several in its sample. Some classes
            process those in another way (`Samples.counts`).
        backend: which backend's arithmetic the stages take, `pil` or `torchvision`.
        inputs_batched: whether inputs have an axis for the images in front
            (`Program.inputs_batched`).
    """

    name: str
    parity: Parity = OWN_PARITY
    inputs_batched: bool = False
    in_multi_image_sample: bool = False
    backend: str = PIL
    image: Value = None  # type: ignore[assignment]  # set before the first stage
    extra_inputs: dict[str, Value] = field(default_factory=dict)
    inputs: list[Input] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    preconditions: list[Precondition] = field(default_factory=list)

    def input(self, name: str, type: TensorType | str, size_names: tuple[str, ...] = ()) -> Value:
        """Declare an input.

        Args:
            name: its name.
            type: its type, or the text of one: `"u8[height, width, 3] HWC"`.
            size_names: names of sizes, one for each of its elements.
        """
        from graphproc.ir.parse import parse_type

        found = parse_type(type) if isinstance(type, str) else type
        self.inputs.append(Input(name, found, size_names))
        return Value(self, name, found)

    def add(self, op: Op, *inputs: Value) -> Value:
        """Append a step and return its result.

        The result is named after the op, with a number if the program has that op already.

        Raises:
            ProgramError: an operand is part of another program.
            ShapeError: the op does not take operands of these types.
        """
        self._require_own(op.name, *inputs)
        count = sum(step.op.name == op.name for step in self.steps)
        name = f"{op.name}_{count + 1}" if count else op.name
        type = op.infer(*(v.type for v in inputs))
        self.steps.append(Step(op, tuple(v.name for v in inputs), ValueInfo(name, type)))
        return Value(self, name, type)

    def _require_own(self, what: str, *values: Value) -> None:
        """Refuse values of another builder, which may have the same names as values of this one."""
        for value in values:
            if value.builder is not self:
                raise ProgramError(
                    f"program {self.name}: {what} reads {value.name!r} of another builder ({value.builder.name}). Use values of "
                    "one builder, and declare what comes from elsewhere as an input."
                )

    def name_sizes(self, value: Value, **names: int) -> tuple[Num, ...]:
        """Name the elements of an int64 vector as sizes, and return these sizes.

        Example:  `(count,) = b.name_sizes(kept.sum(keepdims=True), count=0)`.

        Args:
            value: the vector, which must be the result of a step.
            **names: a name for each element, with the least number that it can be.

        Raises:
            ProgramError: the value is an input, or part of another program.
        """
        self._require_own("name_sizes", value)
        index = next((i for i, step in enumerate(self.steps) if step.output.name == value.name), None)
        if index is None:
            raise ProgramError(
                f"program {self.name}: name_sizes: expected the result of a step, got the input {value.name!r}. Name the "
                "sizes where the input is declared: input(..., size_names=...)."
            )
        self.steps[index] = replace(self.steps[index], size_names=tuple(names))
        return tuple(num.symbol(name, low) for name, low in names.items())

    def output(
        self, name: str, value: Value, join: Join = STACK, *, sample: Join | None = None, delivery: Delivery = TENSOR
    ) -> None:
        """Declare an output."""
        self._require_own(f"output {name}", value)
        self.outputs.append(Output(name, value.name, join, sample, delivery))

    def require(self, holds: Bool, message: str) -> None:
        """Declare a fact about sizes that the program relies on.

        A fact that always holds is dropped.
        """
        if holds is not True:
            self.preconditions.append(Precondition(holds, message))

    def finish(self, order: Sequence[str] = ()) -> Program:
        """Return the verified program.

        Args:
            order: the names of outputs in order; other outputs follow in the order of their
                declaration.
        """
        self.outputs.sort(key=lambda output: order.index(output.name) if output.name in order else len(order))
        parts = tuple(self.inputs), tuple(self.steps), tuple(self.outputs)
        return verify(Program(self.name, *parts, self.parity, tuple(self.preconditions), self.inputs_batched))


def image_input(b: ProgramBuilder, name: str = "image", prefix: str = "", dtype: str = "u8", channels: int = 3) -> Value:
    """Declare an image input `[height, width, channels]`.

    Its sides are the symbols `<prefix>height` and `<prefix>width`.
    """
    return b.input(name, TensorType(dtype, (*side_symbols(prefix), channels), "HWC"))


def side_symbols(prefix: str = "") -> tuple[Num, Num]:
    """Return the symbols of an input's height and width, in pixels."""
    return num.symbol(f"{prefix}height"), num.symbol(f"{prefix}width")
