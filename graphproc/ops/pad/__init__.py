"""Put a value on a larger canvas: the op in `op.py`, and the rules of its modes in the other files."""

from graphproc.ops.pad.op import Mode, Pad

__all__ = ["Mode", "Pad"]
