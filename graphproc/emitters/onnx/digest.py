"""Tell a graph that was changed after it was written from one that was not."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx


def digest(model: onnx.ModelProto) -> str:
    """Return the SHA-256 digest of what a model computes: its graph and its functions, not its metadata."""
    found = sha256(model.graph.SerializeToString(deterministic=True))
    for function in model.functions:
        found.update(function.SerializeToString(deterministic=True))
    return found.hexdigest()
