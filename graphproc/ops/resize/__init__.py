"""Resampling: the op, its numpy reference and its ONNX form."""

from graphproc.ops.resize.op import Resize

__all__ = ["Resize"]
