"""Tell whether a graph is still what was emitted from a program."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx

    from graphproc.ir.program import Program

ENTRY = "graphproc.digest"
"""The key of the digest in a model's metadata."""


def digest(model: onnx.ModelProto, program: Program) -> str:
    """Return the SHA-256 digest of a program's text, and of the graph and the functions of the model emitted from it.

    Metadata do not count. Equal digests say that the model was not changed, and that the program is
    the one that it was emitted from.
    """
    found = sha256(str(program).encode())
    for part in (model.graph, *model.functions):
        found.update(part.SerializeToString(deterministic=True))
    return found.hexdigest()
