"""Define how a call hands over an output that is not delivered as one tensor of all images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from graphproc.ir.registry import Registered


@dataclass(frozen=True, slots=True)
class Delivery(Registered):
    """Describe how Python callers get an output. Graphs always give a tensor.

    Attributes:
        kind: `tensor` is what the caller asks for, e.g. a numpy array or a torch tensor. The other
            two do not depend on what the caller asks for: `lists` are (nested) lists of plain
            numbers, `separate` is a list with one array for each image.
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
