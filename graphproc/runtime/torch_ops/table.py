"""The table of ONNX operators that torch runs: each operator's rule, registered where it is written.

A rule gives the bits that ONNX's definition gives, on any device. Numbers that decide shapes (the target of a `Reshape`, the
ends of a `Slice`) are read on the host, so a graph's size arithmetic stays on the CPU and its pixels on their device.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Any

Apply = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Implementation:
    """How torch runs one operator.

    Attributes:
        apply: takes the node's inputs in order, absent ones as None, and its attributes by name; gives its output, or a tuple
            of several. A graph in an attribute is a function of its inputs that gives the list of its outputs.
        stay: the positions of inputs that stay on the device where they are: those that are read on the host.
    """

    apply: Apply
    stay: Container[int]


EVERY_INPUT = range(sys.maxsize)
"""Of operators that hand their inputs on: what becomes of them is decided later."""


IMPLEMENTATIONS: dict[str, Implementation] = {}
"""Rules by operator, all of the default ONNX domain."""


def implements(*operators: str, stay: Container[int] = ()) -> Callable[[Apply], Apply]:
    """Register a function as the rule of operators."""

    def register(apply: Apply) -> Apply:
        for operator in operators:
            assert operator not in IMPLEMENTATIONS, operator
            IMPLEMENTATIONS[operator] = Implementation(apply, stay)
        return apply

    return register
