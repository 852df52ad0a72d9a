"""Hold several expressions of the same symbols as one function, for those who evaluate or print them together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphproc.sizes.num import Bool, Num


@dataclass(frozen=True)
class SizeFunction:
    """Describe a function of whole numbers: its arguments, when it refuses them, and what it returns.

    Attributes:
        name: its name in snake case, such as `clip_image_processor`.
        arguments: the names of its arguments, in order, such as `height` and `width`; each is a
            symbol of the expressions, and a whole number from 1.
        results: expressions, by name in snake case: one number each, or several in order.
        preconditions: conditions on the arguments, each with the message for those who break it.
    """

    name: str
    arguments: tuple[str, ...]
    results: Mapping[str, Num | tuple[Num, ...]]
    preconditions: tuple[tuple[Bool, str], ...] = ()
