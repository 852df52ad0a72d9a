"""What the two backends of transformers' classes return in different containers."""

from __future__ import annotations

from graphproc.ir.backends import TORCHVISION
from graphproc.ir.delivery import NESTED, STACKED, TENSOR, Delivery
from graphproc.ir.program import ProgramBuilder


def stacked_in_torchvision(b: ProgramBuilder) -> Delivery:
    """Return the delivery of what torchvision's backend stacks and pil's leaves a list."""
    return STACKED if b.backend == TORCHVISION else TENSOR


def nested_in_pil(b: ProgramBuilder) -> Delivery:
    """Return the delivery of samples that are lists of images in pil's backend and tensors in torchvision's."""
    return TENSOR if b.backend == TORCHVISION else NESTED
