"""Implement sequences: lists of tensors, which may differ in shape.

A list is never changed, so values can share it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphproc.runtime.torch_ops.table import implements

TensorList = list[Tensor]


@implements("SequenceEmpty")
def empty(**settings: Any) -> TensorList:
    """Return a sequence without tensors."""
    return []


@implements("SequenceConstruct")
def construct(*parts: Tensor) -> TensorList:
    """Return a sequence of the given tensors."""
    return list(parts)


@implements("SequenceInsert", stay=[0, 2])
def insert(sequence: TensorList, x: Tensor, position: Tensor | None = None) -> TensorList:
    """Return a sequence with one tensor more, before a position or at the end."""
    at = len(sequence) if position is None else int(position.item())
    return [*sequence[:at], x, *sequence[at:]]


@implements("SequenceAt", stay=[0, 1])
def at(sequence: TensorList, position: Tensor) -> Tensor:
    """Return the tensor at a position; a negative position counts from the end."""
    return sequence[int(position.item())]


@implements("SequenceLength", stay=[0])
def length(sequence: TensorList) -> Tensor:
    """Return the number of tensors, int64 on the host."""
    return torch.tensor(len(sequence), dtype=torch.int64, device="cpu")


@implements("ConcatFromSequence", stay=[0])
def concatenate(sequence: TensorList, axis: int, new_axis: int = 0) -> Tensor:
    """Join the tensors along an axis, or with `new_axis` stack them along a new one."""
    return torch.stack(sequence, axis) if new_axis else torch.cat(sequence, axis)
