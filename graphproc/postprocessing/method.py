"""Describe a `post_process_*` method: the model's outputs that it reads, its options, its steps."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from graphproc.configs.config import Config
from graphproc.errors import ConfigError
from graphproc.ir.backends import PIL
from graphproc.ir.program import Parity, Program, ProgramBuilder, Value
from graphproc.ir.types import TensorType
from graphproc.postprocessing.builder import MethodBuilder
from graphproc.sizes import num
from graphproc.sizes.num import Num

TRANSFORMERS = "transformers 5.23"
REQUIRED: Any = inspect.Parameter.empty
"""The default of a keyword that a call must give."""
SMOOTH = Parity(TRANSFORMERS, 1e-5, "relative; the runtime has its own exponentials, order of sums and fused products")
"""The parity of most methods: floats differ in the last places, whole numbers only where floats are that close."""


@dataclass(frozen=True)
class Field:
    """Describe one of a model's outputs, as it is for one image.

    Attributes:
        shape: for each axis its length, or a name if any length will do.
        layout: a letter for each axis, as in `TensorType`, or empty.
        optional: whether models may lack it.
        dtype: its element type in the program; other floats are converted.
        call: whether not the model but the caller gives it, under a keyword of its name; it keeps
            its type.
        replaced_by: the name of an optional output that is read instead if the model has it.
    """

    shape: tuple[int | str, ...]
    layout: str = ""
    optional: bool = False
    dtype: str = "f32"
    call: bool = False
    replaced_by: str = ""

    @property
    def type(self) -> TensorType:
        """Return its type in a program."""
        return TensorType(self.dtype, tuple(num.symbol(s) if isinstance(s, str) else s for s in self.shape), self.layout)


LOGITS = Field(("queries", "classes"), "QC")
BOXES = Field(("queries", 4), "QF")
MASKS = Field(("queries", "mask_height", "mask_width"), "CHW")
"""A mask for each query; the queries are laid out as the channels of an image."""

Result = Callable[[Mapping[str, Any], Mapping[str, Any]], Any]
"""Makes what the method returns for one image, from the image's outputs and the options.

Outputs have only the rows that count. This function and the two below get the method's options, with the
processor's own setting where a `do_...` is left out, and `backend` and `config`.
"""
Prepare = Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]]
"""Makes changed or extra inputs, by name, from the model's outputs and the options: an item for each run."""
Collect = Callable[[list[Any], Mapping[str, Any]], Any]
"""Makes what the method returns from the results of all runs and the options."""


class AsIs(list[Any]):
    """Mark a list in a result that keeps its numpy arrays.

    Other arrays become tensors if the model's outputs were tensors.
    """


def over_pixels(x: Value) -> Value:
    """Reshape a number for each map, [n], to [n, 1, 1], an operand for maps [n, H, W]."""
    return x.rearrange("n -> n 1 1")


def without_nothing(shares: Value) -> Value:
    """Leave out the share of the last class, which stands for "nothing"."""
    classes = shares.shape[-1]
    shares.builder.require(classes >= 2, "expected at least two classes; the last one means no object")
    return shares.narrow(-1, 0, classes - 1)


@dataclass(frozen=True)
class Method:
    """A post-processing method.

    Attributes:
        name: its name in transformers.
        classes: the processor classes that have it; empty for every class.
        inputs: the model's outputs that it reads, by their names in transformers.
        build: writes the steps and declares the outputs. The first line of its docstring is shown to users.
        result: makes what the method returns for one image.
        options: its keywords and their defaults, in transformers' order, `target_sizes` included if it has it.
        rows: the outputs with a row for each thing found; only their first `count` rows count.
        parity: what the results are equal to.
        size_arguments: the keywords that give (height, width) of each image; the first is the size of the results.
        needs_sizes: whether a call must give sizes.
        computed: the size arguments that follow from the others and the settings where they are not given.
        pairs: whether the sizes are those of the two images of a pair, [2, 2].
        float_sizes: whether upstream turns sizes in lists into float32, so that products with narrower
            floats are float32 as well.
        first_argument: the keyword of the first argument: `outputs` for all outputs of the model, another
            name for one of them.
        python_only_options: options that change only the program's inputs or what Python makes of its outputs.
        prepare: makes the program's inputs where they are not the model's outputs one for one.
        collect: makes one result of all images' results; None returns them as a list.
        resizes_all: when upstream resizes the masks of all queries, which fails if there are no queries.
        accepts_unknown_keywords: whether a call may have other keywords, which upstream ignores.
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

    @property
    def has_masks(self) -> bool:
        """Tell whether rows have maps. With a fixed number of rows, a program would make far more maps than are found."""
        return "masks" in self.rows

    def present(self, fields: Collection[str]) -> list[str]:
        """Return the names of the inputs of a program for models that have some optional outputs (`fields`)."""
        given = [name for name, f in self.inputs.items() if not f.optional or name in fields]
        return [name for name in given if self.inputs[name].replaced_by not in given]

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of a program, with defaults for those not given; without sizes and what only Python reads.

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
        backend: str = PIL,
        empty: bool = False,
    ) -> Program:
        """Compile the method.

        Args:
            config: the processor's settings.
            options: the method's options, as `settings` gives them.
            sized: the keywords of the sizes that are given; each is an input, int64 [2] (height, width),
                named by the keyword's singular. None for all that do not follow from others.
            ragged: whether rows that count are concatenated; otherwise they are padded to a fixed number.
            fields: the optional model outputs that are given; None for none.
            backend: `pil` or `torchvision`, the arithmetic that results have.
            empty: whether the model's outputs have no rows (`MethodBuilder.empty`).

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
        builder_settings: dict[str, Any] = {"config": config, "options": options, "ragged": ragged, "empty": empty}
        b = MethodBuilder(name, self.parity, inputs_batched=True, backend=backend, **builder_settings)
        b.values = {name: self._read(b, name) for name in self.present(fields or ())}
        b.sizes = {keyword: self._size(b, keyword.removesuffix("s")) for keyword in sized}
        self.build(b)
        return b.finish()

    def _size(self, b: ProgramBuilder, name: str) -> tuple[Num, ...]:
        """Declare an input of sizes; return its symbols."""
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
    """Return an option in a form for metadata and dictionary keys: a set as a sorted tuple, an array as a list."""
    if isinstance(value, (set, frozenset)):
        return tuple(sorted(_plain(item) for item in value))
    return value.tolist() if hasattr(value, "tolist") else value
