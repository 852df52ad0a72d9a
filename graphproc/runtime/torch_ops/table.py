"""Hold the table of ONNX operators that torch runs.

An implementation gives the bits that ONNX's definition gives, on any device. Numbers that decide
shapes are read on the host, for example the target of a `Reshape` or the ends of a `Slice`. So a
graph's size arithmetic stays on the CPU, and pixels stay on their device.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

Apply = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Implementation:
    """Describe how torch runs one operator.

    Attributes:
        apply: takes the node's inputs in order, absent ones as None, and its attributes by name;
            returns its output, or a tuple of several. A graph in an attribute is a function of its
            inputs that returns the list of its outputs.
        stay: the positions of inputs that are not moved to the other inputs' device, because they
            are read on the host.
    """

    apply: Apply
    stay: Container[int]


EVERY_INPUT = range(sys.maxsize)
"""The `stay` of operators that pass their inputs on: other operators decide what becomes of them."""


IMPLEMENTATIONS: dict[str, Implementation] = {}
"""The implementation of each operator of the default ONNX domain."""


def implements(*operators: str, stay: Container[int] = ()) -> Callable[[Apply], Apply]:
    """Register a function as the implementation of operators.

    Example:  `@implements("Div")`.

    Args:
        *operators: their names.
        stay: as in `Implementation`.
    """

    def register(apply: Apply) -> Apply:
        for operator in operators:
            assert operator not in IMPLEMENTATIONS, operator
            IMPLEMENTATIONS[operator] = Implementation(apply, stay)
        return apply

    return register
