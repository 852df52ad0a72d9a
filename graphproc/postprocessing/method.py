"""What a `post_process_*` method is to the compiler: the model's outputs it reads, its options, and the steps."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.errors import ConfigError
from graphproc.ir.join import Join
from graphproc.ir.program import Parity, Program, ProgramBuilder, Value
from graphproc.ir.types import TensorType
from graphproc.ops import Cast, Combine, Compact, Reduce, Take
from graphproc.sizes import num
from graphproc.sizes.num import Num

TRANSFORMERS = "transformers 5.23"
REQUIRED: Any = inspect.Parameter.empty
"""Stands for the default of a keyword that has none."""
SMOOTH = Parity(TRANSFORMERS, 1e-5, "relative; exponentials, and sums whose order and fused products are the runtime's")
"""What most methods are equal to: floats differ in the last places, and whole numbers only where floats tie so closely."""


@dataclass(frozen=True)
class Field:
    """One of a model's outputs, as it is for one image.

    Attributes:
        shape: a length or the name of a free one for each axis.
        layout: a letter for each axis, or nothing.
        optional: whether models may lack it.
        dtype: its element type; wider and narrower floats are converted.
        call: whether it comes with the call, under a keyword of its name, and not from the model; it keeps its type.
        unless: the name of an optional output that is read instead where there is that one.
    """

    shape: tuple[int | str, ...]
    layout: str = ""
    optional: bool = False
    dtype: str = "f32"
    call: bool = False
    unless: str = ""

    @property
    def type(self) -> TensorType:
        """Its type in a program."""
        return TensorType(self.dtype, tuple(num.symbol(s) if isinstance(s, str) else s for s in self.shape), self.layout)


LOGITS = Field(("queries", "classes"), "QC")
BOXES = Field(("queries", 4), "QF")
MASKS = Field(("queries", "mask_height", "mask_width"), "CHW")
"""A mask of each query; queries are the channels of an image."""

Result = Callable[[Mapping[str, Any], Mapping[str, Any]], Any]
"""From the outputs of one image, cut to what counts, and the options, to what the method returns for that image.

The options that a call's functions get are those of the method, the processor's own where a `do_...` is left out, and
`backend` and `config`.
"""
Prepare = Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]
"""From what comes from the model, by name, and the options, to inputs in other forms or further ones: an item for each run."""
Collect = Callable[[list[Any], Mapping[str, Any]], Any]
"""From the results of all runs and the options to what the method returns."""


class AsIs(list[Any]):
    """A list in a result, of arrays that stay numpy's whatever came in."""


NO_PADDING: Mapping[str, float] = {}


class Steps:
    """The program of one method under construction.

    Attributes:
        b: the builder.
        config: the processor's settings.
        options: the method's options.
        sizes: heights and widths in pixels by the keyword that gives them; pairs have two, one after the other.
        ragged: whether rows that count are concatenated, image after image, instead of padded to a fixed number.
    """

    def __init__(
        self,
        b: ProgramBuilder,
        config: Config,
        options: Mapping[str, Any],
        values: Mapping[str, Value],
        sizes: Mapping[str, tuple[Num, ...]],
        ragged: bool,
    ) -> None:
        self.b, self.config, self.options, self.sizes = b, config, options, sizes
        self.ragged = ragged
        self._values = values
        self.add = b.add

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def number(self, option: str) -> float:
        """An option that is a number.

        Raises:
            ConfigError: it is something else.
        """
        value = self.options[option]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
            raise ConfigError(f"{option}: expected a number, got {value!r}")
        return value

    def count(self, option: str) -> int:
        """An option that is a whole number of at least 1.

        Raises:
            ConfigError: it is something else.
        """
        value = self.options[option]
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigError(f"{option}: expected a whole number of at least 1, got {value!r}")
        return value

    @property
    def target(self) -> tuple[Num, Num] | None:
        """The height and width that results should have, in pixels; None where they were not given."""
        height_and_width = next(iter(self.sizes.values()), None)
        return None if height_and_width is None else (height_and_width[0], height_and_width[1])

    def all_of(self, *conditions: Value) -> Value:
        """Where all conditions hold."""
        first, *rest = conditions
        for other in rest:
            first = self.add(Combine("and"), first, other)
        return first

    def output(self, name: str, value: Value, join: Join = joins.STACK) -> None:
        """Declare an output."""
        self.b.output(name, value, join)

    def rows(self, kept: Value, padding: Mapping[str, float] = NO_PADDING, count: str = "count", **values: Value) -> None:
        """Declare outputs of which only some rows count, and the number of these.

        Args:
            kept: a bool for each row.
            padding: what fills the rows behind the last, where that is not 0.
            count: the name of the number; `<output>_count` where an output has one of its own.
            **values: the outputs; the first axis is the rows.
        """
        number = self.add(Reduce("count", keep=True), kept)
        (length,) = self.b.measure(number, **{count: 0}) if self.ragged else (0,)
        for name, value in values.items():
            x = self.add(Compact(padding.get(name, 0)), value, kept)
            if self.ragged:
                x = self.add(Take(-x.type.rank, 0, length), x)
            if "H" in x.type.layout:  # a map for each row, whose size may be the image's own
                self.output(name, x, joins.Concatenate(fill=0) if self.ragged else joins.Pad())
            else:
                self.output(name, x, joins.Concatenate() if self.ragged else joins.STACK)
        self.output(count, self.add(Reduce("max"), number))


def without_nothing(steps: Steps, shares: Value) -> Value:
    """Shares of classes without the last, which stands for nothing."""
    classes = shares.type.shape[-1]
    steps.b.require(classes >= 2, "expected two classes at least, the last of which stands for nothing")
    return steps.add(Take(-1, 0, classes - 1), shares)


@dataclass(frozen=True)
class Method:
    """A post-processing method.

    Attributes:
        name: its name in transformers.
        classes: the processor classes that have it; none for every class.
        inputs: the model's outputs that it reads, by their names in transformers.
        build: appends the steps and declares the outputs.
        result: what the method returns for one image.
        options: its keywords and their defaults, in transformers' order, `target_sizes` among them where it has them.
        rows: outputs of which only `count` rows count.
        parity: what the results are equal to.
        sized: the keywords of sizes, (height, width) of each image; the first are those that results should have.
        needs_sizes: whether the method means nothing without these.
        computed: sizes among these that follow from the others and the settings where they are not given.
        pairs: whether the sizes are those of the two images of a pair, [2, 2].
        float_sizes: whether the reference makes float32 of sizes in lists, which products with narrower floats then are.
        takes: the keyword of the first argument of a method that takes its one model output by itself.
        left_to_python: options that change what Python makes of the graph's outputs, or hands over to it, not the graph.
        prepare: makes inputs of what comes in, where they are not the model's outputs one for one.
        collect: makes one result of those of all images; None for a list of them.
        resizes_all: when the reference resizes the masks of all queries, which it cannot where there is none.
        ignores_more: whether it takes further keywords, which do nothing in the reference either.
        of_no_row: options with which a row that is no numbers is left out, where the others would keep it. Without a row they
            change nothing, and programs are given such a one.
    """

    name: str
    classes: tuple[str, ...]
    inputs: Mapping[str, Field]
    build: Callable[[Steps], None]
    result: Result
    options: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[str, ...] = ()
    parity: Parity = SMOOTH
    sized: tuple[str, ...] = ("target_sizes",)
    needs_sizes: bool = False
    computed: tuple[str, ...] = ()
    pairs: bool = False
    float_sizes: bool = False
    takes: str = "outputs"
    left_to_python: tuple[str, ...] = ()
    prepare: Prepare | None = None
    collect: Collect | None = None
    resizes_all: Literal["never", "to sizes", "always"] = "never"
    ignores_more: bool = False
    of_no_row: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_masks(self) -> bool:
        """Whether there is a map for each row, of which a fixed number would be far more than there are."""
        return "masks" in self.rows

    def present(self, fields: Collection[str]) -> list[str]:
        """The names of what a program reads of models that have some of the optional outputs."""
        given = [name for name, f in self.inputs.items() if not f.optional or name in fields]
        return [name for name in given if self.inputs[name].unless not in given]

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The options of a program, the defaults where nothing is given; sizes and Python's own are none.

        Raises:
            ConfigError: an option is unknown.
        """
        if unknown := sorted(set(given) - set(self.options)):
            known = ", ".join(self.options) or "none"
            raise ConfigError(f"{self.name}: unknown option {unknown[0]!r}. Known: {known}")
        outside = {*self.sized, *self.left_to_python, *(name for name, f in self.inputs.items() if f.call)}
        return {key: _plain(given.get(key, default)) for key, default in self.options.items() if key not in outside}

    def program(
        self,
        config: Config,
        options: Mapping[str, Any],
        *,
        sized: tuple[str, ...] | None = None,
        ragged: bool = False,
        fields: tuple[str, ...] | None = None,
        backend: str = "pil",
    ) -> Program:
        """Compile the method.

        Args:
            config: the processor's settings.
            options: the method's options, as `settings` gives them.
            sized: which sizes there are, by their keywords; each is an input, int64 [2] (height, width), whose name is the
                keyword's singular. None for all that do not follow from others.
            ragged: whether rows that count are concatenated, instead of padded to a fixed number.
            fields: which of the optional model outputs there are; None for none.
            backend: whose arithmetic.

        Raises:
            ConfigError: the options do not fit.
        """
        sized = tuple(keyword for keyword in self.sized if keyword not in self.computed) if sized is None else sized
        if self.needs_sizes and not sized:
            raise ConfigError(f"{self.name}: expected {self.sized[0]}, (height, width) in pixels for each image, got none")
        if ragged and not self.rows:
            raise ConfigError(f"{self.name}: its outputs have one size whatever is found in the image. Leave ragged out.")
        b = ProgramBuilder(f"{config.processor}.{self.name}", self.parity, stacked=True, backend=backend)
        values = {name: self._read(b, name) for name in self.present(fields or ())}
        sizes = {keyword: self._size(b, keyword.removesuffix("s")) for keyword in sized}
        self.build(Steps(b, config, options, values, sizes, ragged))
        return b.finish()

    def _size(self, b: ProgramBuilder, name: str) -> tuple[Num, ...]:
        """Declare an input of sizes."""
        names = [f"{name.removesuffix('_size')}_{side}" for side in ("height", "width")]
        if self.pairs:
            names += [f"second_{side}" for side in names]
        b.input(name, TensorType("i64", (2, 2) if self.pairs else (2,)), tuple(names))
        return tuple(num.symbol(name) for name in names)

    def _read(self, b: ProgramBuilder, name: str) -> Value:
        value = b.input(name, self.inputs[name].type)
        narrows = value.type.dtype == "f64" and not self.inputs[name].call
        return b.add(Cast("f32"), value) if narrows else value


def _plain(value: Any) -> Any:
    """An option as metadata and keys have it: the elements of a set in order, arrays as lists."""
    if isinstance(value, (set, frozenset)):
        return tuple(sorted(_plain(item) for item in value))
    return value.tolist() if hasattr(value, "tolist") else value
