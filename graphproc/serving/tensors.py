"""Describe a graph's inputs and outputs as Triton's model configuration does.

Source: `model_config.proto` of triton-inference-server/common, and what its core and its ONNX Runtime
backend check when they load a model: outputs have the graph's own sizes; what has only a batch axis is
written as one element, and reshaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx_ir as ir

from graphproc.errors import GraphError
from graphproc.fusion.sources import describe, dims
from graphproc.serving.text_format import Word

DATA_TYPES: Mapping[ir.DataType, str] = {
    ir.DataType.BOOL: "TYPE_BOOL",
    ir.DataType.UINT8: "TYPE_UINT8",
    ir.DataType.UINT16: "TYPE_UINT16",
    ir.DataType.UINT32: "TYPE_UINT32",
    ir.DataType.UINT64: "TYPE_UINT64",
    ir.DataType.INT8: "TYPE_INT8",
    ir.DataType.INT16: "TYPE_INT16",
    ir.DataType.INT32: "TYPE_INT32",
    ir.DataType.INT64: "TYPE_INT64",
    ir.DataType.FLOAT16: "TYPE_FP16",
    ir.DataType.FLOAT: "TYPE_FP32",
    ir.DataType.DOUBLE: "TYPE_FP64",
    ir.DataType.BFLOAT16: "TYPE_BF16",
    ir.DataType.STRING: "TYPE_STRING",
}


def described(value: ir.Value, shape: Sequence[Any], batched: bool, where: str, *, inside: bool = True) -> dict[str, Any]:
    """Return the name, data type and dims of an input or an output, as a message.

    Args:
        value: the graph's input or output.
        shape: its shape as ONNX Runtime infers it; what is no number is free.
        batched: whether the batch axis in front is left out, as the server adds it.
        where: the graph's name in messages.
        inside: whether the message belongs to the graph itself; an ensemble's says what clients see, so
            it has no reshape.

    Raises:
        GraphError: the server has no such value: a sequence, or a tensor of unknown rank or of no element.
    """
    dtype = data_type(value, where)
    if dims(value) is None:
        raise GraphError(f"{describe(value)} of the {where}: its rank is unknown, which Triton needs. Export it with shapes.")
    if 0 in shape:
        raise GraphError(f"{describe(value)} of the {where}: expected axes of one element and more, as Triton does")
    if batched and isinstance(shape[0], int):
        raise GraphError(
            f"{describe(value)} of the {where}: expected a free batch axis in front, but ONNX Runtime finds that it has length "
            f"{shape[0]}. Serve it without batches (--max-batch-size 0)."
        )
    kept = [axis if isinstance(axis, int) else -1 for axis in shape[1 if batched else 0 :]]
    message: dict[str, Any] = {"name": str(value.name), "data_type": Word(dtype), "dims": kept or [1]}
    if not kept and batched and inside:
        message["reshape"] = {"shape": []}
    return message


def data_type(value: ir.Value, where: str) -> str:
    """Return Triton's name for the element type of a tensor.

    Raises:
        GraphError: the value is a sequence, or its element type is none of the server's.
    """
    if not isinstance(value.type, ir.TensorType):
        raise GraphError(
            f"{describe(value)} of the {where}: expected a tensor, since Triton has no sequences. "
            "Export the graph for a batch or an image (--input batch)."
        )
    if value.dtype is None or value.dtype not in DATA_TYPES:
        raise GraphError(f"{describe(value)} of the {where}: Triton has no such element type")
    return DATA_TYPES[value.dtype]
