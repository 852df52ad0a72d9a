"""Implement the selection of elements by index or by a mask."""

from __future__ import annotations

import torch
from torch import Tensor

from graphproc.runtime.torch_ops.table import implements


@implements("Gather")
def gather(x: Tensor, indices: Tensor, axis: int = 0) -> Tensor:
    """Take rows along an axis by index; a negative index counts from the end."""
    flat = indices.reshape(-1).to(torch.int64)
    flat = torch.where(flat < 0, flat + x.shape[axis], flat)
    axis = axis % x.ndim
    return x.index_select(axis, flat).reshape(*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])


@implements("GatherElements")
def gather_elements(x: Tensor, indices: Tensor, axis: int = 0) -> Tensor:
    """Take for each index the element of its own row; a negative index counts from the end."""
    places = indices.to(torch.int64)
    return x.gather(axis, torch.where(places < 0, places + x.shape[axis], places))


@implements("ScatterND")
def scatter(x: Tensor, indices: Tensor, updates: Tensor) -> Tensor:
    """Return a copy with the elements or rows at some indices replaced."""
    result = x.clone()
    result[tuple(indices.to(torch.int64).unbind(-1))] = updates
    return result


@implements("Compress")
def compress(x: Tensor, condition: Tensor, axis: int | None = None) -> Tensor:
    """Take what a mask is true for: rows along an axis, or single elements if there is no axis.

    A mask that is too short is false where it ends.
    """
    places = condition.nonzero().reshape(-1)
    return x.reshape(-1).index_select(0, places) if axis is None else x.index_select(axis, places)


@implements("NonZero")
def nonzero(x: Tensor) -> Tensor:
    """Return the indices of the elements that are not zero: int64 [rank, count]."""
    return x.nonzero().T
