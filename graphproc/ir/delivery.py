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
        container: what a call returns that asks for no framework's tensors. `joined` is what the
            join gives: a list with one array for each image or sample, or one array of all parts.
            `alike` is the same, of arrays that must have one shape. `stack` is one array of all
            images. `parts` is a list with one array for each part of all images, `apart` a list
            with one array of all parts for each image. `nested` are lists of images, one for each
            sample. `tuples` and `numbers` are a tuple or a list of Python numbers for each image;
            a framework makes its default type of such floats. `tensors` are int64 torch tensors
            whatever a call asks for, or arrays without torch.
        alone: whether a call returns the output by itself, not in a BatchFeature.
        ends_with_images: whether samples without an image are left out at the end.
    """

    kind: Literal["tensor", "lists", "separate"] = "tensor"
    omit_if_empty: bool = False
    torch_dtype: Literal["", "bfloat16"] = ""
    container: Literal["joined", "alike", "stack", "parts", "apart", "nested", "tuples", "numbers", "tensors"] = "joined"
    alone: bool = False
    ends_with_images: bool = False


Delivery.name = "delivery"
TENSOR = Delivery()
LISTS = Delivery("lists")
OMITTED_IF_EMPTY = Delivery(omit_if_empty=True)
STACKED = Delivery(container="stack")
PARTS = Delivery(container="parts")
NESTED = Delivery(container="nested")
TUPLES = Delivery(container="tuples")
NUMBERS = Delivery(container="numbers")
