"""Build a method's program, with its options and the model's outputs by their names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphproc import joins
from graphproc.configs.config import Config
from graphproc.errors import ConfigError
from graphproc.ir.program import ProgramBuilder, Value
from graphproc.ops import Compress
from graphproc.sizes.num import Num

NO_PADDING: Mapping[str, float] = {}


@dataclass(kw_only=True)
class MethodBuilder(ProgramBuilder):
    """Writes the program of one method: `b.output("scores", b["logits"].sigmoid())`.

    Attributes:
        config: the processor's settings.
        options: the method's options by name.
        ragged: whether rows that count are concatenated, image after image; otherwise they are padded to
            a fixed number.
        empty: whether the model's outputs have no rows. They then get one of NaN, which no result may have.
        values: the model's outputs by their names. `b["logits"]` reads one, `"logits" in b` tells whether
            it was given.
        sizes: heights and widths in pixels by the keyword that gives them: two numbers, or four for a
            pair of images.
    """

    config: Config
    options: Mapping[str, Any]
    ragged: bool
    empty: bool = False
    values: dict[str, Value] = field(default_factory=dict)
    sizes: dict[str, tuple[Num, ...]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Value:
        return self.values[name]

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def number(self, option: str) -> float:
        """Read an option that is a number.

        Raises:
            ConfigError: the option is something else.
        """
        value = self.options[option]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
            raise ConfigError(f"{option}: expected a number, got {value!r}")
        return value

    def count(self, option: str) -> int:
        """Read an option that is a whole number of at least 1.

        Raises:
            ConfigError: it is something else.
        """
        value = self.options[option]
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConfigError(f"{option}: expected a whole number of at least 1, got {value!r}")
        return value

    @property
    def target(self) -> tuple[Num, Num] | None:
        """Return the (height, width) that results are resized to, in pixels; None for no resize."""
        height_and_width = next(iter(self.sizes.values()), None)
        return None if height_and_width is None else (height_and_width[0], height_and_width[1])

    def rows(self, kept: Value, padding: Mapping[str, float] = NO_PADDING, count: str = "count", **values: Value) -> None:
        """Declare outputs that keep some of their rows, and the number of these.

        Args:
            kept: whether each row is kept, bools [rows].
            padding: what fills the rows behind the last kept one, by output; 0 for others.
            count: the name of the output with the number. `<output>_count` belongs to one output alone.
            **values: the outputs by name; rows are the first axis.
        """
        number = kept.sum(keepdims=True)
        (length,) = self.name_sizes(number, **{count: 0}) if self.ragged else (0,)
        for name, value in values.items():
            x = self.add(Compress(padding.get(name, 0)), value, kept)
            if self.ragged:
                x = x.narrow(-x.type.rank, 0, length)
            if "H" in x.type.layout:  # a map for each row, perhaps of the image's own size
                self.output(name, x, joins.Concatenate(fill=0) if self.ragged else joins.Pad())
            else:
                self.output(name, x, joins.Concatenate() if self.ragged else joins.STACK)
        self.output(count, number.max())
