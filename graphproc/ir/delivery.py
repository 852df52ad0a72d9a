"""How a call hands an output over, where that is not as a tensor of all images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from graphproc.ir.registry import Registered


@dataclass(frozen=True, slots=True)
class Delivery(Registered):
    """How Python callers get an output. Graphs have a tensor in any case.

    Attributes:
        kind: `tensor` is what the caller asks for. Whatever the caller asks for, `lists` are
            (nested) lists of plain numbers, and `separate` is a list of the images' own arrays.
        omit_if_empty: whether an output without elements is left out.
        torch_dtype: the type of torch tensors, where numpy lacks it: `bfloat16`. Arrays and graphs
            hold its numbers in float32. Empty for the array's own type.
    """

    kind: Literal["tensor", "lists", "separate"] = "tensor"
    omit_if_empty: bool = False
    torch_dtype: Literal["", "bfloat16"] = ""


Delivery.name = "delivery"
TENSOR = Delivery()
LISTS = Delivery("lists")
OMITTED_IF_EMPTY = Delivery(omit_if_empty=True)
