"""What a `post_process_*` method is to the compiler: the model's outputs it reads, its options, and the steps."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from graphproc.configs.config import Config
from graphproc.errors import ConfigError
from graphproc.ir.program import Parity, Program, ProgramBuilder, Value
from graphproc.ir.types import TensorType
from graphproc.postprocessing.builder import MethodBuilder
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
        shape: for each axis its length, or a name where any length will do.
        layout: a letter for each axis, as in `TensorType`, or nothing.
        optional: whether models may lack it.
        dtype: its element type in the program; other floats are converted.
        call: whether the caller gives it, under a keyword of its name, and not the model; it keeps its type.
        replaced_by: the name of an optional output; where the model has that one, it is read instead of this.
    """

    shape: tuple[int | str, ...]
    layout: str = ""
    optional: bool = False
    dtype: str = "f32"
    call: bool = False
    replaced_by: str = ""

    @property
    def type(self) -> TensorType:
        """Its type in a program."""
        return TensorType(self.dtype, tuple(num.symbol(s) if isinstance(s, str) else s for s in self.shape), self.layout)


LOGITS = Field(("queries", "classes"), "QC")
BOXES = Field(("queries", 4), "QF")
MASKS = Field(("queries", "mask_height", "mask_width"), "CHW")
"""A mask of each query; queries are the channels of an image."""

Result = Callable[[Mapping[str, Any], Mapping[str, Any]], Any]
"""Makes what the method returns for one image from the outputs of that image, without rows that do not count, and the options.

The functions below get the options of the method, the processor's own setting where a `do_...` is left out, and also
`backend` and `config`.
"""
Prepare = Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]
"""Makes inputs in other forms, or further ones, from what the model gave, by name, and the options: an item for each run."""
Collect = Callable[[list[Any], Mapping[str, Any]], Any]
"""Makes what the method returns from the results of all runs and the options."""


class AsIs(list[Any]):
    """A list in a result with arrays that stay numpy's, even where tensors came in."""


def over_pixels(x: Value) -> Value:
    """Lay out a number of each map, [n], as an operand for maps [n, H, W]."""
    return x.rearrange("n -> n 1 1")


def without_nothing(shares: Value) -> Value:
    """Leave out the share of the last class, which stands for nothing."""
    classes = shares.shape[-1]
    shares.builder.require(classes >= 2, "expected two classes at least, the last of which stands for nothing")
    return shares.narrow(-1, 0, classes - 1)


@dataclass(frozen=True)
class Method:
    """A post-processing method.

    Attributes:
        name: its name in transformers.
        classes: the processor classes that have it; none for every class.
        inputs: the model's outputs that it reads, by their names in transformers.
        build: writes the steps and declares the outputs.
        result: what the method returns for one image.
        options: its keywords and their defaults, in transformers' order, with `target_sizes` where it has them.
        rows: the outputs with a row for each thing found; only the first `count` rows count.
        parity: what the results are equal to.
        size_arguments: the keywords that give (height, width) of each image; the first is the size of the results.
        needs_sizes: whether the method means nothing without these.
        computed: those of them that follow from the others and the settings where they are not given.
        pairs: whether the sizes are those of the two images of a pair, [2, 2].
        float_sizes: whether upstream makes float32 of sizes in lists, so that products with narrower floats are float32, too.
        first_argument: the keyword of the first argument; `outputs` holds all outputs of the model, another name one of them.
        python_only_options: options that change only what Python makes of the program's outputs, or gives to it.
        prepare: makes the program's inputs where they are not the model's outputs one for one.
        collect: makes one result of those of all images; None returns them as a list.
        resizes_all: when upstream resizes the masks of all queries, which fails where there is no query.
        accepts_unknown_keywords: whether a call may have further keywords, which upstream ignores.
        options_without_rows: options to compile with where the model found nothing. A program is then given one row of NaN,
            and with these options it leaves that row out.
    """

    name: str
    classes: tuple[str, ...]
    inputs: Mapping[str, Field]
    build: Callable[[MethodBuilder], None]
    result: Result
    options: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[str, ...] = ()
    parity: Parity = SMOOTH
    size_arguments: tuple[str, ...] = ("target_sizes",)
    needs_sizes: bool = False
    computed: tuple[str, ...] = ()
    pairs: bool = False
    float_sizes: bool = False
    first_argument: str = "outputs"
    python_only_options: tuple[str, ...] = ()
    prepare: Prepare | None = None
    collect: Collect | None = None
    resizes_all: Literal["never", "to sizes", "always"] = "never"
    accepts_unknown_keywords: bool = False
    options_without_rows: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_masks(self) -> bool:
        """Whether rows have maps: then a program of a fixed number of rows would make far more maps than are found."""
        return "masks" in self.rows

    def present(self, fields: Collection[str]) -> list[str]:
        """The names of what a program reads of models that have some of the optional outputs."""
        given = [name for name, f in self.inputs.items() if not f.optional or name in fields]
        return [name for name in given if self.inputs[name].replaced_by not in given]

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The options of a program, the defaults where nothing is given; sizes and Python's own are none.

        Raises:
            ConfigError: an option is unknown.
        """
        if unknown := sorted(set(given) - set(self.options)):
            known = ", ".join(self.options) or "none"
            raise ConfigError(f"{self.name}: unknown option {unknown[0]!r}. Known: {known}")
        outside = {*self.size_arguments, *self.python_only_options, *(name for name, f in self.inputs.items() if f.call)}
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
            sized: which sizes there are, by their keywords; each is an input, int64 [2] (height, width), named by the
                keyword's singular. None for all that do not follow from others.
            ragged: whether rows that count are concatenated, instead of padded to a fixed number.
            fields: which of the optional model outputs there are; None for none.
            backend: `pil` or `torchvision`, the arithmetic that results have.

        Raises:
            ConfigError: the options do not fit.
        """
        sized = tuple(keyword for keyword in self.size_arguments if keyword not in self.computed) if sized is None else sized
        if self.needs_sizes and not sized:
            raise ConfigError(
                f"{self.name}: expected {self.size_arguments[0]}, (height, width) in pixels for each image, got none"
            )
        if ragged and not self.rows:
            raise ConfigError(f"{self.name}: its outputs have one size whatever is found in the image. Leave ragged out.")
        name = f"{config.processor}.{self.name}"
        b = MethodBuilder(name, self.parity, stacked=True, backend=backend, config=config, options=options, ragged=ragged)
        b.values = {name: self._read(b, name) for name in self.present(fields or ())}
        b.sizes = {keyword: self._size(b, keyword.removesuffix("s")) for keyword in sized}
        self.build(b)
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
        return value.cast("f32") if narrows else value


def _plain(value: Any) -> Any:
    """An option as metadata and keys have it: the elements of a set in order, arrays as lists."""
    if isinstance(value, (set, frozenset)):
        return tuple(sorted(_plain(item) for item in value))
    return value.tolist() if hasattr(value, "tolist") else value
